package notice_test

import (
	"testing"

	"styk/connect"
	"styk/notice"
)

func TestWaitingTexts(t *testing.T) {
	t.Parallel()
	boss := []string{"boss@firm.ru"}
	for name, write := range map[string]func(notice.Lang) connect.Notice{
		"reply":       notice.Replied{To: boss, Number: "2611-0042-7", URL: "https://styk.firm.ru/admin/tickets/7"}.Notice,
		"reply-least": notice.Replied{To: boss, Number: "2611-0042-7"}.Notice,
		"overdue": notice.Overdue{To: boss, Numbers: []string{"2611-0042-7", "2611-0041-9"}, Count: 5,
			URL: "https://styk.firm.ru/admin/tickets?show=overdue"}.Notice,
		"overdue-one": notice.Overdue{To: boss, Numbers: []string{"2611-0042-7"}, Count: 1}.Notice,
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
