package wallet

import (
	"strings"
	"testing"
	"unicode/utf8"

	"styk"
)

func retailTemplate() *styk.CardTemplate {
	return &styk.CardTemplate{ID: "5b0000000000000000000001", Name: "Клуб «Лето»", Variables: []styk.CardVariable{
		{Name: "CLIENT_NAME", Type: styk.CardString}, {Name: "BIRTHDAY", Type: styk.CardDate},
		{Name: "PHONE", Type: styk.CardPhone, Unique: true, Required: true}, {Name: "EMAIL", Type: styk.CardEmail},
		{Name: "BONUS", Type: styk.CardNumber}, {Name: "Скидка", Type: styk.CardNumber},
	}}
}

func TestListing(t *testing.T) {
	t.Parallel()
	text := Listing(retailTemplate(), "https://cards.example.ru/")
	for _, want := range []string{
		`Новый HTTPСоединение("cards.example.ru", 443, , , , СекундОжидания, Новый ЗащищенноеСоединениеOpenSSL);`,
		`СтыкПара("templateId", "5b0000000000000000000001")`,
		`СтыкПара("values[%CLIENT_NAME%]", ВладелецКарты);`,
		`СтыкПара("values[%PHONE%]", СтыкКонтакт("НомерТелефона"));`,
		`СтыкПара("values[%BONUS%]", СтыкБаллы());`,
		`	// Тело = Тело + СтыкПара("values[%Скидка%]", ВашРеквизит);`,
		`Новый HTTPЗапрос("/oapi/v1/" + Метод, Заголовки)`,
		"ОбменДанными.Загрузка", "ПриЗаписи(Отказ, Замещение)", `Код = Данные["code"];`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the listing has no %s", want)
		}
	}
	checkCode(t, text)
}

func TestListingOfPlainHTTPOnAnotherPort(t *testing.T) {
	t.Parallel()
	text := Listing(retailTemplate(), "http://192.0.2.7:8383/cards")
	for _, want := range []string{`Новый HTTPСоединение("192.0.2.7", 8383, , , , СекундОжидания);`, `HTTPЗапрос("/cards/oapi/v1/"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the listing has no %s", want)
		}
	}
}

func TestListingHoldsWhatTheTemplateNeeds(t *testing.T) {
	t.Parallel()
	text := Listing(&styk.CardTemplate{ID: "5b0000000000000000000001", Name: "Ночь\nПроцедура Зло()", Variables: []styk.CardVariable{
		{Name: "NAME", Type: styk.CardString},
	}}, "https://cards.example.ru")
	for _, not := range []string{"СтыкБаллы", "СтыкКонтакт", "СтыкДеньРождения", "БонусныеБаллы", "\nПроцедура Зло"} {
		if strings.Contains(text, not) {
			t.Errorf("the listing has %s without need", not)
		}
	}
	checkCode(t, text)
}

// checkCode looks whether blocks end as they began and lines fit.
func checkCode(t *testing.T, text string) {
	t.Helper()
	ends := map[string]string{"Процедура": "КонецПроцедуры", "Функция": "КонецФункции", "Если": "КонецЕсли;", "Попытка": "КонецПопытки;",
		"Для": "КонецЦикла;", "#Область": "#КонецОбласти"}
	var open []string
	for n, line := range strings.Split(text, "\n") {
		if utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")) > 120 {
			t.Errorf("line %d is too long: %s", n+1, line)
		}
		if strings.ContainsAny(line, "ёЁ") {
			t.Errorf("line %d: 1C's standard writes no ё: %s", n+1, line)
		}
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if end := ends[word]; end != "" {
			open = append(open, end)
		} else if len(open) > 0 && word == open[len(open)-1] {
			open = open[:len(open)-1]
		} else if strings.HasPrefix(word, "Конец") || strings.HasPrefix(word, "#Конец") {
			t.Errorf("line %d ends what was not begun: %s", n+1, line)
		}
	}
	if len(open) != 0 {
		t.Errorf("blocks are open: %v", open)
	}
}

func TestListingLines(t *testing.T) {
	t.Parallel()
	got := strings.Join(ListingLines(retailTemplate())[:2], "&")
	if want := "values[%%CLIENT_NAME%%]=%2&values[%%BIRTHDAY%%]=%3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
