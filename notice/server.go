package notice

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Server is where letters are handed over: the parts of the YAML's mail.url.
type Server struct {
	Host     string // name or address, without brackets
	Port     int
	TLS      bool // encrypted from the first byte (smtps)
	User     string
	Password string
}

// ParseServer reads smtp://user:password@host:587 or smtps://user:password@host.
// Without a port smtp means 587 and smtps 465. Its error is a *styk.Error about
// the field "url" and never repeats any part of text.
func ParseServer(text string) (Server, error) {
	const want = "нужен адрес вида smtp://логин:пароль@host:587 или smtps://логин:пароль@host:465; " +
		"знаки / ? # % в пароле пишутся как %2F %3F %23 %25"
	bad := func(why string) (Server, error) { return Server{}, fault("url", "url", why) }
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return bad(want)
	}
	s := Server{Host: u.Hostname(), Port: 587}
	switch u.Scheme {
	case "smtp":
	case "smtps":
		s.TLS, s.Port = true, 465
	default:
		return bad(want)
	}
	if s.Host == "" || strings.ContainsFunc(s.Host, notInHost) {
		return bad(want)
	}
	if port := u.Port(); port != "" {
		s.Port, err = strconv.Atoi(port)
		if err != nil || s.Port < 1 || s.Port > 65535 {
			return bad("порт — число от 1 до 65535")
		}
	}
	if u.User != nil {
		s.User = u.User.Username()
		s.Password, _ = u.User.Password()
	}
	if strings.ContainsAny(s.User+s.Password, "\x00\r\n") {
		return bad("в логине и пароле не бывает перевода строки")
	}
	return s, nil
}

// String gives the server without user and password, fit to be shown.
func (s Server) String() string {
	scheme := "smtp://"
	if s.TLS {
		scheme = "smtps://"
	}
	return scheme + s.address()
}

func (s Server) address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }
