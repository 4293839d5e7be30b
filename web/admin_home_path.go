package web

import (
	"strconv"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminPath is the way of the first day: three steps that tick themselves.
type adminPath struct {
	Steps []adminPathStep
	Done  int
	All   bool
}

type adminPathStep struct {
	Number  int
	Text    string
	More    string
	Done    bool
	Next    bool // the one to do now
	Address string
	Go      string // of the button
}

// MetaSamples is where the demo keeps the number of its last sample post: what
// came later was sent by a person.
const MetaSamples = "samples_end"

// pathOff keeps that a person has seen enough of the path.
func pathOff(v *visit) string {
	return "path_off:" + strconv.FormatInt(int64(v.session.User.ID), 10)
}

func (a *admin) closePath(v *visit) error {
	err := a.DB.Update(v.r.Context(), func(tx *store.Tx) error { return tx.SetMeta(pathOff(v), "1") })
	if err != nil {
		return err
	}
	return v.redirect("/admin/", "")
}

// homePath shows the path to who can walk it, until it is done or put away. In
// the demo one breaks the CRM at its end; elsewhere one connects it first.
func (a *admin) homePath(v *visit, tx *store.Tx, p *adminHomePage) error {
	if !v.may(staff.ManageConnections) {
		return nil
	}
	off, err := tx.Meta(pathOff(v))
	if err != nil || off != "" {
		return err
	}
	text, err := tx.Meta(MetaSamples)
	if err != nil {
		return err
	}
	from, _ := strconv.ParseInt(text, 10, 64)
	post, _, err := tx.FirstPost(styk.ID(from))
	if err != nil {
		return err
	}
	var sent, arrived adminPathStep
	if sent, err = a.sentStep(v, tx, post); err != nil {
		return err
	}
	if arrived, err = a.arrivedStep(v, tx, post); err != nil {
		return err
	}
	var path adminPath
	if a.Sandbox != nil {
		mended, err := tx.Meta(metaMended)
		if err != nil {
			return err
		}
		path.Steps = []adminPathStep{sent, arrived, {Text: p.T("Сломайте CRM и почините", "Break the CRM and mend it"),
			More:    p.T("Заявки подождут, а после починки уйдут сами, без дублей.", "Requests wait, and go by themselves after that, none twice."),
			Address: "/admin/sandbox", Go: p.T("В песочницу", "To the sandbox"), Done: mended != ""}}
	} else {
		targets, err := tx.Targets()
		if err != nil {
			return err
		}
		path.Steps = []adminPathStep{{Text: p.T("Подключите систему", "Connect a system"),
			More:    p.T("CRM, вебхук или почту. Проверить можно до сохранения.", "A CRM, a webhook or mail. It may be tested before it is saved."),
			Address: "/admin/connections", Go: p.T("Подключить", "Connect"), Done: len(targets) > 0}, sent, arrived}
	}
	path.count()
	if a.Sandbox != nil || !path.All {
		p.Path = &path
	}
	return nil
}

func (p *adminPath) count() {
	next := false
	for i := range p.Steps {
		s := &p.Steps[i]
		s.Number = i + 1
		if s.Done {
			p.Done++
		} else if !next {
			s.Next, next = true, true
		}
	}
	p.All = p.Done == len(p.Steps)
}

func (a *admin) sentStep(v *visit, tx *store.Tx, post styk.ID) (adminPathStep, error) {
	s := adminPathStep{Text: choose(v.lang, "Отправьте заявку", "Send a request"), Done: post != 0, Go: choose(v.lang, "Открыть форму", "Open the form"),
		More: choose(v.lang, "Как посетитель сайта: номер придёт через пару секунд.", "As a visitor does: the number comes in seconds."), Address: "/admin/forms"}
	forms, err := tx.Forms()
	if a.Sandbox != nil && a.Sandbox.Form != "" {
		s.Address = "/f/" + a.Sandbox.Form
	} else if len(forms) > 0 {
		s.Address = "/f/" + forms[0].Name
	}
	return s, err
}

func (a *admin) arrivedStep(v *visit, tx *store.Tx, post styk.ID) (adminPathStep, error) {
	s := adminPathStep{Text: choose(v.lang, "Посмотрите, как она дошла", "Watch it travel"), Go: choose(v.lang, "Посмотреть", "Watch"),
		More: choose(v.lang, "Шаги, точные запросы и ответы, номер в CRM.", "Steps, exact requests and answers, the number in the CRM."), Address: "/admin/deliveries"}
	if post == 0 {
		return s, nil
	}
	list, err := tx.DeliveriesOf(styk.SubjectTicket, post)
	for _, d := range list {
		s.Address = address("deliveries", d.ID)
		s.Done = s.Done || d.State == styk.Delivered
	}
	return s, err
}
