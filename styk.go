// Package styk holds the nouns that every other package speaks: contacts,
// accounts, projects, tickets, documents, users, and the errors a person may
// cause. It knows no database, no network and no foreign system; protocols
// translate to these nouns at their edge.
package styk

// Kind names what a record is. All kinds share one number line, so a bare
// number names one record whatever its kind.
type Kind string

// The kinds. Their texts are stored: never rename one.
const (
	KindContact  Kind = "contact"
	KindAccount  Kind = "account"
	KindProject  Kind = "project"
	KindTicket   Kind = "ticket"
	KindDocument Kind = "document"
	KindComment  Kind = "comment"
	KindUser     Kind = "user"
)

// ID is a record's number on the common line; 0 is "none".
type ID int64
