package notice

import (
	"fmt"
	"time"
)

// The texts of a firm that set no calendar, letter for letter as they were
// asked for.
const (
	sentRussian    = "Ваша заявка отправлена"
	sentEnglish    = "Your request has been sent"
	promiseRussian = "Мы свяжемся с вами в рабочее время по мск с 9:00 до 18:00"
	promiseEnglish = "We will contact you during working hours, 9:00 to 18:00 Moscow time"
)

// Sent is the whole sentence that a visitor sees after sending:
// «Ваша заявка отправлена. Мы свяжемся с вами …», without a full stop.
func (c *Calendar) Sent(now time.Time, l Lang) string {
	if l == English {
		return sentEnglish + ". " + c.Promise(now, l)
	}
	return sentRussian + ". " + c.Promise(now, l)
}

// Promise says when somebody will answer, without a full stop. The nil Calendar
// gives the fixed sentence.
func (c *Calendar) Promise(now time.Time, l Lang) string {
	if c == nil {
		if l == English {
			return promiseEnglish
		}
		return promiseRussian
	}
	o, ok := c.next(now)
	if ok && !now.Before(o.from) && o.to.Sub(now) < c.last {
		// Nobody will manage it before closing, unless the next day begins right there.
		if after, found := c.next(o.to); !found || after.from.After(o.to) {
			o, ok = after, found
		}
	}
	if l == English {
		return "We will contact you " + c.whenEnglish(now, o, ok)
	}
	return "Мы свяжемся с вами " + c.whenRussian(now, o, ok)
}

var (
	onWeekday = [7]string{"в воскресенье", "в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу"}
	ofMonth   = [13]string{"", "января", "февраля", "марта", "апреля", "мая", "июня",
		"июля", "августа", "сентября", "октября", "ноября", "декабря"}
)

func (c *Calendar) whenRussian(now time.Time, o opening, ok bool) string {
	if !ok {
		return "в рабочее время"
	}
	from := " с " + clock(o.hours.from)
	switch days := daysBetween(c.noon(now), o.day); {
	case days == 0 && !now.Before(o.from):
		return "сегодня до " + clock(o.hours.to)
	case days == 0:
		return "сегодня" + from
	case days == 1:
		return "завтра" + from
	case days < 7:
		return onWeekday[o.day.Weekday()] + from
	}
	return fmt.Sprintf("%d %s", o.day.Day(), ofMonth[o.day.Month()]) + from
}

func (c *Calendar) whenEnglish(now time.Time, o opening, ok bool) string {
	if !ok {
		return "during working hours"
	}
	from := " from " + clock(o.hours.from)
	switch days := daysBetween(c.noon(now), o.day); {
	case days == 0 && !now.Before(o.from):
		return "today by " + clock(o.hours.to)
	case days == 0:
		return "today" + from
	case days == 1:
		return "tomorrow" + from
	case days < 7:
		return "on " + o.day.Weekday().String() + from
	}
	return "on " + o.day.Format("2 January") + from
}

// daysBetween counts the midnights between two noons: days of 23 or 25 hours
// count as one.
func daysBetween(a, b time.Time) int {
	civil := func(t time.Time) time.Time {
		y, m, d := t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(civil(b).Sub(civil(a)) / (24 * time.Hour))
}
