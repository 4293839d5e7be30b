package styk

import (
	"log/slog"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Phone is a telephone number in E.164 form, "+79491234511".
type Phone string

// extensionMarks begin a trailing extension, which is not part of the number.
var extensionMarks = []string{"доб", "внут", "ext", "#", ";", "x", "х"}

// ParsePhone gives the number that text means in Russia, whatever its spelling:
// "+7(949) 123-45-11", "8 949 1234511" and "9491234511" are one. ok is false
// for less than ten digits; such text is compared as it stands.
// Source: spec/vtiger.md 9.
func ParsePhone(text string) (p Phone, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, mark := range extensionMarks {
		if i := strings.Index(text, mark); i > 0 {
			text = text[:i]
		}
	}
	d := onlyDigits(text)
	switch {
	case len(d) < 10 || len(d) > 17:
		return "", false
	case len(d) == 11 && (d[0] == '7' || d[0] == '8') && !strings.HasPrefix(text, "+8"):
		return Phone("+7" + d[1:]), true
	case len(d) == 10 && strings.IndexByte("9843", d[0]) >= 0 && !strings.HasPrefix(text, "+"):
		return Phone("+7" + d), true
	}
	if rest, found := strings.CutPrefix(d, "00"); found && !strings.HasPrefix(text, "+") {
		return Phone("+" + rest), true
	}
	if strings.HasPrefix(text, "+") {
		return Phone("+" + d), true
	}
	return foreignPhone(d), true
}

// foreignPhone asks the telephone library about digits without a plus.
func foreignPhone(d string) Phone {
	if n, err := phonenumbers.Parse(d, "RU"); err == nil && phonenumbers.IsValidNumber(n) {
		return Phone(phonenumbers.Format(n, phonenumbers.E164))
	}
	return Phone("+" + d)
}

// LogValue shows the last four digits only.
func (p Phone) LogValue() slog.Value {
	if len(p) < 4 {
		return slog.StringValue("…")
	}
	return slog.StringValue("…" + string(p[len(p)-4:]))
}

func onlyDigits(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
