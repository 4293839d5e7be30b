package styk

import (
	"errors"
	"strings"
	"time"
)

// Date is a calendar day without a zone, as "2006-01-02"; "" is none.
type Date string

// ParseDate reads YYYY-MM-DD; "" and PHP's "0000-00-00" give no date.
func ParseDate(text string) (Date, error) {
	if text == "" || text == "0000-00-00" {
		return "", nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1 {
		return "", errors.New("expected YYYY-MM-DD")
	}
	return Date(text), nil
}

// Russian gives the day as "02.01.2006", "" for none.
func (d Date) Russian() string {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return ""
	}
	return t.Format("02.01.2006")
}

// ParseDay reads a day as 1C or a program writes it: dd.MM.yyyy, yyyy-MM-dd,
// or one of them with a time behind it. "" and 1C's empty date, the first day
// of the first year, are "". ok is false for what is no date.
func ParseDay(text string) (day Date, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", true
	}
	date, clock, _ := strings.Cut(strings.Replace(text, "T", " ", 1), " ")
	for _, layout := range []string{"02.01.2006", time.DateOnly} {
		t, err := time.Parse(layout, date)
		if err != nil || !isClock(clock) {
			continue
		}
		if t.Year() == 1 && t.YearDay() == 1 {
			return "", true
		}
		return Date(t.Format(time.DateOnly)), true
	}
	return "", false
}

// isClock tells whether text is a time of day, with or without a zone.
func isClock(text string) bool {
	if text == "" {
		return true
	}
	for _, layout := range []string{"15:04:05Z07:00", "15:04:05", "15:04"} { // 1C's "0:00:00" too
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}
