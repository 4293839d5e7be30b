package notice_test

import (
	"testing"

	"styk/notice"
)

// A card that a till sends, with all that may be told and with the least.
func TestCardSentTexts(t *testing.T) {
	t.Parallel()
	const url = "https://styk.firm.ru/c/5bea7e305abcfd6b708b4573-s3cret"
	for name, letter := range map[string]notice.CardSent{
		"card-sent":       {To: "anna@firm.ru", Firm: "ООО «Компания»", Card: "Карта гостя", URL: url, ReplyTo: "info@firm.ru"},
		"card-sent-least": {To: "anna@firm.ru", URL: url},
	} {
		for _, l := range []notice.Lang{notice.Russian, notice.English} {
			n := letter.Notice(l)
			golden(t, name+"."+string(l)+".txt", "Subject: "+n.Subject+"\n\n"+n.Text)
			if n.Type != notice.TypeCardSent || len(n.To) != 1 || n.ReplyTo != letter.ReplyTo {
				t.Errorf("%s: got %+v", name, n)
			}
		}
	}
}
