package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"styk"
	"styk/blob"
	"styk/store"
)

// TakeLetter stores a letter that came to our mailbox with the ticket that it
// belongs to, once: a letter that was taken before changes nothing. A letter that
// answers one of ours is known by its References, whatever became of the subject;
// else by our number in the subject, if the ticket's customer wrote it. All
// others are kept for a person to decide. What the customer himself wrote opens
// the ticket again and is told to whom it belongs; what machines write does not,
// but for our own answer that came back. also runs in the same transaction.
func (in *Intake) TakeLetter(ctx context.Context, l *styk.Letter, also func(tx *store.Tx) error) error {
	files, err := in.keepAttachments(ctx, l)
	if err != nil {
		return err
	}
	var documents []*styk.Document
	err = in.DB.Update(ctx, func(tx *store.Tx) error {
		documents = nil
		t, err := in.taken(tx, l)
		if err == nil && t != nil {
			documents, err = in.addReply(tx, l, t, files)
		}
		if err != nil {
			return err
		}
		return also(tx)
	})
	if err != nil {
		return err
	}
	if in.Wake != nil {
		in.Wake()
	}
	return in.PlaceDocuments(ctx, documents...)
}

// byMail is who changes what a letter changes.
var byMail = store.By{Origin: "mail"}

// keepAttachments puts their bytes into the store of files, before any row. What
// cannot be kept is said in the letter.
func (in *Intake) keepAttachments(ctx context.Context, l *styk.Letter) (files []Upload, err error) {
	if l.Kind != styk.MessageLetter {
		return nil, nil
	}
	for _, f := range l.Files {
		info, err := in.Blobs.Put(ctx, strings.NewReader(string(f.Content)), in.maxFile())
		switch {
		case errors.Is(err, blob.ErrTooLarge):
			l.Text += "\n[Вложение не сохранено, оно слишком велико: " + f.Name + "]"
			continue
		case err != nil:
			return nil, err
		}
		files = append(files, Upload{Part: "mail", FileName: blob.CleanName(f.Name), Info: info})
	}
	return files, nil
}

// taken finds the ticket of a letter: one with number 0 when nobody knows it, nil
// when nothing is to be done with the letter.
func (in *Intake) taken(tx *store.Tx, l *styk.Letter) (*styk.Ticket, error) {
	if known, err := tx.HasLetter(l.MessageID); known || err != nil {
		return nil, err
	}
	if _, ours := tx.DB().ThreadOf(l.MessageID); ours {
		return nil, nil // a copy of our own letter
	}
	named := append(append([]string{}, l.References...), l.Mentioned...)
	for i := len(named) - 1; i >= 0; i-- {
		id, ours := tx.DB().ThreadOf(named[i])
		if !ours {
			continue
		}
		t := &styk.Ticket{}
		t.ID = id
		if err := tx.Load(t); err == nil || styk.CodeOf(err) != styk.NotFound {
			return t, err
		}
	}
	t, err := ticketNamed(tx, l)
	if t == nil {
		t = &styk.Ticket{}
	}
	return t, err
}

// written finds our numbers in the ways people write them.
var written = regexp.MustCompile(`\b(\d{4})[-–— ]?(\d{4,7})[-–— ]?(\d)\b`)

// ticketNamed finds the ticket whose number stands in the subject, when the
// sender is its customer. The number alone is no proof: it is read aloud.
func ticketNamed(tx *store.Tx, l *styk.Letter) (*styk.Ticket, error) {
	for _, m := range written.FindAllStringSubmatch(l.Subject, 3) {
		t, err := tx.TicketByNumber(m[1] + "-" + m[2] + "-" + m[3])
		if styk.CodeOf(err) == styk.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		own, err := AddressesOf(tx, t)
		if err != nil {
			return nil, err
		}
		for _, address := range own {
			if l.From != "" && strings.EqualFold(address, l.From) {
				return t, nil
			}
		}
	}
	return nil, nil
}

// AddressesOf gives the e-mail addresses of a ticket's customer, each once: his
// own first, the one he wrote from last before the others, then those from which
// somebody else took part.
func AddressesOf(tx *store.Tx, t *styk.Ticket) (list []string, err error) {
	var own, used []string
	if t.Contact != 0 {
		c := &styk.Contact{}
		c.ID = t.Contact
		if err := tx.Load(c); err != nil && styk.CodeOf(err) != styk.NotFound {
			return nil, err
		}
		own = append(own, c.Email)
	}
	posts, err := tx.SubmissionsOfTicket(t.ID)
	if err != nil {
		return nil, err
	}
	for _, s := range posts {
		own = append(own, s.OfType(styk.FieldEmail))
	}
	letters, err := tx.MessagesOf(t.ID)
	for _, m := range letters {
		if m.Kind == styk.MessageLetter {
			used = append(used, m.Address)
		}
	}
	seen := map[string]bool{"": true}
	add := func(address string) {
		if key := strings.ToLower(address); !seen[key] {
			seen[key], list = true, append(list, address)
		}
	}
	for _, address := range used {
		if slices.ContainsFunc(own, func(o string) bool { return strings.EqualFold(o, address) }) {
			add(address)
		}
	}
	for _, address := range append(own, used...) {
		add(address)
	}
	return list, err
}

// addReply stores the letter and what follows from it.
func (in *Intake) addReply(tx *store.Tx, l *styk.Letter, t *styk.Ticket, files []Upload) (documents []*styk.Document, err error) {
	m := &styk.Message{Ticket: t.ID, Kind: l.Kind, MessageID: l.MessageID, Address: l.From, Name: l.Name, Subject: l.Subject,
		Text: l.Text, Quoted: l.Quoted}
	var links []styk.ID
	if t.ID != 0 {
		links = append(links, t.ID)
	}
	for _, f := range files {
		d := &styk.Document{}
		d.Source = "mail"
		if err := in.AddDocument(tx, byMail, d, f, links...); err != nil {
			return nil, err
		}
		documents, m.Files = append(documents, d), append(m.Files, d.ID)
	}
	if err := tx.AddMessage(m); err != nil {
		return nil, err
	}
	return documents, in.followReply(tx, m, t)
}

// PutLetter brings a letter that belonged nowhere to a ticket, as if it had been
// known at once. It belongs in a DB.Update closure.
func (in *Intake) PutLetter(tx *store.Tx, id styk.ID, t *styk.Ticket) error {
	m, err := tx.Message(id)
	if err != nil {
		return err
	}
	if err := tx.PutMessage(id, t.ID); err != nil {
		return err
	}
	for _, d := range m.Files {
		if err := tx.Link(t.ID, d); err != nil {
			return err
		}
	}
	return in.followReply(tx, m, t)
}

// followReply opens the ticket again and tells whose it is.
func (in *Intake) followReply(tx *store.Tx, m *styk.Message, t *styk.Ticket) error {
	if t.ID == 0 || m.Kind == styk.MessageAuto {
		return nil
	}
	if m.Kind == styk.MessageBounce {
		letters, err := tx.MessagesOf(t.ID)
		if err != nil {
			return err
		}
		answered := false
		for _, l := range letters {
			answered = answered || l.Out
		}
		if !answered {
			return nil // the letter with his number came back: nobody waits for more
		}
	}
	if err := tx.Replied(t.ID); err != nil {
		return err
	}
	if t.Status == store.TicketClosed || t.Status == "Wait For Response" {
		if _, err := tx.Edit(t, byMail, func() error { t.Status = "Open"; return nil }); err != nil {
			return err
		}
	}
	if t.Spam || m.Kind != styk.MessageLetter {
		return nil
	}
	return tellColleague(tx, t.Owner, styk.Notice{Type: styk.NoticeReply, Ticket: t.ID, Number: t.Number}, fmt.Sprintf("reply/%d", t.ID))
}

// tellColleague writes to whom something belongs, to the firm's owner when that
// is nobody with an address. Without letters nobody is told.
func tellColleague(tx *store.Tx, user styk.ID, n styk.Notice, coalesce string) error {
	mailbox, err := tx.RunningTargets([]string{styk.MailTarget})
	if err != nil || mailbox[styk.MailTarget] == 0 {
		return err
	}
	if user != 0 {
		u, err := tx.User(user)
		if err != nil && styk.CodeOf(err) != styk.NotFound {
			return err
		}
		if err == nil && u.Role != styk.RoleAPI && !u.Disabled {
			n.To = u.Email
		}
	}
	content, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return tx.Enqueue(&styk.Delivery{Target: mailbox[styk.MailTarget], Subject: styk.SubjectNotice, Content: content, Coalesce: coalesce})
}
