package styk_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"styk"
)

func TestTicketNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		month string
		n     int64
		want  string
	}{
		{"2611", 42, "2611-0042-4"}, {"2611", 9999, "2611-9999-6"}, {"2611", 10000, "2611-10000-5"},
	} {
		if got := styk.TicketNumber(c.month, c.n); got != c.want {
			t.Errorf("TicketNumber(%s, %d) = %s, want %s", c.month, c.n, got, c.want)
		}
	}
	for _, spelling := range []string{"2611-0042-4", "261100424", "2611 0042 4", " № 2611/0042/4 ", "26 11 00 42 4", "2611-ОО42-4", "2б11"} {
		got, err := styk.ParseTicketNumber(spelling)
		if strings.Contains(spelling, "б") {
			if err == nil {
				t.Errorf("%q was taken for %s", spelling, got)
			}
			continue
		}
		if err != nil || got != "2611-0042-4" {
			t.Errorf("%q: %s, %v", spelling, got, err)
		}
	}
	for _, bad := range []string{"", "2611-0042-7", "2613-0042-4", "2611-0000-0", "2611-00042-4", "12345"} {
		if got, err := styk.ParseTicketNumber(bad); err == nil {
			t.Errorf("%q was taken for %s", bad, got)
		}
	}
}

func TestTicketMonthIsMoscows(t *testing.T) {
	t.Parallel()
	if got := styk.TicketMonth(time.Date(2026, 11, 30, 21, 0, 0, 0, time.UTC)); got != "2612" {
		t.Errorf("got %s", got)
	}
}

// One wrong digit is always noticed, and so is nearly every swap.
// F-43: the number is read aloud and typed back.
func TestTicketNumberNoticesSlips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 99999).Draw(t, "n")
		digits := strings.ReplaceAll(styk.TicketNumber("2611", n), "-", "")
		if got, err := styk.ParseTicketNumber(digits); err != nil || got != styk.TicketNumber("2611", n) {
			t.Fatalf("%s: %s, %v", digits, got, err)
		}
		at := rapid.IntRange(0, len(digits)-1).Draw(t, "at")
		by := rapid.IntRange(1, 9).Draw(t, "by")
		wrong := digits[:at] + string('0'+(digits[at]-'0'+byte(by))%10) + digits[at+1:]
		if got, err := styk.ParseTicketNumber(wrong); err == nil {
			t.Fatalf("%s passed as %s", wrong, got)
		}
	})
}

func FuzzParseTicketNumber(f *testing.F) {
	for _, s := range []string{"2611-0042-4", "2611 0042 4", "№26110042-4", "О", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := styk.ParseTicketNumber(text)
		if err != nil {
			return
		}
		if again, err := styk.ParseTicketNumber(got); err != nil || again != got {
			t.Errorf("%q gave %q, which gives %q, %v", text, got, again, err)
		}
	})
}
