package api

import (
	"net/http"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

var staffOperations = []operation{
	{id: "listStaff", method: "GET", path: "/staff", rights: []staff.Right{staff.SeeStaff}, tag: "staff",
		says: words{"Сотрудники", "People who work here"}, answer: all[colleague]{}, handle: (*call).listStaff},
	{id: "getStaff", method: "GET", path: "/staff/{id}", rights: []staff.Right{staff.SeeStaff}, tag: "staff",
		says: words{"Сотрудник и его входы", "A person and his sessions"}, answer: colleagueWhole{}, handle: (*call).getStaff},
	{id: "changeStaff", method: "PATCH", path: "/staff/{id}", rights: []staff.Right{staff.ManageStaff}, tag: "staff",
		says: words{"Изменить роль, имя или почту", "Change a role, a name or an address"}, body: colleagueChange{}, answer: colleagueWhole{},
		handle: (*call).changeStaff},
	{id: "disableStaff", method: "POST", path: "/staff/{id}/disable", rights: []staff.Right{staff.ManageStaff}, tag: "staff",
		says: words{"Закрыть сотруднику вход", "Let a person in no more"}, answer: colleagueWhole{}, handle: (*call).disableStaff},
	{id: "enableStaff", method: "POST", path: "/staff/{id}/enable", rights: []staff.Right{staff.ManageStaff}, tag: "staff",
		says: words{"Снова открыть вход", "Let a person in again"}, answer: colleagueWhole{}, handle: (*call).enableStaff},
	{id: "endSessions", method: "DELETE", path: "/staff/{id}/sessions", rights: []staff.Right{staff.ManageStaff}, tag: "staff",
		says: words{"Завершить все входы сотрудника", "End all sessions of a person"}, handle: (*call).endSessions},
	{id: "endSession", method: "DELETE", path: "/staff/{id}/sessions/{session}", rights: []staff.Right{staff.ManageStaff}, tag: "staff",
		says: words{"Завершить один вход", "End one session"}, handle: (*call).endSession},
	{id: "listInvitations", method: "GET", path: "/invitations", rights: []staff.Right{staff.SeeStaff}, tag: "staff",
		says: words{"Приглашения, которые ждут", "Invitations that wait"}, answer: all[invitation]{}, handle: (*call).listInvitations},
	{id: "invite", method: "POST", path: "/invitations", rights: []staff.Right{staff.ManageStaff}, tag: "staff",
		says:  words{"Пригласить сотрудника", "Invite somebody"},
		about: "The name is taken once; a second invitation under it is refused.",
		body:  inviting{}, answer: invited{}, status: http.StatusCreated, handle: (*call).invite},
	{id: "dropInvitation", method: "DELETE", path: "/invitations/{id}", rights: []staff.Right{staff.ManageStaff}, tag: "staff",
		says: words{"Отозвать приглашение", "Take an invitation back"}, handle: (*call).dropInvitation},
	{id: "listAudit", method: "GET", path: "/audit", rights: []staff.Right{staff.SeeAudit}, tag: "staff",
		says: words{"Кто что делал", "Who did what"}, query: paged, answer: page[deed]{}, handle: (*call).listAudit},
}

type colleague struct {
	ID        styk.ID   `json:"id" eg:"5"`
	Name      string    `json:"name" doc:"To log in with." eg:"anna"`
	FirstName string    `json:"first_name" eg:"Анна"`
	LastName  string    `json:"last_name" eg:"Орлова"`
	Email     string    `json:"email" eg:"anna@firm.ru"`
	Role      string    `json:"role" enum:"operator,integrator,admin,owner,auditor"`
	Disabled  bool      `json:"disabled"`
	Code      bool      `json:"second_factor" eg:"true"`
	Password  bool      `json:"password" doc:"false: the link was not used yet." eg:"true"`
	Seen      time.Time `json:"seen,omitzero"`
	Created   time.Time `json:"created"`
}

func showColleague(k staff.Colleague) colleague {
	u := k.User
	return colleague{u.ID, u.Name, u.FirstName, u.LastName, u.Email, string(u.Role), u.Disabled, k.Code, k.Password, k.Seen, u.Created}
}

type colleagueWhole struct {
	colleague
	Sessions []session `json:"sessions" doc:"The last used first."`
}

type session struct {
	ID      styk.ID   `json:"id" eg:"8"`
	Address string    `json:"address" eg:"203.0.113.7"`
	Agent   string    `json:"agent"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
}

func (c *call) listStaff() (any, error) {
	list, err := c.s.Staff.Colleagues(c)
	return allOf(list, showColleague), err
}

func (c *call) getStaff() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	k, sessions, err := c.s.Staff.Colleague(c, id)
	if err != nil {
		return nil, err
	}
	shown := colleagueWhole{showColleague(k), []session{}}
	for _, s := range sessions {
		shown.Sessions = append(shown.Sessions, session{s.ID, s.Address, s.Agent, s.Created, s.Seen})
	}
	return shown, nil
}

// manage does something to a person in another person's name.
func (c *call) manage(do func(by *styk.User, id styk.ID) error) error {
	by, err := c.person()
	if err != nil {
		return err
	}
	id, err := c.id("id")
	if err != nil {
		return err
	}
	return do(by, id)
}

func (c *call) manageAndShow(do func(by *styk.User, id styk.ID) error) (any, error) {
	if err := c.manage(do); err != nil {
		return nil, err
	}
	return c.getStaff()
}

type colleagueChange struct {
	Role      *string `json:"role" enum:"operator,integrator,admin,owner,auditor"`
	FirstName *string `json:"first_name" eg:"Анна"`
	LastName  *string `json:"last_name"`
	Email     *string `json:"email"`
}

func (c *call) changeStaff() (any, error) {
	in := c.in.(*colleagueChange)
	return c.manageAndShow(func(by *styk.User, id styk.ID) error {
		k, _, err := c.s.Staff.Colleague(c, id)
		if err != nil {
			return err
		}
		u := *k.User
		if in.Role != nil {
			u.Role = styk.Role(*in.Role)
		}
		for from, to := range map[*string]*string{in.FirstName: &u.FirstName, in.LastName: &u.LastName, in.Email: &u.Email} {
			if from != nil {
				*to = *from
			}
		}
		return c.s.Staff.ChangeColleague(c, by, &u)
	})
}

func (c *call) disableStaff() (any, error) {
	return c.manageAndShow(func(by *styk.User, id styk.ID) error { return c.s.Staff.Disable(c, by, id) })
}

func (c *call) enableStaff() (any, error) {
	return c.manageAndShow(func(by *styk.User, id styk.ID) error { return c.s.Staff.Enable(c, by, id) })
}

func (c *call) endSessions() (any, error) {
	return nil, c.manage(func(by *styk.User, id styk.ID) error { return c.s.Staff.EndSessionOf(c, by, id, 0) })
}

func (c *call) endSession() (any, error) {
	session, err := c.id("session")
	if err != nil {
		return nil, err
	}
	return nil, c.manage(func(by *styk.User, id styk.ID) error { return c.s.Staff.EndSessionOf(c, by, id, session) })
}

type invitation struct {
	ID        styk.ID   `json:"id" eg:"2"`
	Name      string    `json:"name" eg:"oleg"`
	FirstName string    `json:"first_name"`
	LastName  string    `json:"last_name"`
	Email     string    `json:"email" eg:"oleg@firm.ru"`
	Role      string    `json:"role" enum:"operator,integrator,admin,owner,auditor"`
	By        styk.ID   `json:"by" eg:"5"`
	Created   time.Time `json:"created"`
	Until     time.Time `json:"until"`
}

func showInvitation(i *store.Invitation) invitation {
	return invitation{i.ID, i.Name, i.FirstName, i.LastName, i.Email, string(i.Role), i.By, i.Created, i.Until}
}

func (c *call) listInvitations() (any, error) {
	list, err := c.s.Staff.Invitations(c)
	return allOf(list, showInvitation), err
}

type inviting struct {
	Name      string `json:"name" eg:"oleg"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Email     string `json:"email,omitempty" doc:"Where the link goes, if mail is set up." eg:"oleg@firm.ru"`
	Role      string `json:"role" enum:"operator,integrator,admin,owner,auditor"`
}

type invited struct {
	invitation
	Sent bool   `json:"sent" doc:"The link went by e-mail." eg:"true"`
	Link string `json:"secret_path" doc:"Path of the one-time link, below the site's address; shown this once." eg:"/admin/link/secret"`
}

func (c *call) invite() (any, error) {
	by, err := c.person()
	if err != nil {
		return nil, err
	}
	in := c.in.(*inviting)
	i := &store.Invitation{Name: in.Name, FirstName: in.FirstName, LastName: in.LastName, Email: in.Email, Role: styk.Role(in.Role)}
	secret, sent, err := c.s.Staff.Invite(c, by, i)
	if err != nil {
		return nil, err
	}
	return invited{showInvitation(i), sent, "/admin/link/" + secret}, nil
}

func (c *call) dropInvitation() (any, error) {
	return nil, c.manage(func(by *styk.User, id styk.ID) error { return c.s.Staff.DropInvitation(c, by, id) })
}

type deed struct {
	ID     styk.ID   `json:"id" eg:"900"`
	At     time.Time `json:"at"`
	User   styk.ID   `json:"user,omitempty" doc:"Absent: a program without a person's name."`
	Action string    `json:"action" eg:"ticket.status"`
	About  styk.ID   `json:"about,omitempty" doc:"Number of what it was done to." eg:"4711"`
	Amount int64     `json:"amount,omitempty"`
}

func (c *call) listAudit() (any, error) {
	var list []store.AuditEntry
	err := c.view(func(tx *store.Tx) (err error) {
		list, err = tx.AuditTrail(c.query.id("before"), c.limit()+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pageOf(c, list, func(e store.AuditEntry) int64 { return int64(e.ID) }, func(e store.AuditEntry) deed {
		return deed{e.ID, e.At, e.User, e.Action, e.About, e.Amount}
	}), nil
}
