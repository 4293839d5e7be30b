package web

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/intake"
	"styk/staff"
	"styk/store"
)

// What is noted of people's work on tickets, here.
const (
	actionAnswer = "ticket.answer"
	actionOwner  = "ticket.owner"
	actionSpam   = "ticket.spam"
)

// adminMessage is one letter of the conversation.
type adminMessage struct {
	ID        string
	Out       bool
	Who       string
	Address   string
	Strange   bool // it came from an address that is not the customer's own
	When      moment
	Subject   string
	Text      string
	Quoted    string
	Kind      string // of a machine, in words; "" for a letter
	Files     []adminMessageFile
	State     string // of the delivery, "" for letters that came
	Tone      string
	Cause     string
	Delivery  string // its address, "" when the person may not look there
	Unsettled bool
}

type adminMessageFile struct{ Name, Size, Download string }

// adminTalk is the conversation with what is needed to go on with it.
type adminTalk struct {
	Messages []adminMessage
	To       []string // addresses of the customer; none: he cannot be answered
	Mail     bool     // letters can be sent from here
	Key      string   // of the answer, so that it is sent once
	Draft    string
}

// talkFacts are what it is made of.
type talkFacts struct {
	messages   []*styk.Message
	deliveries map[styk.ID]*styk.Delivery
	files      map[styk.ID]*styk.Document
	addresses  []string
	mail       bool
	users      []*styk.User
}

func (f *talkFacts) read(tx *store.Tx, t *styk.Ticket) (err error) {
	*f = talkFacts{deliveries: map[styk.ID]*styk.Delivery{}, files: map[styk.ID]*styk.Document{}}
	if f.messages, err = tx.MessagesOf(t.ID); err != nil {
		return err
	}
	for _, m := range f.messages {
		if err := f.readMessage(tx, m); err != nil {
			return err
		}
	}
	if f.addresses, err = intake.AddressesOf(tx, t); err != nil {
		return err
	}
	targets, err := tx.RunningTargets([]string{styk.MailTarget})
	if err != nil {
		return err
	}
	f.mail = targets[styk.MailTarget] != 0
	f.users, err = tx.Users()
	return err
}

func (f *talkFacts) readMessage(tx *store.Tx, m *styk.Message) error {
	if m.Delivery != 0 {
		d, err := tx.Delivery(m.Delivery)
		if err != nil && styk.CodeOf(err) != styk.NotFound {
			return err
		}
		f.deliveries[m.ID] = d
	}
	for _, id := range m.Files {
		d := &styk.Document{}
		d.ID = id
		err := tx.Load(d)
		if err == nil {
			f.files[id] = d
		} else if styk.CodeOf(err) != styk.NotFound {
			return err
		}
	}
	return nil
}

func (a *admin) talk(v *visit, f *ticketFacts) adminTalk {
	t := adminTalk{To: f.talk.addresses, Mail: f.talk.mail, Key: rand.Text()}
	var own []string
	if f.contact != nil {
		own = append(own, strings.ToLower(f.contact.Email))
	}
	for _, s := range f.submissions {
		own = append(own, strings.ToLower(s.OfType(styk.FieldEmail)))
	}
	for _, m := range slices.Backward(f.talk.messages) { // the oldest first
		one := a.message(v, m, &f.talk, f.users)
		one.Strange = !m.Out && m.Kind == styk.MessageLetter && !slices.Contains(own, strings.ToLower(m.Address))
		t.Messages = append(t.Messages, one)
	}
	return t
}

func (a *admin) message(v *visit, m *styk.Message, f *talkFacts, users map[styk.ID]string) adminMessage {
	p := adminMessage{ID: strconv.FormatInt(int64(m.ID), 10), Out: m.Out, Who: m.Name, Address: m.Address, When: a.moment(v.lang, m.At),
		Subject: m.Subject, Text: m.Text, Quoted: m.Quoted}
	switch m.Kind {
	case styk.MessageAuto:
		p.Kind = choose(v.lang, "Автоответ", "Automatic reply")
	case styk.MessageBounce:
		p.Kind = choose(v.lang, "Письмо вернулось", "The letter came back")
	}
	if p.Text == "" {
		p.Text = choose(v.lang, "Письмо без текста", "A letter without words")
	}
	for _, id := range m.Files {
		if d := f.files[id]; d != nil {
			p.Files = append(p.Files, adminMessageFile{d.FileName, bytesWord(v.lang, d.Size), address("files", d.ID)})
		}
	}
	if !m.Out {
		return p
	}
	p.Who = users[m.User]
	if d := f.deliveries[m.ID]; d != nil {
		p.State, p.Tone = letterWord(v.lang, d)
		if d.State != styk.Delivered {
			p.Cause = d.Cause
		}
		if v.may(staff.SeeDeliveries) {
			p.Delivery = address("deliveries", d.ID)
		}
	}
	return p
}

// letterWord says where a letter of ours stands.
func letterWord(lang string, d *styk.Delivery) (word, tone string) {
	switch d.State {
	case styk.Delivered:
		return choose(lang, "Отправлено", "Sent"), "good"
	case styk.NeedsHand:
		return choose(lang, "Не отправлено", "Not sent"), "bad"
	}
	if d.Cause != "" {
		return choose(lang, "Отправим ещё раз", "Will be sent again"), "wait"
	}
	return choose(lang, "Отправляется", "Being sent"), "move"
}

// answer sends the customer what was typed.
func (a *admin) answer(v *visit) error {
	form := v.r.PostForm
	text := strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(form.Get("text"), "\x00", ""), "\uFFFD"))
	if text == "" || len(text) > intake.MaxAnswer {
		return styk.Failed(styk.Invalid, choose(v.lang, "Ответ пуст или слишком длинный", "The answer is empty or too long"))
	}
	answer := intake.Answer{To: form.Get("to"), Text: text, Status: "Wait For Response", Key: form.Get("_key")}
	if form.Get("then") == "close" {
		answer.Status = store.TicketClosed
	}
	err := a.change(v, actionAnswer, "answered", func(tx *store.Tx, t *styk.Ticket) error {
		known, err := intake.AddressesOf(tx, t)
		if err != nil {
			return err
		}
		if !slices.Contains(known, answer.To) {
			return styk.Failed(styk.Invalid, choose(v.lang, "Это не адрес клиента", "That is not an address of the customer"))
		}
		answer.Ticket = t.ID
		_, err = a.Intake.Answer(tx, answer, v.by())
		return err
	})
	if err == nil && a.Intake.Wake != nil {
		a.Intake.Wake()
	}
	return err
}

func (a *admin) setOwner(v *visit) error {
	id, err := strconv.ParseInt(v.r.PostForm.Get("owner"), 10, 64)
	users, failed := a.users(v.r.Context())
	if failed != nil {
		return failed
	}
	known := id == 0 || slices.ContainsFunc(users, func(u *styk.User) bool { return u.ID == styk.ID(id) && mayAnswer(u) })
	if err != nil || !known {
		return styk.Failed(styk.Invalid, choose(v.lang, "Такого сотрудника нет", "There is no such colleague"))
	}
	return a.change(v, actionOwner, "owner", func(tx *store.Tx, t *styk.Ticket) error {
		_, err := tx.Edit(t, v.by(), func() error { t.Owner = styk.ID(id); return nil })
		return err
	})
}

func (a *admin) setSpam(v *visit) error {
	spam := v.r.PostForm.Get("spam") == "1"
	said := "notspam"
	if spam {
		said = "spam"
	}
	return a.change(v, actionSpam, said, func(tx *store.Tx, t *styk.Ticket) error {
		_, err := tx.Edit(t, v.by(), func() error { t.Spam = spam; return nil })
		return err
	})
}

// ownerChoices are those to whom a ticket can be given, the present one among
// them.
func ownerChoices(lang string, users []*styk.User, owner styk.ID) []adminChoice {
	list := []adminChoice{{Value: "0", Text: choose(lang, "Без ответственного", "Unassigned")}}
	here := false
	for _, u := range users {
		if mayAnswer(u) || u.ID == owner && u.Role != styk.RoleAPI {
			here = here || u.ID == owner
			list = append(list, adminChoice{fmt.Sprint(int64(u.ID)), userName(u), u.ID == owner})
		}
	}
	list[0].Here = !here
	return list
}
