package vtiger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"

	"styk"
	"styk/intake"
	"styk/store"
)

// capture is one post of a public web form (spec/vtiger.md 5). It needs no
// session and may only create (contract 10).
type capture struct {
	context.Context
	s       *Server
	request *http.Request
	params  *Params // query and body, the body winning
	form    *styk.Webform
	files   uploads
}

func (s *Server) serveCapture(w http.ResponseWriter, r *http.Request) {
	c := &capture{Context: r.Context(), s: s, request: r, params: &Params{}}
	defer c.files.close()
	id, err := c.run()
	if s.Observe != nil {
		code := ""
		if err != nil {
			code = "failed"
		}
		s.Observe(r, Observed{Operation: "capture", Code: code})
	}
	if c.form != nil && c.form.ReturnURL != "" {
		c.redirect(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	body := c.answer(id, err)
	if name := c.callback(); name != "" {
		body = []byte(name + "(" + string(body) + ")")
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// answer adds to stock's words the code of an error, and on success the number
// of the contact.
func (c *capture) answer(id styk.ID, err error) []byte {
	if err != nil {
		message, code, extra := c.explain(err)
		return appendFailure(nil, code, message, extra)
	}
	return Object{{"success", Bool(true)}, {"result", Text("ok")}, {"id", Text(strconv.FormatInt(int64(id), 10))}}.appendJSON(nil)
}

func (c *capture) explain(err error) (message, code string, extra Object) {
	var wire *wireError
	if errors.As(err, &wire) {
		return wire.text, wire.code, nil
	}
	var ours *styk.Error
	if errors.As(err, &ours) {
		code, message, extra = explain(ours)
		if ours.Code == styk.NotFound {
			message = ours.Text
		}
		return message, code, extra
	}
	shadow := &call{Context: c, s: c.s, op: operation{name: "capture"}}
	_, code = shadow.failure(err)
	return MsgInternal, code, nil
}

var callbackName = regexp.MustCompile(`^[A-Za-z_$][\w$.]{0,99}$`)

// callback gives the JSONP function's name, if it is a harmless one.
func (c *capture) callback() string {
	if name := c.params.first("callback"); callbackName.MatchString(name) {
		return name
	}
	return ""
}

// redirect goes to the form's page. Unlike stock it escapes the text and keeps
// a query that the address already has.
func (c *capture) redirect(w http.ResponseWriter, err error) {
	to := c.form.ReturnURL
	if !strings.HasPrefix(to, "http://") && !strings.HasPrefix(to, "https://") {
		to = "http://" + to
	}
	mark := "?"
	if strings.Contains(to, "?") {
		mark = "&"
	}
	if err == nil {
		to += mark + "success=ok"
	} else {
		message, _, _ := c.explain(err)
		to += mark + "error=" + url.QueryEscape(message)
	}
	w.Header().Set("Location", to)
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(http.StatusFound)
}

func (c *capture) run() (id styk.ID, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in capture: %v\n%s", p, debug.Stack())
		}
	}()
	req, err := readRequest(c.request, c.s.Limits, c.files.keep(c, c.s.Intake, c.known))
	if err != nil {
		return 0, err
	}
	c.params = merged(&req.Body, &req.Query)
	if c.form == nil {
		if err := c.findForm(c.params.first("publicid")); err != nil {
			return 0, err
		}
	}
	if err := c.files.settle(c, c.s.Intake); err != nil {
		return 0, err
	}
	post, err := c.post()
	if err != nil {
		return 0, err
	}
	return c.s.Intake.Capture(c, c.form, post)
}

// known says whether the form is already known while parts stream by.
func (c *capture) known(req *Request) bool {
	if c.form != nil {
		return true
	}
	id, err := req.Merged("publicid")
	return err == nil && id != "" && c.findForm(id) == nil
}

func (c *capture) findForm(publicID string) error {
	return c.s.DB.View(c, func(tx *store.Tx) (err error) {
		c.form, err = tx.Webform(publicID)
		return err
	})
}

// post translates what came for the form's fields. With urlencodeenable the
// names are decoded once more (spec/vtiger.md 5).
func (c *capture) post() (intake.Post, error) {
	p := intake.Post{Values: map[string]string{}, Files: c.files.all()}
	if a := c.s.Remote(c.request); a.IsValid() {
		p.Address = a.String()
	}
	params := c.params
	if c.params.first("urlencodeenable") != "" {
		params = decodedNames(params)
	}
	rest, err := readForm(params, c.form, &p.Contact)
	if err != nil {
		return p, err
	}
	p.Code = rest["code"]
	hash := sha256.New()
	for _, name := range c.form.Fields {
		text, _ := params.Text(name)
		_, _ = hash.Write([]byte(name + "\x00" + text + "\x00"))
		if text = repairText(text); text != "" && name != "code" {
			p.Values[name] = cutRunes(text, maxText)
		}
	}
	for _, f := range p.Files {
		_, _ = hash.Write([]byte(f.Part + "\x00" + f.Info.Sum + "\x00"))
	}
	p.Hash = hex.EncodeToString(hash.Sum(nil))
	p.Key = repairText(c.request.Header.Get("Idempotency-Key"))
	if p.Key == "" {
		p.Key = params.first("requestid")
	}
	if len(p.Key) > maxKey {
		return p, styk.FieldError(styk.Invalid, "requestid", "max_length", "longer than 200 bytes")
	}
	return p, nil
}

func decodedNames(p *Params) *Params {
	decoded := &Params{}
	for name, v := range p.All() {
		decoded.set(strings.ReplaceAll(unescapeURL(name), " ", "_"), v)
	}
	return decoded
}

// readForm reads the fields that the form declares; of them stock demands the
// last name of a contact.
func readForm(p *Params, form *styk.Webform, contact *styk.Contact) (map[string]string, error) {
	list := []seedField{{"lastname", "last_name", true}}
	for _, name := range form.Fields {
		for _, f := range contactSeed {
			if f.name == name && name != "lastname" {
				f.required = false
				list = append(list, f)
			}
		}
	}
	return readSeed(p, list, contact)
}
