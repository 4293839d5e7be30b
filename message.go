package styk

import "time"

// MessageKind says what a letter is.
type MessageKind string

// The kinds. Their texts are stored.
const (
	MessageLetter MessageKind = "letter" // somebody wrote it
	MessageAuto   MessageKind = "auto"   // a machine answered: a vacation reply, a receipt
	MessageBounce MessageKind = "bounce" // a mail server brought ours back
)

// Message is one letter of a ticket's conversation.
type Message struct {
	ID        ID // a line of its own
	Ticket    ID // 0: nobody knows yet where it belongs
	Out       bool
	Kind      MessageKind
	At        time.Time // when it was written here, or came
	User      ID        // who of us wrote it
	Delivery  ID        // that carries it out
	MessageID string    // of the letter: without brackets; of ours the part before the @
	Address   string    // of the customer's side
	Name      string    // as it stands there
	Subject   string
	Text      string
	Quoted    string // what he repeated of earlier letters
	Files     []ID   // documents
	Settled   bool   // of those that belong nowhere: a person has seen to it
}

// Letter is a letter that came by mail, taken apart.
type Letter struct {
	MessageID  string   // never empty, without brackets
	References []string // Message-IDs, oldest first, of In-Reply-To too
	Kind       MessageKind
	From       string // address in lower case
	Name       string
	Subject    string
	Date       time.Time // zero when it bears none
	Text       string
	Quoted     string
	Files      []LetterFile
	// Mentioned are Message-IDs that stand anywhere in a bounce.
	Mentioned []string
}

// LetterFile is an attachment.
type LetterFile struct {
	Name    string
	Content []byte
}
