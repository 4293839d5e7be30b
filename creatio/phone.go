package creatio

import (
	"slices"
	"strings"

	"styk"
)

// phoneVariants are the spellings under which people keep a number in a CRM.
func phoneVariants(phone string) []string {
	if phone == "" {
		return nil
	}
	n, russian := strings.CutPrefix(phone, "+7")
	if !russian || len(n) != 10 {
		return []string{phone, strings.TrimPrefix(phone, "+")}
	}
	a, b, c, d := n[:3], n[3:6], n[6:8], n[8:]
	return []string{
		phone, "7" + n, "8" + n, n,
		"+7 (" + a + ") " + b + "-" + c + "-" + d,
		"+7(" + a + ") " + b + "-" + c + "-" + d,
		"+7(" + a + ")" + b + "-" + c + "-" + d,
		"+7 " + a + " " + b + "-" + c + "-" + d,
		"+7 " + a + " " + b + " " + c + " " + d,
		"8 (" + a + ") " + b + "-" + c + "-" + d,
		"8 " + a + " " + b + "-" + c + "-" + d,
	}
}

func hasPhone(r Row, phone string) bool {
	tail := lastTen(phone)
	return tail != "" && (lastTen(r.Text("MobilePhone")) == tail || lastTen(r.Text("Phone")) == tail)
}

// lastTen gives the digits by which numbers are compared; "" when there are
// fewer than ten.
func lastTen(text string) string {
	p, ok := styk.ParsePhone(text)
	if !ok {
		return ""
	}
	digits := strings.TrimPrefix(string(p), "+")
	return digits[max(0, len(digits)-10):]
}

func reversed(digits string) string {
	b := []byte(digits)
	slices.Reverse(b)
	return string(b)
}
