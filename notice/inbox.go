package notice

import (
	"styk/connect"
)

// OpenInbox gives a reader of the mailbox that a mail target names, nil when it
// names none. Its Mark and Take are the caller's.
func OpenInbox(s connect.Settings) (*Reader, error) {
	c, err := open(s)
	if err != nil {
		return nil, err
	}
	return c.(*connector).inbox, nil
}

// Secrets are what no log may repeat of a mailbox.
func (r *Reader) Secrets() []string { return []string{r.Password} }
