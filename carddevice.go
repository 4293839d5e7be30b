package styk

import "time"

// The platforms on which a card is installed. Their texts are stored.
const (
	OnApple = "apple" // Apple Wallet
	OnWeb   = "web"   // the web card, put on the home screen
)

// CardDevice is one card on one phone. Its calls tell why a change is not seen.
type CardDevice struct {
	Card      ID
	Device    string // the phone's own name for itself, opaque
	Platform  string
	PushToken string // hex; "" for a web card
	Agent     string // what the phone says of itself
	Created   time.Time
	Seen      time.Time // any call of the phone about this card

	PushDue        time.Time // when it is to be told of a change; zero: it knows
	PushTries      int       // in a row without success
	Pushed         time.Time // last push that the service took
	PushedRevision int64
	Verdict        string // of the last push: pushed, pruned, later, stopped
	Reason         string // Apple's word for it

	Asked           time.Time // it asked what has changed
	Fetched         time.Time // it fetched the pass
	FetchedRevision int64
}
