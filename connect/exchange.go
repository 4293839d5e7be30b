package connect

import (
	"net/http"
	"time"
)

// Exchange is one request and its answer as they may be stored: secrets masked,
// bodies cut, files as hashes.
type Exchange struct {
	Step   string // of the parcel; "" for logins and look-ups outside steps
	Method string
	URL    string
	DryRun bool // a write that was not sent

	RequestHeader http.Header
	RequestBody   []byte // masked; at most Transport.Keep bytes
	RequestSize   int64  // bytes that were sent

	Status       int // 0: no answer
	AnswerHeader http.Header
	AnswerBody   []byte
	AnswerSize   int64

	Err    string // why there is no answer, or no whole one; masked
	Start  time.Time
	Timing Timing
}

// Timing splits the time of one exchange. What did not happen is 0.
type Timing struct {
	DNS, Connect, TLS time.Duration
	Wait              time.Duration // from the request written to the first byte
	Total             time.Duration
	Reused            bool // an open connection was used again
}
