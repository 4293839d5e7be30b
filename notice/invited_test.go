package notice_test

import (
	"testing"
	"time"

	"styk/connect"
	"styk/notice"
)

// The invitation of a colleague, full and with what may be empty left out.
func TestInvitedTexts(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	const link = "https://styk.firm.ru/admin/link/i1-0123456789abcdef0123456789abcdef01234567"
	for name, write := range map[string]func(notice.Lang) connect.Notice{
		"invited":       notice.Invited{To: "boris@firm.ru", Firm: "ООО «Компания»", URL: link, Until: until, Zone: calendar(t, office).Zone()}.Notice,
		"invited-least": notice.Invited{To: "boris@firm.ru", URL: link, Until: until}.Notice,
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
