// Package scan asks a virus scanner about the bytes of a file: clamd by its
// INSTREAM protocol, or any program by its exit code. It knows neither forms nor
// deliveries; who asks decides what becomes of a refused file.
package scan

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"styk"
)

// File asks the scanner that how names about the bytes of file and gives what it
// found, "" for nothing. Any error means that nobody knows: such a file must not
// go on. A file that the scanner will not read to its end counts as found,
// since asking again would not help. Safe for many goroutines.
func File(ctx context.Context, how styk.Scanning, file io.Reader) (found string, err error) {
	ctx, cancel := context.WithTimeout(ctx, how.Limit())
	defer cancel()
	switch {
	case how.Clamd != "":
		return askClamd(ctx, how.Clamd, file)
	case len(how.Command) > 0:
		return askCommand(ctx, how.Command, file)
	}
	return "", fmt.Errorf("no scanner is set")
}

// Check says what is wrong with the settings, each fault by its key; it calls
// nobody.
func Check(how styk.Scanning) error {
	var faults []styk.Fault
	add := func(field, text string) {
		faults = append(faults, styk.Fault{Field: field, Rule: "value", Text: text})
	}
	if how.Clamd != "" && len(how.Command) > 0 {
		add("command", "выберите одно: clamd или command")
	}
	if how.Clamd != "" {
		if _, _, err := address(how.Clamd); err != nil {
			add("clamd", "нужен адрес tcp://127.0.0.1:3310 или unix:///run/clamav/clamd.ctl")
		}
	}
	if len(how.Command) > 0 && strings.TrimSpace(how.Command[0]) == "" {
		add("command", "нет имени программы")
	}
	if faults != nil {
		return &styk.Error{Code: styk.Invalid, Faults: faults}
	}
	return nil
}

// address reads where clamd listens.
func address(text string) (network, place string, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", "", err
	}
	switch {
	case u.Scheme == "tcp" && u.Path == "":
		_, port, err := net.SplitHostPort(u.Host)
		if err == nil && port != "" {
			return "tcp", u.Host, nil
		}
	case u.Scheme == "unix" && u.Host == "" && len(u.Path) > 1:
		return "unix", u.Path, nil
	}
	return "", "", fmt.Errorf("%q is no address of clamd", text)
}

// plain cuts what a scanner says to one short line.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.Join(strings.Fields(text), " ")
	if letters := []rune(text); len(letters) > maxFound {
		text = string(letters[:maxFound])
	}
	return text
}

const maxFound = 120 // letters of what was found
