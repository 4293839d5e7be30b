package styk

import (
	"slices"
	"time"
)

// CardToken is a key to the card API; its text is known only when it is made.
type CardToken struct {
	ID        ID       // a line of its own
	Name      string   // unique
	User      ID       // who got it by logging in; 0: made by a person with the tools
	Templates []string // card templates that it may touch; empty: all
	Always200 bool     // answers bear HTTP status 200 whatever their code (contract 17)
	PerMinute int      // calls; 0: the default
	Created   time.Time
	Expires   time.Time // zero: never
	Seen      time.Time // last use, to the minute
	Disabled  bool
}

// MayTouch tells whether the token is good for the template.
func (t *CardToken) MayTouch(template string) bool {
	return len(t.Templates) == 0 || slices.Contains(t.Templates, template)
}
