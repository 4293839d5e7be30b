// Package intake holds the rules by which data come in: a post of a public
// form or a call of the web service becomes contact, account, project,
// documents and submission in one transaction. It decides who is who; it knows
// no protocol, and no foreign system is called from here.
package intake

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"styk"
	"styk/blob"
	"styk/store"
)

// Intake joins the store with the files. It is safe for many goroutines.
type Intake struct {
	DB    *store.DB
	Blobs blob.Store
	// Work are the working copies under storage/; nil with S3.
	Work *blob.Work
	// Zone decides the folder of a stored file; nil means UTC.
	Zone *time.Location
	// MaxFile bounds one file in bytes; 0 means 50 MB.
	MaxFile int64
	// Log takes what is noticed on disk; nil for nowhere.
	Log *slog.Logger
	// Reserve is how many bytes of the disk stay free for the journal: below
	// that nothing is accepted. 0 means 64 MB.
	Reserve int64
	// Wake is called after something was accepted for delivery; it must not
	// block. nil: somebody else looks.
	Wake func()
	// Rest says until when nothing is begun for a target that does not answer;
	// zero: it works. It must not block. nil: nobody knows.
	Rest func(target styk.ID) time.Time

	// Settle writes down what other rooms still hold in memory about people, before
	// one of them is erased; may be nil.
	Settle func(context.Context) error
	// IssueCard makes the card that a form promises, in the transaction of the
	// submission, and gives its number; "" for none. nil: nobody makes cards.
	IssueCard func(tx *store.Tx, form *styk.Form, s *styk.Submission) (number string, err error)

	numbers store.Numbers
	waiters waiters
	locks   [64]sync.Mutex // by path
}
