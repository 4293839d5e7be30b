package web

import (
	"html/template"
	"net/http"
	"strconv"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminTicketPage is one request with all that belongs to it.
type adminTicketPage struct {
	adminFrame
	Address     string
	Number      string
	Subject     string
	Status      string
	Tone        string
	Created     moment
	Text        string
	Warnings    []string
	Statuses    []adminChoice
	May         bool // change it
	Customer    *adminCustomer
	Others      []adminTicketRow // of the same customer
	Deliveries  []adminTicketDelivery
	Files       []adminFile
	Submissions []adminSubmission
	Differing   []adminDiffering
	Notes       []adminNote
	History     []adminChange
	Talk        adminTalk
	Owners      []adminChoice
	Owner       string // who answers for it, for those who may not change it
	Spam        bool
	Waits       string
	WaitsTone   string
}

type adminChoice struct {
	Value, Text string
	Here        bool
}

type adminCustomer struct {
	Address   string // of his page, "" when the person may not look there
	Name      string
	Phones    []adminReach
	Mails     []adminReach
	Lines     []adminLine // the rest
	Account   string
	Warnings  []string
	SearchAll string // address of all his tickets
	Cards     []adminCardRow
}

type adminReach struct {
	Text string
	Link template.URL // tel: or mailto:
}

type adminLine struct{ Label, Value string }

type adminTicketDelivery struct {
	Address string // "" when the person may not look there
	Target  string
	State   string
	Tone    string
	Number  string
	URL     string // over there, "" unless it is a web address
	Cause   string
	When    moment
	Steps   []adminStep
}

type adminFile struct {
	Title       string
	Name        string
	Size        string
	Download    string
	Placeholder bool
	Created     moment
	Versions    []adminFileVersion // earlier ones, newest first
	Check       string             // what is to be said of its check; "" for nothing
	CheckTone   string
	Links       []adminFileLink
}

type adminFileVersion struct {
	Number   int64
	Size     string
	Created  moment
	Origin   string
	Download string
}

type adminSubmission struct {
	Form     string
	Created  moment
	Address  string
	Page     string
	Fields   []adminLine
	Consents []adminConsent
	Reasons  []string // of suspicion
	Withheld bool     // no letter went to the visitor for it
}

type adminConsent struct {
	Proof   string // address of the page to print
	Text    string
	Version string
	At      moment
	Address string
}

type adminDiffering struct {
	ID    styk.ID
	Label string
	Has   string
	Came  string
}

type adminNote struct {
	Who  string
	When moment
	Text string
}

type adminChange struct {
	Tick   int64
	What   string
	Who    string
	When   moment
	Fields []adminFieldChange
	Undo   bool
}

type adminFieldChange struct{ Label, Old, New string }

// ticketFacts are what the page is made of, read in one view of the database.
type ticketFacts struct {
	ticket      styk.Ticket
	contact     *styk.Contact
	account     string
	others      []*store.TicketRow
	deliveries  []*styk.Delivery
	steps       map[styk.ID][]styk.Step
	targets     map[styk.ID]*styk.Target
	documents   []*styk.Document
	versions    map[styk.ID][]store.Version
	links       map[styk.ID][]*store.FileLink
	checks      map[styk.ID]styk.FileCheck
	scanning    bool
	now         time.Time
	submissions []*styk.Submission
	suggestions []store.Suggestion
	firms       map[string]string // names by number, of those that are spoken of
	comments    []*styk.Comment
	history     []store.Change
	users       map[styk.ID]string
	talk        talkFacts
	waits       time.Time
	cards       []adminCardRow // of the customer
}

const (
	historyShown = 30
	othersShown  = 5
)

func (a *admin) showTicket(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	facts := &ticketFacts{}
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		err := facts.read(tx, id)
		if err == nil && facts.contact != nil && v.may(staff.SeeCards) {
			facts.cards, err = a.cardsOf(tx, v.lang, facts.contact.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.show(v, http.StatusOK, "admin_ticket.html", a.ticketPage(v, facts))
}

func (f *ticketFacts) read(tx *store.Tx, id styk.ID) (err error) {
	*f = ticketFacts{steps: map[styk.ID][]styk.Step{}, versions: map[styk.ID][]store.Version{}, now: tx.Now()}
	f.ticket.ID = id
	if err := tx.Load(&f.ticket); err != nil {
		return err
	}
	if err := f.readCustomer(tx); err != nil {
		return err
	}
	if f.submissions, err = tx.SubmissionsOfTicket(id); err != nil {
		return err
	}
	for _, s := range f.submissions {
		list, err := tx.DeliveriesOf(styk.SubjectTicket, s.ID)
		if err != nil {
			return err
		}
		for _, d := range list {
			if f.steps[d.ID], err = tx.Steps(d.ID); err != nil {
				return err
			}
		}
		f.deliveries = append(f.deliveries, list...)
	}
	if f.documents, err = tx.DocumentsOf(id); err != nil {
		return err
	}
	for _, d := range f.documents {
		if f.versions[d.ID], err = tx.Versions(d.ID); err != nil {
			return err
		}
	}
	if err := f.readFiles(tx); err != nil {
		return err
	}
	if f.comments, err = tx.CommentsOf(id); err != nil {
		return err
	}
	if err := f.talk.read(tx, &f.ticket); err != nil {
		return err
	}
	rows, err := tx.Tickets(store.TicketFilter{IDs: []styk.ID{id}, Limit: 1})
	if err != nil {
		return err
	}
	for _, r := range rows {
		f.waits = r.Waits
	}
	return f.readNames(tx)
}

func (f *ticketFacts) readCustomer(tx *store.Tx) (err error) {
	t := &f.ticket
	if f.history, err = tx.History(t.ID, 0, historyShown); err != nil {
		return err
	}
	if t.Contact != 0 {
		c := &styk.Contact{}
		c.ID = t.Contact
		switch err := tx.Load(c); {
		case err == nil:
			f.contact = c
		case styk.CodeOf(err) != styk.NotFound:
			return err
		}
	}
	account := t.Account
	if f.contact != nil {
		if account == 0 {
			account = f.contact.Account
		}
		if f.suggestions, err = tx.Suggestions(t.Contact); err != nil {
			return err
		}
		if f.others, err = tx.Tickets(store.TicketFilter{Contact: t.Contact, Limit: othersShown + 1}); err != nil {
			return err
		}
		more, err := tx.History(t.Contact, 0, historyShown)
		if err != nil {
			return err
		}
		f.history = newestFirst(f.history, more)
	}
	if account != 0 {
		firm := &styk.Account{}
		firm.ID = account
		if err := tx.Load(firm); err != nil && styk.CodeOf(err) != styk.NotFound {
			return err
		}
		f.account = firm.Name
	}
	return nil
}

// newestFirst joins two histories, each newest first.
func newestFirst(a, b []store.Change) []store.Change {
	var all []store.Change
	for len(a) > 0 || len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && a[0].Tick > b[0].Tick {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return all[:min(len(all), historyShown)]
}

func (f *ticketFacts) readNames(tx *store.Tx) error {
	users, err := tx.Users()
	if err != nil {
		return err
	}
	if err := f.readFirms(tx); err != nil {
		return err
	}
	f.users = map[styk.ID]string{}
	for _, u := range users {
		f.users[u.ID] = userName(u)
	}
	targets, err := tx.Targets()
	f.targets = map[styk.ID]*styk.Target{}
	for _, t := range targets {
		f.targets[t.ID] = t
	}
	return err
}

// readFirms learns the names of firms whose numbers stand in values.
func (f *ticketFacts) readFirms(tx *store.Tx) error {
	f.firms = map[string]string{}
	learn := func(number string) error {
		id, err := strconv.ParseInt(number, 10, 64)
		if _, known := f.firms[number]; known || err != nil {
			return nil // no number: "" for none
		}
		firm := &styk.Account{}
		firm.ID = styk.ID(id)
		if err := tx.Load(firm); err != nil && styk.CodeOf(err) != styk.NotFound {
			return err
		}
		f.firms[number] = firm.Name
		return nil
	}
	for _, s := range f.suggestions {
		if s.Field == "account_id" {
			if err := learn(s.Value); err != nil {
				return err
			}
		}
	}
	for _, c := range f.history {
		for _, number := range c.Fields["account_id"] {
			if err := learn(number); err != nil {
				return err
			}
		}
	}
	return nil
}
