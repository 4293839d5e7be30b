package styk

import (
	"log/slog"
	"strings"
)

// Contact is a person: website visitor, CRM contact and card holder in one.
type Contact struct {
	Entity
	FirstName  string
	SecondName string // отчество
	LastName   string
	Mobile     string // as it was written; its key lies in match_key
	Phone      string // office phone
	Email      string
	TelegramID string // digits
	Birthday   Date
	Birthplace string
	Address    string
	INN        string // 12 digits for a person; stored as given
	Requisites string
	Account    ID
	Title      string // position at the account
	Text       string // free description
}

// Kind implements Record.
func (*Contact) Kind() Kind { return KindContact }

// Columns implements Record.
func (c *Contact) Columns() []Column {
	return []Column{
		{"first_name", &c.FirstName},
		{"second_name", &c.SecondName},
		{"last_name", &c.LastName},
		{"mobile", &c.Mobile},
		{"phone", &c.Phone},
		{"email", &c.Email},
		{"telegram_id", &c.TelegramID},
		{"birthday", &c.Birthday},
		{"birthplace", &c.Birthplace},
		{"address", &c.Address},
		{"inn", &c.INN},
		{"requisites", &c.Requisites},
		{"account_id", &c.Account},
		{"title", &c.Title},
		{"text", &c.Text},
	}
}

// Label implements Record: first and last name.
func (c *Contact) Label() string {
	return strings.TrimSpace(c.FirstName + " " + c.LastName)
}

// LogValue keeps personal data out of the log.
func (c *Contact) LogValue() slog.Value { return slog.Int64Value(int64(c.ID)) }
