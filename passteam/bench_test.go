package passteam

import "testing"

func BenchmarkParseBody(b *testing.B) {
	for name, body := range map[string]string{
		"raw": "templateId=5be000000000000000000001&values[%CLIENT_NAME%]=ООО \"Рога & Копыта\" 100%&values[%BIRTHDAY%]=05.03.1990&values[%PHONE%]=+7 (913) 123-45-67&values[%EMAIL%]=maria@example.org&values[%BONUS%]=1\u00a0234,5",
		"escaped": "cardId=5bea7e305abcfd6b708b4573&values%5B%25BALANCE%25%5D=7500&values%5B%25_CODE%25%5D=3006880536055" +
			"&values%5B%25NUMBERCARD%25%5D=3006880536055&values%5B%25DISCOUNT%25%5D=5",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseBody([]byte(body), formType, MethodNamed(MethodCreateCard)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAnswer(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Done(CardMade{card, "https://host/c/" + card, CardState{card, "5be000000000000000000001", false}}).JSON(); err != nil {
			b.Fatal(err)
		}
	}
}
