package notice_test

import (
	"errors"
	"fmt"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"styk"
	"styk/notice"
)

// office is an ordinary Russian firm in the year 2026.
var office = notice.CalendarSettings{
	Week:     map[string]string{"пн-пт": "9:00-18:00", "sat": "10:00–15:00"},
	Holidays: []string{"ru", "2026-12-31..2027-01-10"},
	Days:     map[string]string{"2026-11-03": "9:00-16:00", "2027-01-09": "11:00-12:00"},
}

func calendar(t *testing.T, s notice.CalendarSettings) *notice.Calendar {
	t.Helper()
	c, err := notice.ParseCalendar(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The seed's sentence, letter for letter, while no calendar is set.
func TestFixedSentence(t *testing.T) {
	t.Parallel()
	var none *notice.Calendar
	want := "Ваша заявка отправлена. Мы свяжемся с вами в рабочее время по мск с 9:00 до 18:00"
	if got := none.Sent(time.Now(), notice.Russian); got != want {
		t.Errorf("got %q", got)
	}
	if got := none.Sent(time.Now(), notice.English); got != "Your request has been sent. We will contact you during working hours, 9:00 to 18:00 Moscow time" {
		t.Errorf("got %q", got)
	}
	if !none.Open(time.Now()) || none.Zone() != nil {
		t.Error("without a calendar somebody is always there")
	}
}

// F-47: the promise is computed from the hours.
func TestPromise(t *testing.T) {
	t.Parallel()
	c := calendar(t, office)
	round := calendar(t, notice.CalendarSettings{Week: map[string]string{"mon-sun": "0:00-24:00"}})
	never := calendar(t, notice.CalendarSettings{})
	cases := []struct {
		c       *notice.Calendar
		now     string // Moscow
		ru, eng string
	}{
		{c, "2026-11-20 12:00", "сегодня до 18:00", "today by 18:00"}, // a Friday
		{c, "2026-11-20 17:30", "сегодня до 18:00", "today by 18:00"},
		{c, "2026-11-20 17:31", "завтра с 10:00", "tomorrow from 10:00"},
		{c, "2026-11-20 08:59", "сегодня с 9:00", "today from 9:00"},
		{c, "2026-11-20 09:00", "сегодня до 18:00", "today by 18:00"},
		{c, "2026-11-20 00:00", "сегодня с 9:00", "today from 9:00"},
		{c, "2026-11-21 15:00", "в понедельник с 9:00", "on Monday from 9:00"},
		{c, "2026-11-22 15:00", "завтра с 9:00", "tomorrow from 9:00"},
		{c, "2026-11-03 16:00", "в четверг с 9:00", "on Thursday from 9:00"}, // short day, then 4 November
		{c, "2026-12-30 20:00", "9 января с 11:00", "on 9 January from 11:00"},
		{c, "2027-01-07 20:00", "в субботу с 11:00", "on Saturday from 11:00"},
		{c, "2027-01-09 13:00", "в понедельник с 9:00", "on Monday from 9:00"},
		{round, "2026-11-20 23:59", "сегодня до 24:00", "today by 24:00"},
		{never, "2026-11-20 12:00", "в рабочее время", "during working hours"},
	}
	for _, p := range cases {
		now, err := time.ParseInLocation("2006-01-02 15:04", p.now, p.c.Zone())
		if err != nil {
			t.Fatal(err)
		}
		if got := p.c.Promise(now.UTC(), notice.Russian); got != "Мы свяжемся с вами "+p.ru {
			t.Errorf("%s: got %q, want %q", p.now, got, p.ru)
		}
		if got := p.c.Promise(now, notice.English); got != "We will contact you "+p.eng {
			t.Errorf("%s: got %q, want %q", p.now, got, p.eng)
		}
	}
}

func TestWorked(t *testing.T) {
	t.Parallel()
	c := calendar(t, office)
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, c.Zone()) }
	cases := []struct {
		since, until time.Time
		want         time.Duration
	}{
		{at(20, 10), at(20, 12), 2 * time.Hour},
		{at(20, 17), at(21, 11), 2 * time.Hour},
		{at(21, 16), at(23, 8), 0},
		{at(16, 0), at(23, 0), 50 * time.Hour},
		{at(20, 12), at(20, 10), 0},
	}
	for _, w := range cases {
		if got := c.Worked(w.since, w.until); got != w.want {
			t.Errorf("%v to %v: got %v, want %v", w.since, w.until, got, w.want)
		}
	}
	var none *notice.Calendar
	if got := none.Worked(at(20, 0), at(21, 0)); got != 24*time.Hour {
		t.Errorf("got %v", got)
	}
}

func TestWrongCalendar(t *testing.T) {
	t.Parallel()
	bad := notice.CalendarSettings{
		Zone: "Mars/Olympus", Last: "soon",
		Week:     map[string]string{"mon-fry": "9:00-18:00", "tue": "18:00-9:00", "wed": "9-18", "thu": "9:00-24:01"},
		Holidays: []string{"2026-02-30", "2026-01-10..2026-01-01", "13-01", "us", "2026-01-01..2030-01-01"},
		Days:     map[string]string{"2026-13-01": "9:00-10:00", "2026-01-01": "x", "": "-"},
	}
	_, err := notice.ParseCalendar(bad)
	var e *styk.Error
	if !errors.As(err, &e) || len(e.Faults) != 14 {
		t.Fatalf("got %d faults: %v", len(e.Faults), err)
	}
}

// zones with clocks that change, some at midnight, and Moscow, where they do not.
var zones = []string{
	"Europe/Moscow", "Europe/Berlin", "America/New_York", "America/Santiago", "Asia/Beirut",
	"Africa/Cairo", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu",
}

func anyCalendar(t *rapid.T) notice.CalendarSettings {
	s := notice.CalendarSettings{
		Zone: rapid.SampledFrom(zones).Draw(t, "zone"),
		Week: map[string]string{}, Days: map[string]string{},
	}
	hours := rapid.Custom(func(t *rapid.T) string {
		from := rapid.IntRange(0, 1439).Draw(t, "from")
		to := rapid.IntRange(from+1, 1440).Draw(t, "to")
		return fmt.Sprintf("%d:%02d-%d:%02d", from/60, from%60, to/60, to%60)
	})
	for _, day := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}), rapid.ID).Draw(t, "days") {
		s.Week[day] = hours.Draw(t, day)
	}
	if rapid.Bool().Draw(t, "holidays") {
		s.Holidays = []string{"ru", "02-29"}
	}
	return s
}

func anyMoment(t *rapid.T) time.Time {
	const from, to = 1735689600, 1861920000 // 2025 … 2028
	return time.Unix(rapid.Int64Range(from, to).Draw(t, "now"), 0)
}

// The next opening is never in the past, never backwards, and the nearest.
func TestNextOpening(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anyCalendar(t)
		c, err := notice.ParseCalendar(s)
		if err != nil {
			t.Fatal(err)
		}
		now := anyMoment(t)
		from, to, ok := c.Next(now)
		if len(s.Week) > 0 && !ok || len(s.Week) == 0 && ok {
			t.Fatalf("found %v in %v", ok, s.Week)
		}
		if !ok {
			return
		}
		if !to.After(now) || !to.After(from) {
			t.Fatalf("at %v: from %v to %v", now, from, to)
		}
		if c.Open(now) != !now.Before(from) {
			t.Fatal("open and next disagree")
		}
		if between := c.Worked(now, from); between != 0 {
			t.Fatalf("%v of work before the next opening", between)
		}
		if got, want := c.Worked(from, to), to.Sub(from); got < want {
			t.Fatalf("worked %v in an opening of %v", got, want)
		}
		if p := c.Promise(now, notice.Russian); len(p) < len("Мы свяжемся с вами сегодня") {
			t.Fatalf("got %q", p)
		}
	})
}

// Working time adds up, wherever a span is cut.
func TestWorkedAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, err := notice.ParseCalendar(anyCalendar(t))
		if err != nil {
			t.Fatal(err)
		}
		a := anyMoment(t)
		b := a.Add(time.Duration(rapid.Int64Range(0, 20*86400).Draw(t, "b")) * time.Second)
		d := b.Add(time.Duration(rapid.Int64Range(0, 20*86400).Draw(t, "d")) * time.Second)
		if one, two := c.Worked(a, d), c.Worked(a, b)+c.Worked(b, d); one != two {
			t.Fatalf("%v, in two parts %v", one, two)
		}
		if c.Worked(a, d) > d.Sub(a) {
			t.Fatal("more work than time")
		}
	})
}

func FuzzCalendar(f *testing.F) {
	f.Add("Europe/Moscow", "пн-пт", "9:00-18:00", "2027-01-01..2027-01-10", "30m", int64(1_763_000_000))
	f.Add("America/Santiago", "sun-sat", "0:00-24:00", "ru", "0s", int64(0))
	f.Add("", "mon,tue", "-", "02-29..03-01", "", int64(-1))
	f.Add("../etc", "-", ":-:", "..", "-1h", int64(1<<40))
	f.Fuzz(func(t *testing.T, zone, days, hours, holiday, last string, at int64) {
		c, err := notice.ParseCalendar(notice.CalendarSettings{
			Zone: zone, Week: map[string]string{days: hours}, Holidays: []string{holiday},
			Days: map[string]string{holiday: hours}, Last: last,
		})
		if err != nil {
			if styk.CodeOf(err) != styk.Invalid {
				t.Errorf("got %v", err)
			}
			return
		}
		now := time.Unix(at%(1<<36), 0)
		if from, to, ok := c.Next(now); ok && (!to.After(now) || !to.After(from)) {
			t.Errorf("at %v: from %v to %v", now, from, to)
		}
		c.Promise(now, notice.Russian)
	})
}
