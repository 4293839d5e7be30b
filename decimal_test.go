package styk_test

import (
	"strings"
	"testing"

	"styk"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "0": "0", "7500": "7500", "1 234,5": "1234.5", "1\u00a0234,5": "1234.5", "1\u202f234\u2009567": "1234567", "-5": "-5", "−1 000,50": "-1000.5", "-0": "0",
		"007": "7", "1.0": "1", ".5": "0.5", "1234.5": "1234.5",
	} {
		if got, ok := styk.ParseDecimal(text); !ok || got != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"x", "1,2,3", "1-", "--1", "5%", ".", "-", "1.", "1e5", "٣", strings.Repeat("9", 41)} {
		if got, ok := styk.ParseDecimal(text); ok {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", " 05.03.1990 ": "1990-03-05", "1990-03-05": "1990-03-05", "01.01.0001": "", "01.01.0001 0:00:00": "", "0001-01-01T00:00:00": "", "05.03.1990 9:30:00": "1990-03-05",
		"1990-03-05T00:00:00": "1990-03-05", "1990-03-05T00:00:00.5+03:00": "1990-03-05", "1990-03-05T10:00Z": "",
	} {
		got, ok := styk.ParseDay(text)
		if text == "1990-03-05T10:00Z" {
			if ok {
				t.Errorf("%q is taken", text)
			}
			continue
		}
		if !ok || string(got) != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"31.02.1990", "5.3.90", "1990", "05/03/1990", "05.03.1990 yesterday"} {
		if got, ok := styk.ParseDay(text); ok {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

// FuzzValue: numbers and dates of any text are read or refused, and what was
// read is read the same again.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{"1\u00a0234,5", "-0,0", "01.01.0001 0:00:00", "1990-03-05T00:00:00+03:00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, ok := styk.ParseDecimal(text); ok {
			if again, ok := styk.ParseDecimal(n); !ok || again != n {
				t.Errorf("%q is %q, then %q", text, n, again)
			}
		}
		if day, ok := styk.ParseDay(text); ok {
			if again, ok := styk.ParseDay(string(day)); !ok || again != day {
				t.Errorf("%q is %q, then %q", text, day, again)
			}
		}
	})
}
