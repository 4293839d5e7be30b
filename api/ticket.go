package api

import (
	"net/http"
	"strings"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

// What is noted of work on tickets, in the words of the people's pages.
const (
	actionStatus = "ticket.status"
	actionAssign = "ticket.assigned"
	actionNote   = "ticket.note"
)

var ticketOperations = []operation{
	{id: "listTickets", method: "GET", path: "/tickets", rights: []staff.Right{staff.SeeTickets}, tag: "tickets",
		says: words{"Найти обращения или перечислить их", "Find tickets, or list them"},
		query: append([]param{
			{name: "q", kind: "string", text: "What a person would type: the tail of a phone, a number in any grouping, name, e-mail.", eg: "2611-0042"},
			oneOf("status", "Only open or only closed ones.", "open", "closed"),
			oneOf("delivery", "Only those with a delivery in this state.", "due", "leased", "done", "failed"),
			{name: "customer", kind: "integer", text: "Only those of one customer.", eg: "17"},
		}, paged...), answer: page[ticketRow]{}, handle: (*call).listTickets},
	{id: "getTicket", method: "GET", path: "/tickets/{id}", rights: []staff.Right{staff.SeeTickets}, tag: "tickets",
		says: words{"Прочитать обращение", "Read a ticket"}, answer: ticket{}, handle: (*call).getTicket},
	{id: "changeTicket", method: "PATCH", path: "/tickets/{id}", rights: []staff.Right{staff.ChangeTickets}, tag: "tickets",
		says: words{"Сменить состояние или ответственного", "Change the status or who answers for it"}, body: ticketChange{}, answer: ticket{},
		match: true, handle: (*call).changeTicket},
	{id: "addNote", method: "POST", path: "/tickets/{id}/notes", rights: []staff.Right{staff.ChangeTickets}, tag: "tickets",
		says: words{"Добавить заметку", "Add a note"}, body: noteText{}, answer: note{}, status: http.StatusCreated, once: true, handle: (*call).addNote},
	{id: "getTicketHistory", method: "GET", path: "/tickets/{id}/history", rights: []staff.Right{staff.SeeTickets}, tag: "tickets",
		says: words{"История изменений обращения", "History of a ticket"}, query: paged, answer: page[change]{}, handle: (*call).ticketHistory},
	{id: "undoTicketChange", method: "POST", path: "/tickets/{id}/undo", rights: []staff.Right{staff.ChangeTickets}, tag: "tickets",
		says: words{"Отменить изменение обращения", "Undo a change of a ticket"}, body: undoing{}, answer: ticket{}, handle: (*call).undoTicket},
}

type ticketRow struct {
	ID         styk.ID    `json:"id" eg:"4711"`
	Number     string     `json:"number" doc:"What the visitor was told." eg:"2611-0042-7"`
	Title      string     `json:"title" eg:"Касса не печатает"`
	Status     string     `json:"status" eg:"Open"`
	Created    time.Time  `json:"created"`
	Customer   styk.ID    `json:"customer,omitempty" eg:"17"`
	Name       string     `json:"name" doc:"Of the customer." eg:"Иван Иванов"`
	Mobile     string     `json:"mobile" eg:"+79491234511"`
	Email      string     `json:"email" eg:"ivan@firm.ru"`
	Account    string     `json:"account" eg:""`
	Form       string     `json:"form" doc:"Title of the form." eg:"Обратная связь"`
	Deliveries []underWay `json:"deliveries"`
}

type underWay struct {
	ID     styk.ID `json:"id" eg:"99"`
	Target string  `json:"target" eg:"crm"`
	State  string  `json:"state" enum:"due,leased,done,failed"`
	Number string  `json:"number" doc:"What the foreign system called it." eg:"SR-00000042"`
	URL    string  `json:"url"`
}

func (c *call) listTickets() (any, error) {
	f := store.TicketFilter{Query: c.query["q"], Open: c.query["status"] == "open", Closed: c.query["status"] == "closed",
		State: styk.DeliveryState(c.query["delivery"]), Contact: c.query.id("customer"), Before: c.query.id("before"), Limit: c.limit() + 1}
	var rows []*store.TicketRow
	err := c.view(func(tx *store.Tx) (err error) {
		rows, err = tx.Tickets(f)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pageOf(c, rows, func(r *store.TicketRow) int64 { return int64(r.ID) }, func(r *store.TicketRow) ticketRow {
		shown := ticketRow{r.ID, r.Number, r.Title, r.Status, r.Created, r.Contact, r.Name, r.Mobile, r.Email, r.Account, r.Form, []underWay{}}
		for _, d := range r.Deliveries {
			shown.Deliveries = append(shown.Deliveries, underWay{d.ID, d.Target, string(d.State), d.Number, d.URL})
		}
		return shown
	}), nil
}

type ticket struct {
	ID          styk.ID      `json:"id" eg:"4711"`
	Number      string       `json:"number" eg:"2611-0042-7"`
	Title       string       `json:"title" eg:"Касса не печатает"`
	Status      string       `json:"status" eg:"Open"`
	Priority    string       `json:"priority"`
	Severity    string       `json:"severity"`
	Category    string       `json:"category"`
	Text        string       `json:"text" eg:"После обновления чеки не выходят"`
	Solution    string       `json:"solution"`
	Customer    styk.ID      `json:"customer,omitempty" eg:"17"`
	Account     styk.ID      `json:"account,omitempty"`
	Assignee    styk.ID      `json:"assignee,omitempty" doc:"Who answers for it."`
	Created     time.Time    `json:"created"`
	Modified    time.Time    `json:"modified"`
	Notes       []note       `json:"notes"`
	Submissions []submission `json:"submissions"`
	Deliveries  []underWay   `json:"deliveries"`
	Files       []fileRow    `json:"files"`
}

type note struct {
	ID      styk.ID   `json:"id" eg:"4712"`
	Text    string    `json:"text" eg:"Перезвонить после обеда"`
	User    styk.ID   `json:"user,omitempty"`
	Created time.Time `json:"created"`
}

func showNote(n *styk.Comment) note { return note{n.ID, n.Text, n.Owner, n.Created} }

func ticketOf(id styk.ID) *styk.Ticket {
	t := &styk.Ticket{}
	t.ID = id
	return t
}

func (c *call) getTicket() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	return c.readTicket(id)
}

func (c *call) readTicket(id styk.ID) (any, error) {
	var shown ticket
	err := c.view(func(tx *store.Tx) error {
		t := ticketOf(id)
		if err := tx.Load(t); err != nil {
			return err
		}
		if err := c.tagged(tx, id); err != nil {
			return err
		}
		shown = ticket{ID: t.ID, Number: t.Number, Title: t.Title, Status: t.Status, Priority: t.Priority, Severity: t.Severity,
			Category: t.Category, Text: t.Text, Solution: t.Solution, Customer: t.Contact, Account: t.Account, Assignee: t.Owner,
			Created: t.Created, Modified: t.Modified, Notes: []note{}, Submissions: []submission{}, Deliveries: []underWay{}, Files: []fileRow{}}
		return shown.fill(tx)
	})
	return shown, err
}

// fill adds what belongs to the ticket.
func (t *ticket) fill(tx *store.Tx) error {
	notes, err := tx.CommentsOf(t.ID)
	if err != nil {
		return err
	}
	for _, n := range notes {
		t.Notes = append(t.Notes, showNote(n))
	}
	posts, err := tx.SubmissionsOfTicket(t.ID)
	if err != nil {
		return err
	}
	names := map[styk.ID]string{}
	targets, err := tx.Targets()
	if err != nil {
		return err
	}
	for _, target := range targets {
		names[target.ID] = target.Name
	}
	for _, post := range posts {
		t.Submissions = append(t.Submissions, showSubmission(post))
		list, err := tx.DeliveriesOf(styk.SubjectTicket, post.ID)
		if err != nil {
			return err
		}
		for _, d := range list {
			t.Deliveries = append(t.Deliveries, underWay{d.ID, names[d.Target], string(d.State), d.Number, d.URL})
		}
	}
	files, err := tx.DocumentsOf(t.ID)
	for _, d := range files {
		t.Files = append(t.Files, showFileRow(d))
	}
	return err
}

type ticketChange struct {
	Status   *string  `json:"status" enum:"Open,In Progress,Wait For Response,Closed" eg:"In Progress"`
	Assignee *styk.ID `json:"assignee" doc:"Number of a person who works here."`
}

func (c *call) changeTicket() (any, error) {
	in := c.in.(*ticketChange)
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	action := actionStatus
	if in.Status == nil {
		action = actionAssign
	}
	err = c.change(action, id, func(tx *store.Tx) error {
		if err := c.match(tx, id); err != nil {
			return err
		}
		if err := in.checkAssignee(tx); err != nil {
			return err
		}
		t := ticketOf(id)
		_, err := tx.Edit(t, c.by(), func() error {
			if in.Status != nil {
				t.Status = *in.Status
			}
			if in.Assignee != nil {
				t.Owner = *in.Assignee
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.readTicket(id)
}

func (in *ticketChange) checkAssignee(tx *store.Tx) error {
	if in.Assignee == nil || *in.Assignee == 0 {
		return nil
	}
	u, err := tx.User(*in.Assignee)
	if err != nil && styk.CodeOf(err) != styk.NotFound {
		return err
	}
	if err != nil || u.Disabled || u.Role == styk.RoleAPI {
		return styk.FieldError(styk.Reference, "assignee", "reference", "Такого сотрудника нет")
	}
	return nil
}

type noteText struct {
	Text string `json:"text" doc:"Up to 10,000 bytes." eg:"Перезвонить после обеда"`
}

const maxNote = 10_000 // bytes

func (c *call) addNote() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(c.in.(*noteText).Text)
	if text == "" || len(text) > maxNote {
		return nil, styk.FieldError(styk.Invalid, "text", "length", "Заметка пуста или слишком длинная")
	}
	made := &styk.Comment{}
	err = c.change(actionNote, id, func(tx *store.Tx) error {
		if err := tx.Load(ticketOf(id)); err != nil {
			return err
		}
		number, err := c.once(tx, text, func() (styk.ID, error) {
			n := &styk.Comment{Text: text, Related: id}
			n.Owner, n.Source = c.key.User, "API"
			err := tx.Insert(n, c.by())
			return n.ID, err
		})
		if err != nil {
			return err
		}
		*made = styk.Comment{}
		made.ID = number
		return tx.Load(made)
	})
	return showNote(made), err
}

func (c *call) ticketHistory() (any, error) { return c.history(styk.KindTicket) }

func (c *call) undoTicket() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	tick := c.in.(*undoing).Change
	err = c.change(actionUndo, id, func(tx *store.Tx) error {
		if err := tx.Load(ticketOf(id)); err != nil {
			return err
		}
		return c.undo(tx, id, tick)
	})
	if err != nil {
		return nil, err
	}
	return c.readTicket(id)
}
