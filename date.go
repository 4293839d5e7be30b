package styk

import (
	"errors"
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
