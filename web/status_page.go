package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"styk"
	"styk/intake"
	"styk/store"
)

// donePage is the part that says the number.
type donePage struct {
	speech
	Level     int // of the heading
	Message   string
	Number    string
	Later     bool // the CRM's number is still to come
	LaterText string
	Came      string // it came, while ours stands above
	OK        string // where «Хорошо» leads
	StatusURL string
	CardURL   string // page of the card that the post brought; "" for none
	OnStatus  bool
	Watch     string // where the script looks for the CRM's number; "" for nothing to look for
	Focus     bool
}

// statusPage tells what became of a post: no name, no phone, no text of it.
type statusPage struct {
	donePage
	Fresh    bool // the answer to a post
	Embed    string
	Theme    string
	Dress    string
	Steps    []stepView
	Refresh  string // where to look again
	Withdraw string // where consent is withdrawn; "" where none was given
	Waits    bool
}

type stepView struct {
	Text, Time string
	Past       bool
}

// status is what is known of a post.
type status struct {
	form       *styk.Form
	submission *styk.Submission
	ticket     *styk.Ticket
	progress   store.Progress
	mail       bool // letters are sent at all
	files      fileNews
	card       string // number of the card that it brought; "" for none
}

// laterText says where the CRM's number will be seen.
func laterText(form *styk.Form, mail bool, words speech) string {
	for i := range form.Fields {
		if mail && form.Fields[i].Type == styk.FieldEmail {
			return words.T("later_mail")
		}
	}
	return words.T("later")
}

// mailed says whether letters to visitors are set up.
func mailed(tx *store.Tx) (bool, error) {
	running, err := tx.RunningTargets([]string{styk.MailTarget})
	return len(running) > 0, err
}

func (s *forms) status(r *http.Request) (st status, err error) {
	err = s.DB.View(r.Context(), func(tx *store.Tx) error {
		st = status{}
		if st.submission, err = tx.PostByStatus(r.PathValue("secret")); err != nil {
			return err
		}
		if st.submission.Form != r.PathValue("form") {
			return styk.Failed(styk.NotFound, "the secret is of another form")
		}
		if st.form, err = tx.Form(st.submission.Form); styk.CodeOf(err) == styk.NotFound {
			st.form, err = &styk.Form{Name: st.submission.Form, Title: st.submission.Title}, nil // removed since
		}
		if err != nil {
			return err
		}
		rec, err := tx.Find(st.submission.Ticket)
		if err != nil {
			return err
		}
		st.ticket, _ = rec.(*styk.Ticket)
		if st.progress, err = tx.PostProgress(st.submission.ID); err != nil {
			return err
		}
		if st.files, err = readFileNews(tx, st.submission.ID); err != nil {
			return err
		}
		if st.card, err = intake.CardOf(tx, st.submission); err != nil {
			return err
		}
		st.mail, err = mailed(tx)
		return err
	})
	if err == nil && st.ticket == nil {
		err = styk.Failed(styk.NotFound, "the ticket is gone")
	}
	return st, err
}

// showStatus answers GET /f/{form}/status/{secret}.
func (s *forms) showStatus(w http.ResponseWriter, r *http.Request) {
	v := viewOf(r.URL.Query())
	h := w.Header()
	st, err := s.status(r)
	s.headers(w, r, st.form, v)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	words := speak(st.form, v.lang)
	if err != nil {
		s.refuseStatus(w, r, v, words, err)
		return
	}
	path := statusPath(st, r)
	if wantsJSON(r) {
		delivered := st.progress.Number != "" || st.progress.Total > 0 && !st.pending()
		a := s.acceptedOf(words, s.Base()+path, st.ticket.Number, st.progress.Number, delivered)
		if refused := words.refused(st.files); refused != "" {
			a.Message += ". " + refused
		}
		a.CardURL = s.cardURL(st.card)
		writeJSON(w, http.StatusOK, a)
		return
	}
	page := s.statusPage(st, v, words, r.URL.Query(), path)
	if page.Refresh != "" {
		h.Set("Refresh", strconv.Itoa(int(page.pause(r)/time.Second))+"; url="+page.Refresh)
	}
	render(w, "status_page.html", page)
}

func (s *forms) refuseStatus(w http.ResponseWriter, r *http.Request, v view, words speech, err error) {
	a := answerOf(words, nil, s.ours("status", err))
	if a.status == http.StatusNotFound {
		a.Errors[0].Message = words.T("no_ticket")
	}
	if wantsJSON(r) {
		writeJSON(w, a.status, a)
		return
	}
	s.sayPage(w, a.status, sayPage{speech: words, Title: a.Errors[0].Message, Text: words.T("no_form_text"), Embed: v.embed, Theme: v.theme})
}

func (s *forms) statusPage(st status, v view, words speech, query url.Values, path string) *statusPage {
	crm := st.progress.Number
	form := "/f/" + url.PathEscape(st.form.Name) + v.query()
	p := &statusPage{Fresh: query.Get("done") != "", Embed: v.embed, Theme: v.theme}
	p.donePage = donePage{
		speech: words, Level: 1, Message: s.successText(words), Number: st.ticket.Number, OK: form, OnStatus: true, Focus: p.Fresh,
		Later: crm == "" && st.pending(), LaterText: laterText(st.form, st.mail, words), StatusURL: path,
	}
	if crm != "" {
		p.Number = crm
	}
	if card := s.cardURL(st.card); card != nil {
		p.CardURL = *card
	}
	if after := st.form.After; after != "" && after != styk.AfterReload && after != styk.AfterReset {
		p.OK = after
	} else if back := s.backFrom(query.Get("back")); back != "" {
		p.OK = back
	}
	if st.checking() {
		p.LaterText = words.checking()
	}
	if refused := words.refused(st.files); refused != "" {
		p.Message += ". " + refused
	}
	if p.Later {
		p.Watch, p.Waits = path, true
	}
	if len(st.submission.Consents) > 0 {
		p.Withdraw = path + "/withdraw" + v.query()
	}
	p.Steps = s.steps(st, words)
	p.Dress, _ = dressOf(st.form)
	p.look(query, path)
	return p
}

// pending says whether the CRM's number may still come.
func (st status) pending() bool { return st.progress.Total > st.progress.Delivered }

func (s *forms) steps(st status, words speech) []stepView {
	at := func(t time.Time) string { return moscowTime(t, s.zone(), words.Lang) }
	steps := []stepView{{Text: words.T("accepted"), Time: at(st.submission.Created), Past: true}}
	if st.checking() {
		steps = append(steps, stepView{Text: words.checking()})
	} else if refused := words.refused(st.files); refused != "" {
		steps = append(steps, stepView{Text: refused, Past: true})
	}
	switch p := st.progress; {
	case p.Total == 0:
	case p.Number != "":
		steps = append(steps, stepView{Text: words.With("in_crm", "number", p.Number), Past: true})
	case p.Delivered == p.Total:
		steps = append(steps, stepView{Text: words.T("in_crm_bare"), Past: true})
	case p.Failed > 0:
		steps = append(steps, stepView{Text: words.T("delayed")})
	default:
		steps = append(steps, stepView{Text: words.T("to_crm")})
	}
	switch st.ticket.Status {
	case "In Progress", "Wait For Response":
		steps = append(steps, stepView{Text: words.T("in_work"), Time: at(st.ticket.Modified), Past: true})
	case "Closed":
		steps = append(steps, stepView{Text: words.T("closed"), Time: at(st.ticket.Modified), Past: true})
	}
	return steps
}

// maxLooks is how often a page without script looks again by itself; the
// pauses double, so the last look is an hour after the post.
const maxLooks = 10

// look says where a page without script looks next for the CRM's number.
func (p *statusPage) look(query url.Values, path string) {
	n, _ := strconv.Atoi(query.Get("n"))
	if !p.Waits || n < 0 || n >= maxLooks {
		return
	}
	next := url.Values{"n": {strconv.Itoa(n + 1)}}
	for _, name := range []string{"done", "back", "lang", "embed", "theme"} {
		if v := query.Get(name); v != "" {
			next.Set(name, v)
		}
	}
	p.Refresh = path + "?" + next.Encode()
}

// pause is how long after this look the next one comes.
func (p *statusPage) pause(r *http.Request) time.Duration {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	return 5 * time.Second << min(max(n, 0), maxLooks)
}

func (s *forms) zone() *time.Location {
	if s.Intake.Zone != nil {
		return s.Intake.Zone
	}
	return time.UTC
}
