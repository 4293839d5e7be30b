package styk

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Money is a sum in kopecks, kept exactly; Set is false for "not given", which
// is not the same as nought.
type Money struct {
	Kopecks int64
	Set     bool
}

var errMoney = errors.New("not a sum in roubles")

// ParseMoney reads roubles with an optional fraction after a point or comma;
// spaces between thousands are let through, a third fraction digit only when
// it is zero. "" is a sum that is not given.
func ParseMoney(text string) (Money, error) {
	text = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", ",", ".").Replace(strings.TrimSpace(text))
	if text == "" {
		return Money{}, nil
	}
	sign := int64(1)
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		sign, text = -1, rest
	}
	whole, frac, _ := strings.Cut(text, ".")
	frac = strings.TrimRight(frac, "0")
	if !digits(whole) || whole == "" || len(whole) > 15 || len(frac) > 2 || !digits(frac) {
		return Money{}, errMoney
	}
	roubles, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return Money{}, errMoney
	}
	kopecks, _ := strconv.ParseInt((frac + "00")[:2], 10, 64)
	return Money{Kopecks: sign * (roubles*100 + kopecks), Set: true}, nil
}

// String gives "20000.00", or "" when not given.
func (m Money) String() string {
	if !m.Set {
		return ""
	}
	sign, n := "", m.Kopecks
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
