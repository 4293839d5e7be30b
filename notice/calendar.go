package notice

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"styk"
)

// CalendarSettings are the working hours as an owner writes them.
type CalendarSettings struct {
	// Zone is an IANA name; empty means Europe/Moscow.
	Zone string `yaml:"zone,omitempty" json:"zone,omitempty"`
	// Week gives hours by day or range of days: {"mon-fri": "9:00-18:00", "sat": "10:00-15:00"};
	// "пн-пт" is understood too. A day that is not named is free.
	Week map[string]string `yaml:"week" json:"week"`
	// Holidays are free days: "2026-12-31", "2027-01-01..2027-01-10", "03-08" every
	// year, or "ru" for the public holidays of the Labour Code, article 112.
	Holidays []string `yaml:"holidays,omitempty" json:"holidays,omitempty"`
	// Days are single days with hours of their own, stronger than Holidays: moved
	// working Saturdays, short days before a holiday. "" or "-" is a free day.
	Days map[string]string `yaml:"days,omitempty" json:"days,omitempty"`
	// Last is how long before closing "today" is still promised; empty means 30m.
	Last string `yaml:"last,omitempty" json:"last,omitempty"`
}

// publicHolidays is what "ru" stands for. Days moved by the government are
// data of the year: they belong into Holidays and Days.
var publicHolidays = []string{"01-01..01-08", "02-23", "03-08", "05-01", "05-09", "06-12", "11-04"}

// Calendar knows when somebody is at work. It never changes and may be used by
// many goroutines. The nil Calendar is the firm that set none.
type Calendar struct {
	zone   *time.Location
	week   [7]span // by time.Weekday
	days   map[styk.Date]span
	free   map[styk.Date]bool
	yearly map[string]bool // "03-08"
	last   time.Duration
}

// span is a working day in minutes from midnight; the zero span is a free day.
type span struct{ from, to int }

const minutesOfDay = 24 * 60

// ParseCalendar reads the settings. Everything wrong is told at once in a
// *styk.Error whose faults name the setting.
func ParseCalendar(s CalendarSettings) (*Calendar, error) {
	c := &Calendar{days: map[styk.Date]span{}, free: map[styk.Date]bool{}, yearly: map[string]bool{}}
	var faults []styk.Fault
	wrong := func(field, value, text string) {
		faults = append(faults, styk.Fault{Field: field, Rule: "calendar", Value: shorten(value, 40), Text: text})
	}
	var err error
	if c.zone, err = time.LoadLocation(cmp.Or(s.Zone, "Europe/Moscow")); err != nil {
		wrong("zone", s.Zone, "нет такой временной зоны; пример: Europe/Moscow")
	}
	if c.last, err = time.ParseDuration(cmp.Or(s.Last, "30m")); err != nil || c.last < 0 || c.last > 24*time.Hour {
		wrong("last", s.Last, "нужна длительность, например 30m")
	}
	for _, days := range slices.Sorted(maps.Keys(s.Week)) {
		hours, okHours := parseSpan(s.Week[days])
		list, okDays := parseWeekdays(days)
		if !okHours || !okDays {
			wrong("week", days+": "+s.Week[days], "нужны дни и часы, например mon-fri: 9:00-18:00")
		}
		for _, d := range list {
			c.week[d] = hours
		}
	}
	for _, text := range s.Holidays {
		if !c.addHolidays(text) {
			wrong("holidays", text, "нужна дата 2027-01-07, срок 2027-01-01..2027-01-10, ежегодный день 03-08 или ru")
		}
	}
	for _, day := range slices.Sorted(maps.Keys(s.Days)) {
		date, err := styk.ParseDate(day)
		hours, ok := parseSpan(s.Days[day])
		if err != nil || date == "" || !ok {
			wrong("days", day+": "+s.Days[day], "нужны дата и часы, например 2026-12-31: 9:00-16:00")
		}
		c.days[date] = hours
	}
	if faults != nil {
		return nil, &styk.Error{Code: styk.Invalid, Faults: faults}
	}
	return c, nil
}

// parseSpan reads "9:00-18:00"; "" and "-" are a free day.
func parseSpan(text string) (span, bool) {
	text = strings.ReplaceAll(text, " ", "")
	if text == "" || text == "-" {
		return span{}, true
	}
	from, to, _ := strings.Cut(strings.ReplaceAll(text, "–", "-"), "-")
	a, okA := parseClock(from)
	b, okB := parseClock(to)
	return span{a, b}, okA && okB && a < b
}

func parseClock(text string) (minutes int, ok bool) {
	h, m, _ := strings.Cut(text, ":")
	if len(h) < 1 || len(h) > 2 || len(m) != 2 {
		return 0, false
	}
	hours, errH := strconv.ParseUint(h, 10, 8)
	mins, errM := strconv.ParseUint(m, 10, 8)
	minutes = int(hours)*60 + int(mins)
	return minutes, errH == nil && errM == nil && mins < 60 && minutes <= minutesOfDay
}

var weekdayNames = map[string]time.Weekday{
	"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 0,
	"пн": 1, "вт": 2, "ср": 3, "чт": 4, "пт": 5, "сб": 6, "вс": 0,
}

// parseWeekdays reads "mon", "пн-пт", "sat,sun".
func parseWeekdays(text string) ([]time.Weekday, bool) {
	var out []time.Weekday
	for part := range strings.SplitSeq(strings.ToLower(strings.ReplaceAll(text, " ", "")), ",") {
		first, last, ranged := strings.Cut(part, "-")
		a, ok := weekdayNames[first]
		b := a
		if ranged {
			var okLast bool
			b, okLast = weekdayNames[last]
			ok = ok && okLast
		}
		if !ok {
			return nil, false
		}
		for d := a; ; d = (d + 1) % 7 {
			out = append(out, d)
			if d == b {
				break
			}
		}
	}
	return out, true
}

// addHolidays takes one entry of CalendarSettings.Holidays.
func (c *Calendar) addHolidays(text string) bool {
	if text == "ru" {
		for _, h := range publicHolidays {
			c.addHolidays(h)
		}
		return true
	}
	first, last, ranged := strings.Cut(text, "..")
	if !ranged {
		last = first
	}
	layout, year := time.DateOnly, ""
	if len(first) == len("01-02") {
		year = "2000-" // a leap year, so that 02-29 may be named
	}
	a, errA := time.Parse(layout, year+first)
	b, errB := time.Parse(layout, year+last)
	if errA != nil || errB != nil || b.Before(a) || b.Sub(a) > 366*24*time.Hour {
		return false
	}
	for d := a; !d.After(b); d = d.AddDate(0, 0, 1) {
		if year != "" {
			c.yearly[d.Format("01-02")] = true
		} else {
			c.free[styk.Date(d.Format(time.DateOnly))] = true
		}
	}
	return true
}

// on gives the hours of the day that at falls on in the calendar's zone.
func (c *Calendar) on(at time.Time) span {
	day := at.Format(time.DateOnly)
	if hours, ok := c.days[styk.Date(day)]; ok {
		return hours
	}
	if c.free[styk.Date(day)] || c.yearly[day[len(day)-len("01-02"):]] {
		return span{}
	}
	return c.week[at.Weekday()]
}

// opening is one working day as moments.
type opening struct {
	from, to time.Time
	hours    span
	day      time.Time // its noon
}

// horizon is how far ahead an opening is looked for, in days.
const horizon = 400

// next gives the opening that now falls into, or the first after it.
func (c *Calendar) next(now time.Time) (opening, bool) {
	noon := c.noon(now)
	for i := range horizon {
		o := c.opening(noon.AddDate(0, 0, i))
		if o.to.After(now) && o.to.After(o.from) {
			return o, true
		}
	}
	return opening{}, false
}

// noon names the day of at by a moment that exists in every zone, also where
// the clocks change at midnight.
func (c *Calendar) noon(at time.Time) time.Time {
	y, m, d := at.In(c.zone).Date()
	return time.Date(y, m, d, 12, 0, 0, 0, c.zone)
}

func (c *Calendar) opening(noon time.Time) opening {
	hours := c.on(noon)
	y, m, d := noon.Date()
	at := func(minutes int) time.Time { return time.Date(y, m, d, 0, minutes, 0, 0, c.zone) }
	return opening{at(hours.from), at(hours.to), hours, noon}
}

// Next gives the working time that now falls into, or the first after it; false
// when there is none within a year, or no calendar.
func (c *Calendar) Next(now time.Time) (from, to time.Time, ok bool) {
	if c == nil {
		return time.Time{}, time.Time{}, false
	}
	o, ok := c.next(now)
	return o.from, o.to, ok
}

// Open tells whether somebody is at work. Without a calendar somebody always is.
func (c *Calendar) Open(now time.Time) bool {
	if c == nil {
		return true
	}
	from, _, ok := c.Next(now)
	return ok && !now.Before(from)
}

// Worked gives how much working time lies between the two moments: an owner is
// not woken because nothing came during the night. Without a calendar it is all
// the time between them. At most the last 400 days are counted.
func (c *Calendar) Worked(since, until time.Time) time.Duration {
	if !until.After(since) {
		return 0
	}
	if c == nil {
		return until.Sub(since)
	}
	var sum time.Duration
	noon := c.noon(until)
	for i := range horizon {
		o := c.opening(noon.AddDate(0, 0, -i))
		if o.day.AddDate(0, 0, 2).Before(since) {
			break
		}
		sum += max(0, earlier(o.to, until).Sub(later(o.from, since)))
	}
	return sum
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Zone gives the calendar's zone; nil for the nil Calendar.
func (c *Calendar) Zone() *time.Location {
	if c == nil {
		return nil
	}
	return c.zone
}

// clock writes minutes from midnight as 9:00.
func clock(minutes int) string { return fmt.Sprintf("%d:%02d", minutes/60, minutes%60) }
