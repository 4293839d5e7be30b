package passteam

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

type simCard struct {
	id, template       string
	values             map[string]string
	installed, deleted bool
	created, updated   time.Time
	pushes             []string
}

func (s *Sim) newCard(template string, values map[string]string) *simCard {
	random := make([]byte, 12)
	_, _ = rand.Read(random)
	return &simCard{id: hex.EncodeToString(random), template: template, values: values, created: s.now(), updated: s.now()}
}

// simForm is a request's parameters as PHP would have them, but from a body
// that is escaped without fault.
type simForm struct {
	fields map[string]string
	values map[string]string // without per cent signs
	ids    []string
}

func readSimForm(r *http.Request) (*simForm, error) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	p := &simForm{fields: map[string]string{}, values: map[string]string{}}
	if len(body) == 0 { // gettemplates comes so (1.9)
		return p, nil
	}
	if kind != "application/x-www-form-urlencoded" {
		return nil, fmt.Errorf("Content-Type %q", kind)
	}
	if i := strings.IndexFunc(string(body), func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`[]"<>`, r) }); i >= 0 {
		return nil, fmt.Errorf("the body has an unescaped %q", body[i])
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	for key, all := range form {
		name, isValue := strings.CutPrefix(key, "values[%")
		name, closed := strings.CutSuffix(name, "%]")
		switch {
		case key == "cardIds[]":
			p.ids = all
		case len(all) > 1:
			return nil, fmt.Errorf("%s comes twice", key)
		case isValue && closed && name != "":
			p.values[name] = all[0]
		case strings.Contains(key, "["):
			return nil, fmt.Errorf("no parameter is called %s", key)
		default:
			p.fields[key] = all[0]
		}
	}
	return p, nil
}

// unknown gives a parameter that is not in names, or "".
func (p *simForm) unknown(names []string) string {
	for name := range p.fields {
		if !slices.Contains(names, name) {
			return name
		}
	}
	if len(p.values) > 0 && !slices.Contains(names, "values") {
		return "values"
	}
	if len(p.ids) > 0 && !slices.Contains(names, "cardIds") {
		return "cardIds"
	}
	return ""
}

// simRefusal is a refusal; an offence is one that a careful caller never earns.
type simRefusal struct {
	code    int
	text    string
	offence bool
}

type simMethod struct {
	params []string
	second bool // its name is the second of two, both undocumented
	lone   bool // it has one name
	do     func(*Sim, *simForm) (any, *simRefusal)
}

// simMethods have a table of their own, which a slip in the registry of the
// server cannot hide in.
var simMethods = map[string]*simMethod{
	"getatoken":              {params: []string{"nickname", "password"}, lone: true, do: (*Sim).callToken},
	"gettemplateids":         {do: (*Sim).callTemplateIDs},
	"gettemplatesids":        {do: (*Sim).callTemplateIDs, second: true},
	"gettemplates":           {params: []string{"passTypeId"}, lone: true, do: (*Sim).callTemplates},
	"gettemplate":            {params: []string{"templateId"}, do: (*Sim).callTemplate},
	"gettemplateinfo":        {params: []string{"templateId"}, do: (*Sim).callTemplate, second: true},
	"createcard":             {params: []string{"templateId", "values"}, lone: true, do: (*Sim).callCreate},
	"updatecard":             {params: []string{"cardId", "values"}, lone: true, do: (*Sim).callUpdate},
	"getcard":                {params: []string{"cardId"}, do: (*Sim).callCard},
	"getclient":              {params: []string{"cardId"}, do: (*Sim).callCard, second: true},
	"getcards":               {params: []string{"templateId"}, lone: true, do: (*Sim).callCards},
	"getcardswithpagination": {params: []string{"templateId", "page", "limit"}, lone: true, do: (*Sim).callPage},
	"checkunique":            {params: []string{"templateId", "values"}, do: (*Sim).callUnique},
	"checkvariables":         {params: []string{"templateId", "values"}, do: (*Sim).callUnique, second: true},
	"distribute":             {params: []string{"cardId", "channel", "to"}, do: (*Sim).callShare},
	"sendcard":               {params: []string{"cardId", "channel", "to"}, do: (*Sim).callShare, second: true},
	"deletecard":             {params: []string{"cardId", "cardIds"}, do: (*Sim).callDelete},
	"deletecards":            {params: []string{"cardId", "cardIds"}, do: (*Sim).callDelete, second: true},
	"sendpush":               {params: []string{"message", "templateId", "cardIds"}, lone: true, do: (*Sim).callPush},
}

// knowsName plays that nobody knows which of two names a method has.
func (s *Sim) knowsName(method string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := simMethods[method]
	return m.lone || m.second || s.faults["names"] == nil
}

func refusal(code int, format string, args ...any) *simRefusal {
	return &simRefusal{code: code, text: fmt.Sprintf(format, args...)}
}

func offence(format string, args ...any) *simRefusal {
	return &simRefusal{400, fmt.Sprintf(format, args...), true}
}

func (s *Sim) template(id string) *SimTemplate {
	i := slices.IndexFunc(s.templates, func(t SimTemplate) bool { return t.ID == id })
	if i < 0 {
		return nil
	}
	return &s.templates[i]
}

// card gives a living card. It needs s.mu, as all below.
func (s *Sim) card(id string) *simCard {
	i := slices.IndexFunc(s.cards, func(c *simCard) bool { return c.id == id && !c.deleted })
	if i < 0 {
		return nil
	}
	return s.cards[i]
}

func (s *Sim) living(template string) []*simCard {
	var all []*simCard
	for _, c := range s.cards {
		if c.template == template && !c.deleted {
			all = append(all, c)
		}
	}
	return all
}

func (s *Sim) callToken(p *simForm) (any, *simRefusal) {
	if p.fields["nickname"] != s.nickname || p.fields["password"] != s.password {
		return nil, refusal(401, "wrong nickname or password")
	}
	return map[string]any{"token": s.token, "accessToken": s.token, "expires": nil}, nil
}

func (s *Sim) callTemplateIDs(*simForm) (any, *simRefusal) {
	all := []any{}
	for _, t := range s.templates {
		all = append(all, map[string]any{"templateId": t.ID, "name": t.Name})
	}
	return map[string]any{"templates": all}, nil
}

func (s *Sim) callTemplates(*simForm) (any, *simRefusal) {
	all := []any{}
	for _, t := range s.templates {
		all = append(all, s.showTemplate(&t))
	}
	return all, nil
}

func (s *Sim) callTemplate(p *simForm) (any, *simRefusal) {
	t := s.template(p.fields["templateId"])
	if t == nil {
		return nil, refusal(404, "no such template")
	}
	return s.showTemplate(t), nil
}

func (s *Sim) showTemplate(t *SimTemplate) any {
	variables := []any{}
	for _, v := range t.Variables {
		variables = append(variables, map[string]any{"name": "%" + v.Name + "%", "type": v.Type, "unique": v.Unique, "required": v.Unique})
	}
	if s.faults["shape"] != nil {
		return map[string]any{"template": map[string]any{"_id": t.ID, "title": t.Name, "fields": variables}}
	}
	return map[string]any{
		"templateId": t.ID, "name": t.Name, "passTypeId": "pass.ru.passteam.sim", "style": "storeCard", "variables": variables, "cardsCount": len(s.living(t.ID)),
	}
}

// store checks values against the template (1.3) and gives what a card then
// holds.
func (s *Sim) store(t *SimTemplate, old *simCard, sent map[string]string) (map[string]string, *simRefusal) {
	values := map[string]string{}
	for name, text := range sent {
		if !slices.ContainsFunc(t.Variables, func(v SimVariable) bool { return v.Name == name }) {
			return nil, offence("template %s has no variable %s", t.ID, name)
		}
		values[name] = text
	}
	for _, v := range t.Variables {
		text, given := values[v.Name]
		if !given && old != nil {
			values[v.Name] = old.values[v.Name]
			continue
		}
		if !v.Unique {
			continue
		}
		key := simKey(v, text)
		if key == "" {
			return nil, refusal(500, "Provided field (%%%s%%) is unique and must be set.", v.Name)
		}
		if slices.ContainsFunc(s.living(t.ID), func(c *simCard) bool { return c != old && simKey(v, c.values[v.Name]) == key }) {
			return nil, refusal(409, "field %s is already in use", v.Name)
		}
	}
	return values, nil
}

// simKey is what unique values are compared by (1.7).
func simKey(v SimVariable, text string) string {
	if v.Type != "phone" {
		return strings.ToLower(strings.TrimSpace(text))
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	if len(digits) == 11 && digits[0] == '8' {
		return "7" + digits[1:]
	}
	return digits
}

func (s *Sim) callCreate(p *simForm) (any, *simRefusal) {
	t := s.template(p.fields["templateId"])
	if t == nil {
		return nil, refusal(404, "no such template")
	}
	values, why := s.store(t, nil, p.values)
	if why != nil {
		return nil, why
	}
	c := s.newCard(t.ID, values)
	s.cards = append(s.cards, c)
	return map[string]any{"cardId": c.id, "cardUrl": c.url()}, nil
}

func (c *simCard) url() string { return "https://getpass.passteam.example/c/" + c.id }

func (s *Sim) callUpdate(p *simForm) (any, *simRefusal) {
	c := s.card(p.fields["cardId"])
	if c == nil {
		return nil, refusal(404, "no such card")
	}
	values, why := s.store(s.template(c.template), c, p.values)
	if why != nil {
		return nil, why
	}
	c.values, c.updated = values, s.now()
	return map[string]any{"card": map[string]any{"cardId": c.id, "installed": c.installed}}, nil
}

func (s *Sim) showCard(c *simCard) map[string]any {
	values, pairs := map[string]any{}, []any{}
	for name, text := range c.values {
		values["%"+name+"%"] = text
		pairs = append(pairs, map[string]any{"label": "%" + name + "%", "value": text})
	}
	if s.faults["shape"] != nil {
		return map[string]any{"_id": c.id, "code": c.id, "template_id": c.template, "link": c.url(), "is_installed": 0, "fields": pairs}
	}
	return map[string]any{
		"cardId": c.id, "cardCode": c.id, "templateId": c.template, "cardUrl": c.url(), "installed": c.installed,
		"createdAt": c.created.UTC().Format(time.RFC3339), "updatedAt": c.updated.UTC().Format(time.RFC3339), "values": values,
	}
}

func (s *Sim) callCard(p *simForm) (any, *simRefusal) {
	c := s.card(p.fields["cardId"])
	if c == nil {
		return nil, refusal(404, "no such card")
	}
	return map[string]any{"card": s.showCard(c)}, nil
}

func (s *Sim) callCards(p *simForm) (any, *simRefusal) {
	all := []any{}
	for _, c := range s.living(p.fields["templateId"]) {
		all = append(all, s.showCard(c))
	}
	return map[string]any{"cards": all}, nil
}

func (s *Sim) callPage(p *simForm) (any, *simRefusal) {
	t := s.template(p.fields["templateId"])
	if t == nil {
		return nil, refusal(404, "no such template")
	}
	page, err := strconv.Atoi(p.fields["page"])
	if err != nil || page < 1 {
		return nil, offence("page %q: pages begin at 1", p.fields["page"])
	}
	limit, mode := PageSize, ""
	if f := s.use("pages", ""); f != nil {
		mode = f.Value
	}
	if mode == "too-long" {
		limit = 60
	}
	if mode == "same" {
		page = 1
	}
	all := s.living(t.ID)
	pages := (len(all) + limit - 1) / limit
	cards := []any{}
	for _, c := range all[min((page-1)*limit, len(all)):min(page*limit, len(all))] {
		cards = append(cards, s.showCard(c))
	}
	if mode == "shift" && len(all) > 0 {
		all[0].deleted = true
	}
	result := map[string]any{"cards": cards, "pages": pages, "total": len(all), "prevPage": nil, "nextPage": nil}
	if page > 1 {
		result["prevPage"] = page - 1
	}
	if page < pages || mode == "same" {
		result["nextPage"] = page + 1
	}
	switch {
	case mode == "uncounted":
		return cards, nil
	case s.faults["shape"] != nil:
		return map[string]any{"clients": cards, "meta": map[string]any{"pages_count": pages, "clients_count": len(all)}}, nil
	}
	return result, nil
}

func (s *Sim) callUnique(p *simForm) (any, *simRefusal) {
	t := s.template(p.fields["templateId"])
	if t == nil {
		return nil, refusal(404, "no such template")
	}
	conflicts := []any{}
	for _, v := range t.Variables {
		text, given := p.values[v.Name]
		for _, c := range s.living(t.ID) {
			if given && v.Unique && simKey(v, text) == simKey(v, c.values[v.Name]) {
				conflicts = append(conflicts, map[string]any{"name": "%" + v.Name + "%", "cardId": c.id})
			}
		}
	}
	return map[string]any{"unique": len(conflicts) == 0, "conflicts": conflicts}, nil
}

func (s *Sim) callShare(p *simForm) (any, *simRefusal) {
	if s.card(p.fields["cardId"]) == nil {
		return nil, refusal(404, "no such card")
	}
	if p.fields["to"] == "" || p.fields["channel"] != "sms" && p.fields["channel"] != "email" {
		return nil, offence("channel must be sms or email, and to set")
	}
	return map[string]any{"queued": true}, nil
}

func (s *Sim) callDelete(p *simForm) (any, *simRefusal) {
	deleted, missing := []string{}, []string{}
	for _, id := range append(slices.Clone(p.ids), p.fields["cardId"]) {
		if c := s.card(id); c != nil {
			c.deleted = true
			deleted = append(deleted, id)
		} else if id != "" {
			missing = append(missing, id)
		}
	}
	return map[string]any{"deleted": deleted, "notFound": missing}, nil
}

func (s *Sim) callPush(p *simForm) (any, *simRefusal) {
	if p.fields["message"] == "" {
		return nil, offence("no message")
	}
	queued := 0
	for _, c := range s.living(p.fields["templateId"]) {
		c.pushes = append(c.pushes, p.fields["message"])
		queued++
	}
	for _, id := range p.ids {
		if c := s.card(id); c != nil {
			c.pushes = append(c.pushes, p.fields["message"])
			queued++
		}
	}
	return map[string]any{"queued": queued}, nil
}
