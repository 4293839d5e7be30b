package styk

import (
	"strings"
	"time"
)

// Submission is one post of a site form as it was accepted. It never changes;
// what became of it is the business of its ticket and deliveries.
type Submission struct {
	ID        ID     // a line of its own
	UUID      string // the base of ids in foreign systems: the same for ever
	Form      string // the form's name
	Title     string // the form's title then
	Ticket    ID
	Contact   ID
	Created   time.Time
	Address   string // of the visitor
	Agent     string // the browser
	Page      string // where the form stood
	Fields    []FieldValue
	Consents  []Consent
	Suspicion int      // 0: none; it never keeps anything from being delivered
	Reasons   []string // of the suspicion
}

// FieldValue is one field with what was put in; files and consents are not
// among them.
type FieldValue struct {
	Name  string `json:"name"`
	Label string `json:"label,omitempty"`
	Type  string `json:"type"`
	Value string `json:"value,omitempty"`
}

// Consent is what a visitor agreed to, and the proof of it.
type Consent struct {
	Field   string    `json:"field"`
	Text    string    `json:"text"`    // as it stood on the form
	Version string    `json:"version"` // first 16 hex digits of the text's SHA-256
	At      time.Time `json:"at"`
	Address string    `json:"address"`
	Agent   string    `json:"agent,omitempty"`
	Page    string    `json:"page,omitempty"`
	// FormVersion is Form.Version of what was shown; 0: of a time when it was not kept.
	FormVersion int64 `json:"form_version,omitempty"`
}

// Value gives what was put into the field, or "".
func (s *Submission) Value(name string) string {
	for _, f := range s.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// OfType gives the first non-empty value of a field of the type, or "".
func (s *Submission) OfType(kind string) string {
	for _, f := range s.Fields {
		if f.Type == kind && f.Value != "" {
			return f.Value
		}
	}
	return ""
}

// Text gives the whole form as "Label: value" lines, empty fields left out.
func (s *Submission) Text() string {
	var b strings.Builder
	for _, f := range s.Fields {
		if f.Value == "" {
			continue
		}
		label := f.Label
		if label == "" {
			label = f.Name
		}
		b.WriteString(label + ": " + f.Value + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
