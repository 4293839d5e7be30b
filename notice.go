package styk

import "time"

// NoticeType says what a notice tells.
type NoticeType string

// The notices. Their texts are stored.
const (
	NoticeAccepted  NoticeType = "ticket.accepted"  // to the visitor: our number, the CRM's if it is known
	NoticeNumber    NoticeType = "ticket.number"    // to the visitor: the CRM's number came later
	NoticeFailed    NoticeType = "target.failed"    // to the owner: deliveries need a person, or the target stands
	NoticeRecovered NoticeType = "target.recovered" // to the owner: the target takes again
	NoticeRefused   NoticeType = "file.refused"     // to the visitor: a file did not pass its check
	NoticeUnchecked NoticeType = "scanner.silent"   // to the owner: nobody checks files, deliveries wait
	NoticeCard      NoticeType = "card.sent"        // to a card's holder: where his card is
	NoticeAnswer    NoticeType = "ticket.answer"    // to the customer: what one of us wrote
	NoticeReply     NoticeType = "ticket.reply"     // to whom the ticket belongs: the customer wrote
	NoticeOverdue   NoticeType = "ticket.overdue"   // to whom tickets belong: they wait too long
	NoticeInvited   NoticeType = "staff.invited"    // to a colleague to be: the link by which he comes in
)

// Notice is what a message to a person is made of; what is not said is empty.
// Who words it knows the type and the firm.
type Notice struct {
	Type      NoticeType `json:"type"`
	To        string     `json:"to,omitempty"` // the visitor's address; "": the owner
	Number    string     `json:"number,omitempty"`
	CRMNumber string     `json:"crm_number,omitempty"`
	Form      string     `json:"form,omitempty"` // title
	StatusURL string     `json:"status_url,omitempty"`

	Target  string        `json:"target,omitempty"`
	Cause   string        `json:"cause,omitempty"`
	Paused  bool          `json:"paused,omitempty"`  // the whole target stands
	Numbers []string      `json:"numbers,omitempty"` // of tickets that wait for a person, the newest first
	Since   time.Time     `json:"since,omitzero"`
	Down    time.Duration `json:"down_ns,omitempty"` // how long the target took nothing
	Waiting int64         `json:"waiting,omitempty"` // deliveries on their way
	Failed  int64         `json:"failed,omitempty"`  // deliveries that wait for a person

	Card     string `json:"card,omitempty"`      // number of the card whose link is sent
	CardName string `json:"card_name,omitempty"` // of its template
	PassType string `json:"pass_type,omitempty"` // whose certificate ends at Since
	Days     int    `json:"days,omitempty"`      // until then

	Message ID     `json:"message,omitempty"` // whose text is sent
	Ticket  ID     `json:"ticket,omitempty"`  // that waits
	Subject string `json:"-"`                 // of the letter, known when it is sent
	Text    string `json:"-"`

	Invitation ID        `json:"invitation,omitempty"` // whose link is sent; the link itself is not stored
	Salt       string    `json:"salt,omitempty"`       // that makes it
	Until      time.Time `json:"until,omitzero"`       // how long it works
}
