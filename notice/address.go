package notice

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

var errAddress = errors.New("not an e-mail address")

// parseAddresses reads "a@b.ru, Имя <c@d.ru>". Domains come back in the ASCII
// form that every server knows.
func parseAddresses(text string) ([]*mail.Address, error) {
	if strings.TrimSpace(strings.ReplaceAll(text, ",", "")) == "" {
		return nil, nil
	}
	list, err := mail.ParseAddressList(text)
	if err != nil {
		return nil, errAddress
	}
	for _, a := range list {
		if err := tidy(a); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// parseAddress reads one address, bare or with a name.
func parseAddress(text string) (*mail.Address, error) {
	list, err := parseAddresses(text)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, errAddress
	}
	return list[0], nil
}

// tidy refuses what cannot stand in an SMTP command.
func tidy(a *mail.Address) error {
	at := strings.LastIndexByte(a.Address, '@')
	if at < 1 || len(a.Address) > 254 || !utf8.ValidString(a.Address) {
		return errAddress
	}
	local, host := a.Address[:at], a.Address[at+1:]
	if strings.ContainsFunc(local, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`<>"(),:;\[]`, r)
	}) {
		return errAddress
	}
	host, err := idna.Lookup.ToASCII(host)
	if err != nil || host == "" || strings.ContainsFunc(host, notInHost) {
		return errAddress
	}
	a.Address, a.Name = local+"@"+host, flatten(a.Name)
	return nil
}

// joinAddresses makes one text of what a list setting gives: whole addresses
// from YAML, or words that the settings page cut at spaces.
func joinAddresses(list []string) string {
	var b strings.Builder
	for i, e := range list {
		if i > 0 && strings.Contains(list[i-1], "@") {
			b.WriteString(", ")
		} else if i > 0 {
			b.WriteString(" ")
		}
		b.WriteString(e)
	}
	return b.String()
}

// flatten makes one line of s, without what turns the reading direction or
// cannot be seen.
func flatten(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return -1
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// shorten cuts s to n letters.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:n-1])) + "…"
}
