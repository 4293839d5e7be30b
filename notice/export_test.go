package notice

import (
	"testing"
	"time"

	"styk/connect"
)

// ComposeForTest gives the source of p's letter without a connection.
func ComposeForTest(t *testing.T, p *connect.Parcel, to string) []byte {
	t.Helper()
	from, _ := parseAddress("Компания <no-reply@firm.ru>")
	a, err := parseAddress(to)
	if err != nil {
		t.Fatal(err)
	}
	c := &connector{from: from, now: func() time.Time { return time.Unix(0, 0).UTC() }}
	l, err := c.letter(t.Context(), p, a, "1@firm.ru", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := l.compose()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// ReadForTest gives what the simulator finds broken in a letter.
func (s *Sim) ReadForTest(raw []byte) []string {
	_, broken := readSimMail(raw, false)
	return broken
}
