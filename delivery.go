package styk

import (
	"slices"
	"time"
)

// DeliveryState says where one delivery stands.
type DeliveryState string

// The states. Their texts are stored.
const (
	Due       DeliveryState = "due"    // waits for its time
	Leased    DeliveryState = "leased" // some courier carries it
	Delivered DeliveryState = "done"
	NeedsHand DeliveryState = "failed" // waits for a person
)

// deliveryMoves is the whole life of a delivery; docs/delivery.md draws it.
var deliveryMoves = map[DeliveryState][]DeliveryState{
	Due:       {Leased},
	Leased:    {Delivered, NeedsHand, Due},
	NeedsHand: {Due}, // a person sends it again
}

// CanBecome says whether a delivery may go from s to next.
func (s DeliveryState) CanBecome(next DeliveryState) bool {
	return slices.Contains(deliveryMoves[s], next)
}

// DeliveryStates lists the states in the order of life.
var DeliveryStates = []DeliveryState{Due, Leased, Delivered, NeedsHand}

// Subject says what a delivery carries.
type Subject string

// The subjects. Their texts are stored.
const (
	SubjectTicket   Subject = "ticket"   // a submission with its ticket; the id is the submission's
	SubjectCard     Subject = "card"     // what happened to a loyalty card
	SubjectUpstream Subject = "upstream" // a card to be held by another card service
	SubjectNotice   Subject = "notice"   // a message to a person
)

// HoldsLater says whether one that waits for a person keeps later ones of the
// same customer waiting: an old card value must not come after a newer one.
func (s Subject) HoldsLater() bool { return s == SubjectCard || s == SubjectUpstream }

// Delivery is one thing on its way to one target.
type Delivery struct {
	ID       ID     // a line of its own
	UID      string // UUID, known outside; a replaced content gets a new one
	Target   ID
	Subject  Subject
	About    ID     // the subject's number; 0 where Content says all
	Customer string // deliveries of one customer to one target go one at a time; "" for nobody
	Coalesce string // a newer waiting one with the same key takes this one's place; "" for never
	State    DeliveryState
	Urgent   bool      // a visitor waits for its first attempt
	Due      time.Time // when it is tried next
	Since    time.Time // when its ladder of retries began
	Attempts int       // begun so far
	Rung     int       // of the ladder, 0 before the first attempt
	Lease    string    // who carries it
	Number   string    // what the foreign system called it
	URL      string    // where a person opens it over there
	Cause    string    // of the last failure, in Russian
	Content  []byte    // JSON, where the subject needs one
	Created  time.Time
	Finished time.Time // zero until done or failed
}

// Step is how far one foreign write of a delivery came.
type Step struct {
	Name    string
	Done    bool // false: started, the outcome may be unknown
	Foreign string
	Number  string
	URL     string
	Started time.Time
	Ended   time.Time
}

// AttemptOutcome says how one attempt ended.
type AttemptOutcome string

// The outcomes. Their texts are stored.
const (
	AttemptDone        AttemptOutcome = "done"
	AttemptRetry       AttemptOutcome = "retry"       // will be tried again by the ladder
	AttemptFailed      AttemptOutcome = "failed"      // a person must act
	AttemptStopped     AttemptOutcome = "stopped"     // the target was paused by it
	AttemptInterrupted AttemptOutcome = "interrupted" // the program was stopping
	AttemptLost        AttemptOutcome = "lost"        // whoever carried it never came back
)

// Attempt is one try at a delivery, as it is kept: secrets masked.
type Attempt struct {
	Delivery  ID
	Number    int
	Started   time.Time
	Ended     time.Time
	Outcome   AttemptOutcome
	Err       string // the whole error, for a technician
	Cause     string // one sentence in Russian; equal causes are equal
	Warnings  []string
	Exchanges []Exchange
}

// Exchange is one request and its answer, masked and cut.
type Exchange struct {
	Step          string              `json:"step,omitempty"`
	Method        string              `json:"method"`
	URL           string              `json:"url"`
	DryRun        bool                `json:"dry_run,omitempty"`
	RequestHeader map[string][]string `json:"request_header,omitempty"`
	RequestBody   string              `json:"request_body,omitempty"`
	RequestSize   int64               `json:"request_size"` // bytes sent
	Status        int                 `json:"status"`       // 0: no answer
	AnswerHeader  map[string][]string `json:"answer_header,omitempty"`
	AnswerBody    string              `json:"answer_body,omitempty"`
	AnswerSize    int64               `json:"answer_size"` // bytes that came
	Err           string              `json:"err,omitempty"`
	Start         time.Time           `json:"start"`
	DNS           time.Duration       `json:"dns_ns,omitempty"`
	Connect       time.Duration       `json:"connect_ns,omitempty"`
	TLS           time.Duration       `json:"tls_ns,omitempty"`
	Wait          time.Duration       `json:"wait_ns,omitempty"` // to the first byte
	Total         time.Duration       `json:"total_ns"`
	Reused        bool                `json:"reused,omitempty"` // an open connection was used again
}
