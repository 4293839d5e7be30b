package styk

import "time"

// The events of a card, as webhooks hear them.
const (
	CardCreated     = "card.created"
	CardUpdated     = "card.updated"
	CardInstalled   = "card.installed"   // on its first phone
	CardUninstalled = "card.uninstalled" // from its last
	CardDeleted     = "card.deleted"
)

// The notices about cards. Their texts are stored.
const (
	NoticeCardLink    NoticeType = "card.link"        // to the holder: the link, which a form asked for again
	NoticeCertificate NoticeType = "certificate.ends" // to the owner: passes can soon not be signed any more
)

// CardEvent is what a delivery about a card holds; who carries it adds the
// address of the card's page.
type CardEvent struct {
	Event    string       `json:"event"`
	Card     string       `json:"card"`     // number
	Template string       `json:"template"` // id
	Values   []FieldValue `json:"values"`   // in normal form
	Changed  []string     `json:"changed,omitempty"`
	At       time.Time    `json:"at"`
}
