package notice_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"styk/connect"
	"styk/notice"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Every text, full and with all that may be empty left out. Look at the diff of
// testdata/texts when it changes.
func TestTexts(t *testing.T) {
	t.Parallel()
	moscow := calendar(t, office).Zone()
	when := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	var none *notice.Calendar
	owner := []string{"boss@firm.ru"}
	texts := map[string]func(notice.Lang) connect.Notice{
		"accepted": notice.Accepted{
			To: "anna@firm.ru", Firm: "ООО «Компания»", Form: "Обратная связь", Number: "2611-0042-7",
			Promise: none.Promise(when, notice.Russian), StatusURL: "https://styk.firm.ru/f/feedback/status/s3cret",
		}.Notice,
		"accepted-crm":   notice.Accepted{To: "anna@firm.ru", Number: "2611-0042-7", CRMNumber: "SR-00000042"}.Notice,
		"accepted-least": notice.Accepted{To: "anna@firm.ru", Number: "2611-0042-7"}.Notice,
		"number": notice.Numbered{
			To: "anna@firm.ru", Firm: "ООО «Компания»", Number: "2611-0042-7", CRMNumber: "SR-00000042",
			StatusURL: "https://styk.firm.ru/f/feedback/status/s3cret",
		}.Notice,
		"number-least": notice.Numbered{To: "anna@firm.ru", Number: "2611-0042-7", CRMNumber: "SR-00000042"}.Notice,
		"refused": notice.Refused{
			To: "anna@firm.ru", Firm: "ООО «Компания»", Number: "2611-0042-7", ReplyTo: "info@firm.ru",
			StatusURL: "https://styk.firm.ru/f/feedback/status/s3cret",
		}.Notice,
		"refused-least": notice.Refused{To: "anna@firm.ru", Number: "2611-0042-7"}.Notice,
		"unchecked": notice.Unchecked{
			To: owner, Target: "crm", Since: when, Zone: moscow, URL: "https://styk.firm.ru/admin/deliveries",
		}.Notice,
		"unchecked-least": notice.Unchecked{To: owner, Target: "crm"}.Notice,
		"failed": notice.Failed{
			To: owner, Target: "crm", Cause: "Нет прав (403): выдайте права пользователю интеграции.",
			Numbers: []string{"2611-0001-7", "2611-0002-5", "2611-0003-3", "2611-0004-1", "2611-0005-8", "2611-0006-6", "2611-0007-4"},
			Since:   when, Zone: moscow, URL: "https://styk.firm.ru/admin/deliveries?state=failed",
		}.Notice,
		"failed-paused": notice.Failed{To: owner, Target: "crm", Cause: "Пароль не подошёл.", Paused: true}.Notice,
		"recovered": notice.Recovered{
			To: owner, Target: "crm", Down: 135 * time.Minute, Waiting: 21, Failed: 2, URL: "https://styk.firm.ru/admin/deliveries",
		}.Notice,
		"recovered-least": notice.Recovered{To: owner, Target: "crm", Down: time.Second}.Notice,
		"silent": notice.Silent{
			To: owner, Form: "Обратная связь", Hours: 22, Last: when, Zone: moscow, URL: "https://styk.firm.ru/f/feedback",
		}.Notice,
		"silent-least": notice.Silent{To: owner, Form: "Обратная связь", Hours: 1}.Notice,
	}
	for name, write := range texts {
		for _, l := range []notice.Lang{notice.Russian, notice.English} {
			n := write(l)
			golden(t, name+"."+string(l)+".txt", "Subject: "+n.Subject+"\n\n"+n.Text)
			if n.Type == "" || len(n.To) != 1 || strings.Contains(n.HTML, "<no value>") {
				t.Errorf("%s: got %+v", name, n)
			}
			for _, line := range strings.Fields(n.Text) {
				if strings.HasPrefix(line, "https://") && !strings.Contains(n.HTML, `<a href="`+strings.ReplaceAll(line, "&", "&amp;")) {
					t.Errorf("%s: %s is no link in %s", name, line, n.HTML)
				}
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "texts", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// What somebody typed cannot become markup or a second header.
func TestTextsAreEscaped(t *testing.T) {
	t.Parallel()
	n := notice.Failed{
		To: []string{"boss@firm.ru"}, Target: "<script>alert(1)</script>\r\nBcc: evil@x.ru",
		Cause: `<img src=x onerror="1">`, URL: `javascript:alert(1)`,
	}.Notice(notice.Russian)
	for _, bad := range []string{"<script", "<img", "<a "} {
		if strings.Contains(n.HTML, bad) {
			t.Errorf("%s in %s", bad, n.HTML)
		}
	}
	if strings.ContainsAny(n.Subject, "\r\n") {
		t.Errorf("got subject %q", n.Subject)
	}
	n = notice.Accepted{To: "a@b.ru", Number: "1", StatusURL: `https://x.ru/"onmouseover="1`}.Notice(notice.English)
	if strings.Contains(n.HTML, `"onmouseover`) {
		t.Errorf("got %s", n.HTML)
	}
}
