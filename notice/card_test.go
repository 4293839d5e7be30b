package notice_test

import (
	"testing"
	"time"

	"styk/connect"
	"styk/notice"
)

// The texts about cards, full and with all that may be empty left out.
func TestCardTexts(t *testing.T) {
	t.Parallel()
	ends := time.Date(2026, 12, 21, 9, 30, 0, 0, time.UTC)
	owner := []string{"boss@firm.ru"}
	for name, write := range map[string]func(notice.Lang) connect.Notice{
		"card-link": notice.CardLink{
			To: "anna@firm.ru", Firm: "ООО «Компания»", URL: "https://styk.firm.ru/c/5bea7e305abcfd6b708b4573-s3cret",
		}.Notice,
		"card-link-least": notice.CardLink{To: "anna@firm.ru", URL: "https://styk.firm.ru/c/5bea7e305abcfd6b708b4573-s3cret"}.Notice,
		"certificate": notice.Certificate{
			To: owner, PassType: "pass.ru.firm.card", Ends: ends, Days: 30, Zone: calendar(t, office).Zone(), URL: "https://styk.firm.ru/admin/certificates",
		}.Notice,
		"certificate-ended": notice.Certificate{To: owner, PassType: "pass.ru.firm.card", Ends: ends}.Notice,
		"certificate-least": notice.Certificate{To: owner, PassType: "pass.ru.firm.card", Days: 7}.Notice,
	} {
		for _, l := range []notice.Lang{notice.Russian, notice.English} {
			n := write(l)
			golden(t, name+"."+string(l)+".txt", "Subject: "+n.Subject+"\n\n"+n.Text)
			if n.Type == "" || len(n.To) != 1 {
				t.Errorf("%s: got %+v", name, n)
			}
		}
	}
}
