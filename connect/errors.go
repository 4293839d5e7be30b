package connect

import (
	"errors"
	"fmt"
	"time"
)

// NotFound is what a Find returns when the record is surely not there.
var NotFound = errors.New("not found in the foreign system")

// ErrDryRun is what a write gets in a dry run instead of an answer.
var ErrDryRun = errors.New("dry run: not sent")

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent says that no retry can mend err: this parcel waits for a person.
// Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// Permanentf is Permanent of a new error.
func Permanentf(format string, args ...any) error {
	return Permanent(fmt.Errorf(format, args...))
}

// IsPermanent tells whether err was marked by Permanent or Stop.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p) || IsStop(err)
}

type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }
func (e *stopError) Unwrap() error { return e.err }

// Stop says that no parcel at all can pass before a person mends the target: a
// rejected password that would lock the account, an endpoint that is gone. The
// courier pauses the target; the parcel waits with the others. Stop(nil) is nil.
func Stop(err error) error {
	if err == nil {
		return nil
	}
	return &stopError{err}
}

// IsStop tells whether err was marked by Stop.
func IsStop(err error) bool {
	var s *stopError
	return errors.As(err, &s)
}

type afterError struct {
	err  error
	wait time.Duration
}

func (e *afterError) Error() string { return e.err.Error() }
func (e *afterError) Unwrap() error { return e.err }

// After says that the foreign system asked not to be called sooner than wait.
// After(_, nil) is nil.
func After(wait time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &afterError{err, max(wait, 0)}
}

// Wait gives the wait that After set, and whether there is one.
func Wait(err error) (time.Duration, bool) {
	var a *afterError
	if !errors.As(err, &a) {
		return 0, false
	}
	return a.wait, true
}
