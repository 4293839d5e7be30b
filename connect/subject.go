package connect

import (
	"context"
	"io"
	"strings"
	"time"
)

// Ticket is a visitor's request as a connector sees it, in our nouns.
type Ticket struct {
	ID        string // UUID, the same for ever: the base of Parcel.UUID
	Number    string // ours, as the visitor saw it: 2611-0042-7
	Form      string // the form's name
	FormTitle string
	Topic     string
	Message   string  // the visitor's own words
	Fields    []Value // the whole form in form order, empty ones too, without files and consent
	Customer  string  // key of the customer; parcels of one customer come one at a time
	Contact   Contact
	Files     []File
	Created   time.Time
	StatusURL string // the visitor's status page; may be empty
	// Mapping is the target's "mapping:" (form field -> foreign field), already
	// laid over the Kind's default. "*" stands for the whole form.
	Mapping map[string]string
}

// Value is one filled-in field.
type Value struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Type  string `json:"type"` // text, textarea, select, phone, email, inn, …
	Value string `json:"value"`
}

// Contact is who wrote. Anything but one way to reach them may be empty.
type Contact struct {
	Name    string // as typed
	Last    string // parts, where the form or the record knows them
	First   string
	Middle  string
	Phone   string // +79001234567
	Email   string // lower case
	INN     string
	Company string // the legal entity's name
}

// File is one file of a ticket. Its bytes never change.
type File struct {
	ID     string // ours
	Field  string // the form's field
	Name   string // as the visitor's computer called it; may be Cyrillic, may repeat
	MIME   string // as sniffed, never empty
	Size   int64  // bytes; may be 0
	SHA256 string // lower-case hex
	URL    string // secret link that a person can open; may be empty
	// Open gives the bytes from the start; the caller closes it. It may be
	// called many times.
	Open func(ctx context.Context) (io.ReadSeekCloser, error)
}

// Value gives the value of the form's field, or "".
func (t *Ticket) Value(field string) string {
	for _, v := range t.Fields {
		if v.Name == field {
			return v.Value
		}
	}
	return ""
}

// Text gives the whole form as "Label: value" lines in form order, empty fields
// left out, files by name at the end: what "*" of the mapping stands for.
func (t *Ticket) Text() string {
	var b strings.Builder
	for _, v := range t.Fields {
		if v.Value == "" {
			continue
		}
		label := v.Label
		if label == "" {
			label = v.Name
		}
		b.WriteString(label + ": " + v.Value + "\n")
	}
	for _, f := range t.Files {
		b.WriteString("Файл: " + f.Name + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// MappedTo gives the values of the form fields that the mapping sends to the
// foreign field, joined by ", ", empty ones left out. "*" gives Text, "topic"
// and "message" fall back to Topic and Message when the form has no such field.
func (t *Ticket) MappedTo(foreign string) string {
	var parts []string
	seen := map[string]bool{}
	add := func(v string) {
		if v != "" {
			parts = append(parts, v)
		}
	}
	for _, v := range t.Fields {
		seen[v.Name] = true
		if t.Mapping[v.Name] == foreign {
			add(v.Value)
		}
	}
	for _, v := range []Value{{Name: "topic", Value: t.Topic}, {Name: "message", Value: t.Message}} {
		if !seen[v.Name] && t.Mapping[v.Name] == foreign {
			add(v.Value)
		}
	}
	if t.Mapping["*"] == foreign {
		add(t.Text())
	}
	return strings.Join(parts, ", ")
}

// Personal lists the values that tell who the person is, for masking.
func (t *Ticket) Personal() []string {
	var out []string
	for _, v := range []string{
		t.Contact.Name, t.Contact.Last, t.Contact.First, t.Contact.Middle,
		t.Contact.Phone, t.Contact.Email, t.Contact.INN,
	} {
		if v != "" {
			out = append(out, v)
		}
	}
	for _, v := range t.Fields {
		switch v.Type {
		case "phone", "email", "inn":
			if v.Value != "" {
				out = append(out, v.Value)
			}
		}
	}
	return out
}

// CardEvent tells a foreign system what happened to a loyalty card.
type CardEvent struct {
	Event    string // card.created, card.updated, card.installed, card.uninstalled, card.deleted
	Card     string // card id, 24 hex digits
	Template string // template id, 24 hex digits
	URL      string // the card's page
	Values   []Value
	Changed  []string // names of the values that changed
	At       time.Time
}

// CardUpstream asks an upstream card service to hold our card.
type CardUpstream struct {
	Card     string // our card id
	Foreign  string // its id over there; "" until it is issued
	Template string // the template over there
	Values   []Value
}

// Notice is a message to a person.
type Notice struct {
	Type    string   // ticket.accepted, ticket.number, target.failed, …
	To      []string // addresses; for e-mail "a@b.ru" or "Имя <a@b.ru>"
	Subject string
	Text    string // plain
	HTML    string // may be empty
	ReplyTo string // may be empty

	// Of letters that belong to a conversation; all may be empty.
	MessageID  string   // before the @; empty: the letter gets one of its own
	References []string // Message-IDs of earlier letters, oldest first; without an @ they are ours
	Personal   bool     // a person wrote it: nothing says that a machine did
}

// SubjectName says which subject p carries, for records and errors.
func (p *Parcel) SubjectName() string {
	switch {
	case p.Ticket != nil:
		return "ticket"
	case p.Card != nil:
		return "card event"
	case p.Upstream != nil:
		return "card upstream"
	case p.Notice != nil:
		return "notice"
	}
	return "nothing"
}
