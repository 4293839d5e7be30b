package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminDeliveryPage is one delivery: how far it came, why it stands, and the
// exact bytes of every try.
type adminDeliveryPage struct {
	adminFrame
	Address  string
	What     string
	Ticket   string // address of its ticket, "" when there is none or it may not be seen
	Form     string
	Target   string
	Kind     string
	Paused   bool
	State    string
	Tone     string
	Number   string // over there
	URL      string
	Cause    string
	Advice   string // what a person may do about it
	Next     moment // of the next try
	Created  moment
	Steps    []adminStep
	Attempts []adminAttempt
	Retry    bool
	Edit     bool        // its values may be changed for this delivery
	Edited   []adminSwap // what goes instead of what the visitor sent
	UID      string
}

type adminStep struct {
	Text   string
	Name   string // as the connector calls it
	Done   bool
	Number string
	Took   string
	When   moment
}

type adminAttempt struct {
	Number    int
	Outcome   string
	Tone      string
	When      moment
	Took      string
	Cause     string
	Err       string
	Warnings  []string
	Exchanges []adminExchange
	Open      bool // shown unfolded
}

type adminExchange struct {
	Step    string
	Method  string
	Host    string
	Path    string
	Query   []adminLine // decoded
	Address string      // all of it, as it was sent
	Status  string
	Tone    string
	Err     string
	DryRun  bool
	Took    string
	Parts   []adminPart // of the time it took
	Request adminBytes
	Answer  adminBytes
	Reused  bool
	Curl    string // the same request for a terminal
	CurlID  string
}

// adminPart is one part of an exchange's time, for a bar of 1000 units.
type adminPart struct {
	Text string
	Took string
	Tone string
	From int
	Wide int
}

type adminBytes struct {
	Size    string
	Headers []adminLine
	Body    string
	Cut     bool // the body was longer
}

// deliveryFacts are what the page is made of.
type deliveryFacts struct {
	d        *styk.Delivery
	target   *styk.Target
	ticket   styk.ID
	number   string
	form     string
	post     *styk.Submission
	steps    []styk.Step
	attempts []*styk.Attempt
}

func (a *admin) showDelivery(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	facts := &deliveryFacts{}
	if err := a.DB.View(v.r.Context(), func(tx *store.Tx) error { return facts.read(tx, id) }); err != nil {
		return err
	}
	return a.show(v, http.StatusOK, "admin_delivery.html", a.deliveryPage(v, facts))
}

func (f *deliveryFacts) read(tx *store.Tx, id styk.ID) (err error) {
	*f = deliveryFacts{}
	if f.d, err = tx.Delivery(id); err != nil {
		return err
	}
	if f.target, err = tx.TargetByID(f.d.Target); err != nil {
		return err
	}
	if f.steps, err = tx.Steps(id); err != nil {
		return err
	}
	if f.attempts, err = tx.Attempts(id); err != nil {
		return err
	}
	if f.d.Subject != styk.SubjectTicket {
		return nil
	}
	s, err := tx.Post(f.d.About)
	if styk.CodeOf(err) == styk.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	f.ticket, f.form, f.post = s.Ticket, s.Title, s
	t := &styk.Ticket{}
	t.ID = s.Ticket
	if err := tx.Load(t); err != nil && styk.CodeOf(err) != styk.NotFound {
		return err
	}
	f.number = t.Number
	return nil
}

func (a *admin) deliveryPage(v *visit, f *deliveryFacts) adminDeliveryPage {
	d := f.d
	p := adminDeliveryPage{Address: address("deliveries", d.ID), What: subjectWord(v.lang, d.Subject), Form: f.form, Target: f.target.Name,
		Kind: a.kindTitle(f.target.Kind), Paused: !f.target.Paused.IsZero(), Number: d.Number, URL: webAddress(d.URL),
		Created: a.moment(v.lang, d.Created), UID: d.UID}
	if f.number != "" {
		p.What = f.number
	}
	p.adminFrame = a.frame(v, "/admin/deliveries", p.What+" → "+p.Target)
	p.State, p.Tone = stateWord(v.lang, d.State)
	if f.ticket != 0 && v.may(staff.SeeTickets) {
		p.Ticket = address("tickets", f.ticket)
	}
	if d.State == styk.Due || d.State == styk.NeedsHand {
		p.Cause = d.Cause
	}
	later := d.Due.After(a.Now())
	if d.State == styk.Due && d.Attempts > 0 && later {
		p.Next = a.moment(v.lang, d.Due)
	}
	p.Retry = v.may(staff.SendAgain) && (d.State == styk.NeedsHand || d.State == styk.Due && later)
	p.Edit = p.Retry && f.post != nil
	p.Edited = editedLines(f)
	p.Advice = p.advice(d.State, later)
	p.Steps = a.stepPanel(v.lang, d, f.steps)
	for i, attempt := range f.attempts {
		p.Attempts = append(p.Attempts, a.attemptPanel(v.lang, attempt, i == 0))
	}
	return p
}

func (p *adminDeliveryPage) advice(s styk.DeliveryState, later bool) string {
	switch {
	case s == styk.NeedsHand:
		return p.T("Сама она больше не повторится. Устраните причину и отправьте снова: сделанные шаги не повторятся, двойной записи не будет.",
			"It will not repeat by itself. Mend the cause and send it again: steps that are done are not repeated, nothing is doubled.")
	case p.Paused && s == styk.Due:
		return p.T("Цель стоит на паузе. Доставка уйдёт, когда её снимут.", "The target is paused. The delivery goes when it runs again.")
	case s == styk.Due && !later:
		return p.T("Стоит в очереди и уйдёт, как только очередь дойдёт.", "It is in the queue and goes as soon as its turn comes.")
	case s == styk.Due && p.Cause != "":
		return p.T("Повторится сама. Ждать не обязательно.", "It repeats by itself. There is no need to wait for that.")
	}
	return ""
}

// stepPanel lists how far a delivery came, in the order of its steps.
func (a *admin) stepPanel(lang string, d *styk.Delivery, steps []styk.Step) (list []adminStep) {
	for _, s := range steps {
		step := adminStep{Text: stepWord(lang, s.Name), Name: s.Name, Done: s.Done, Number: s.Number, When: a.moment(lang, s.Started)}
		if s.Done && s.Ended.After(s.Started) {
			step.Took = took(lang, s.Ended.Sub(s.Started))
		}
		if step.Number == "" && utf8.RuneCountInString(s.Foreign) <= 20 && s.Foreign != "0" {
			step.Number = s.Foreign
		}
		list = append(list, step)
	}
	return list
}

func (a *admin) attemptPanel(lang string, t *styk.Attempt, open bool) adminAttempt {
	p := adminAttempt{Number: t.Number, When: a.moment(lang, t.Started), Took: took(lang, t.Ended.Sub(t.Started)), Cause: t.Cause,
		Err: t.Err, Warnings: t.Warnings, Open: open}
	p.Outcome, p.Tone = outcomeWord(lang, t.Outcome)
	for i := range t.Exchanges {
		e := exchangePanel(lang, &t.Exchanges[i])
		e.Curl, e.CurlID = curl(&t.Exchanges[i]), "curl-"+strconv.Itoa(t.Number)+"-"+strconv.Itoa(i)
		p.Exchanges = append(p.Exchanges, e)
	}
	return p
}

func exchangePanel(lang string, e *styk.Exchange) adminExchange {
	p := adminExchange{Step: stepWord(lang, e.Step), Method: e.Method, Err: e.Err, DryRun: e.DryRun, Took: took(lang, e.Total), Reused: e.Reused}
	scheme, rest, found := strings.Cut(e.URL, "://")
	if !found {
		scheme, rest = "", e.URL
	} else {
		scheme += "://"
	}
	host, path, _ := strings.Cut(rest, "/")
	path, query, _ := strings.Cut(path, "?")
	p.Host, p.Path, p.Address = scheme+host, "/"+path, e.URL
	p.Query = queryLines(query)
	p.Status, p.Tone = answerWord(lang, e)
	p.Parts = timeParts(lang, e)
	p.Request = bytesPanel(lang, e.RequestHeader, e.RequestBody, e.RequestSize)
	p.Answer = bytesPanel(lang, e.AnswerHeader, e.AnswerBody, e.AnswerSize)
	return p
}

// queryLines takes a query apart for people, in its order.
func queryLines(query string) (list []adminLine) {
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if name == "" {
			continue
		}
		list = append(list, adminLine{unescaped(name), unescaped(value)})
	}
	return list
}

// unescaped gives a part of a query as it reads, or as it is when it is broken.
func unescaped(s string) string {
	if text, err := url.QueryUnescape(s); err == nil {
		return text
	}
	return s
}

func answerWord(lang string, e *styk.Exchange) (word, tone string) {
	switch {
	case e.DryRun:
		return choose(lang, "не отправлен", "not sent"), "wait"
	case e.Status == 0:
		return choose(lang, "нет ответа", "no answer"), "bad"
	case e.Status >= 400:
		tone = "bad"
	case e.Status >= 300:
		tone = "wait"
	default:
		tone = "good"
	}
	return strings.TrimSpace(strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)), tone
}

// timeParts cuts an exchange's time into what it was spent on.
func timeParts(lang string, e *styk.Exchange) (list []adminPart) {
	if e.Total <= 0 {
		return nil
	}
	at := time.Duration(0)
	add := func(ru, en, tone string, d time.Duration) {
		if d <= 0 {
			return
		}
		from := int(at * 1000 / e.Total)
		at = min(at+d, e.Total)
		wide := max(int(at*1000/e.Total)-from, 4)
		list = append(list, adminPart{choose(lang, ru, en), took(lang, d), tone, min(from, 996), wide})
	}
	add("поиск имени", "name look-up", "a", e.DNS)
	add("соединение", "connecting", "b", e.Connect)
	add("TLS", "TLS", "c", e.TLS)
	before := e.DNS + e.Connect + e.TLS
	wait := e.Wait
	if wait > before { // counted from the beginning
		wait -= before
	}
	add("ожидание ответа", "waiting", "d", wait)
	add("чтение", "reading", "e", e.Total-at)
	return list
}

// almostAll is a little less than what is kept of a body, in bytes: a longer one
// was cut there.
const almostAll = 64<<10 - 16

func bytesPanel(lang string, headers map[string][]string, body string, size int64) adminBytes {
	p := adminBytes{Size: bytesWord(lang, size), Body: pretty(body), Cut: strings.HasSuffix(body, "…") || len(body) > almostAll}
	var names []string
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range headers[name] {
			p.Headers = append(p.Headers, adminLine{name, value})
		}
	}
	return p
}

// pretty sets out JSON on lines; all else, and JSON that was cut, stays.
func pretty(body string) string {
	trimmed := strings.TrimSpace(body)
	if trimmed == "" || trimmed[0] != '{' && trimmed[0] != '[' {
		return body
	}
	var b bytes.Buffer
	if json.Indent(&b, []byte(trimmed), "", "  ") != nil {
		return body
	}
	return b.String()
}

func (a *admin) retry(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	if err := a.Courier.Retry(v.r.Context(), id); err != nil {
		return err
	}
	if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionRetry, id, 1); err != nil {
		return err
	}
	return v.redirect(address("deliveries", id), "retried")
}
