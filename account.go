package styk

import "log/slog"

// Account is a firm, or a sole trader acting as one.
type Account struct {
	Entity
	Name    string
	Address string // legal address
	Email   string
	Website string
	Phone   string
	INN     string // 10 digits for a firm, 12 for a sole trader; stored as given
	OGRN    string // 13 or 15 digits; stored as given
	KPP     string
	Text    string
}

// Kind implements Record.
func (*Account) Kind() Kind { return KindAccount }

// Columns implements Record.
func (a *Account) Columns() []Column {
	return []Column{
		{"name", &a.Name},
		{"address", &a.Address},
		{"email", &a.Email},
		{"website", &a.Website},
		{"phone", &a.Phone},
		{"inn", &a.INN},
		{"ogrn", &a.OGRN},
		{"kpp", &a.KPP},
		{"text", &a.Text},
	}
}

// Label implements Record.
func (a *Account) Label() string { return a.Name }

// LogValue keeps personal data out of the log.
func (a *Account) LogValue() slog.Value { return slog.Int64Value(int64(a.ID)) }
