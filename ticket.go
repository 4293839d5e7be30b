package styk

// Ticket is one request of a customer, with the number he was given.
type Ticket struct {
	Entity
	Number   string // "2611-0042-7", empty until one is drawn
	Title    string
	Status   string // Open, In Progress, Wait For Response, Closed
	Priority string
	Severity string
	Category string
	Contact  ID
	Account  ID
	Text     string
	Solution string
	Spam     bool // a person said so; it stays, and is delivered all the same
}

// Kind implements Record.
func (*Ticket) Kind() Kind { return KindTicket }

// Columns implements Record.
func (t *Ticket) Columns() []Column {
	return []Column{
		{"number", &t.Number},
		{"title", &t.Title},
		{"status", &t.Status},
		{"priority", &t.Priority},
		{"severity", &t.Severity},
		{"category", &t.Category},
		{"contact_id", &t.Contact},
		{"account_id", &t.Account},
		{"text", &t.Text},
		{"solution", &t.Solution},
		{"spam", &t.Spam},
	}
}

// Label implements Record.
func (t *Ticket) Label() string { return t.Title }
