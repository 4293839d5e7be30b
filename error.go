package styk

import (
	"errors"
	"strings"
)

// Code says what kind of mistake an Error is; each face translates it once
// into its own envelope.
type Code string

// The codes.
const (
	Missing   Code = "missing"   // a required field has no value
	Invalid   Code = "invalid"   // a value breaks a rule
	Reference Code = "reference" // an id names nothing, or a record of another kind
	NotFound  Code = "not_found" // the asked-for record does not exist
	Conflict  Code = "conflict"  // the state of the record forbids it, or a key was reused
	Forbidden Code = "forbidden" // the caller may not do it
	TooLarge  Code = "too_large" // a body, field or file over its limit
	TooMany   Code = "too_many"  // the caller must wait
	Full      Code = "full"      // the disk has no room: nothing was stored
)

// Fault is one broken rule on one field.
type Fault struct {
	Field string // name as the caller wrote it
	Rule  string // short machine word: "required", "date", "inn", "reference", …
	Value string // what came, shortened; empty where it must not be repeated
	Text  string // a sentence for the person
}

// Error is a mistake a person or a program outside can mend. Everything that
// is not an Error is internal: it is logged whole and shown as a number.
type Error struct {
	Code   Code
	Faults []Fault // all of them at once; may be empty
	Text   string  // a sentence; empty: the faults speak
	Hint   string  // what was perhaps meant; may be empty
}

// Error implements error. It carries field names and rules, never values, so
// that it may be logged.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	if e.Text != "" {
		b.WriteString(": " + e.Text)
	}
	for i, f := range e.Faults {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(f.Field + ": " + f.Text)
	}
	return b.String()
}

// Failed makes an Error with one sentence and no field.
func Failed(code Code, text string) *Error { return &Error{Code: code, Text: text} }

// FieldError makes an Error about one field.
func FieldError(code Code, field, rule, text string) *Error {
	return &Error{Code: code, Faults: []Fault{{Field: field, Rule: rule, Text: text}}}
}

// CodeOf gives the Code of the Error inside err, or "" when there is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
