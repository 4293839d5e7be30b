package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"styk"
)

// refusal is the answer to a post that was not accepted, alike for programs
// and pages (contract, part 3).
type refusal struct {
	Errors []refusedField `json:"errors"`

	status int
	after  time.Duration // when to come again; 0: not said
}

type refusedField struct {
	Field   string `json:"field"` // "" where it is not about one
	Message string `json:"message"`
}

// tooOften is the refusal of a sender who must wait.
type tooOften struct{ wait time.Duration }

// Error implements error.
func (e *tooOften) Error() string { return "too many posts: wait " + e.wait.String() }

// faultsOf gives the faults inside err.
func faultsOf(err error) []styk.Fault {
	var e *styk.Error
	if errors.As(err, &e) {
		return e.Faults
	}
	return nil
}

// answerOf is the one way from an error to what the visitor is told.
func answerOf(words speech, form *styk.Form, err error) *refusal {
	one := func(status int, text string) *refusal {
		return &refusal{Errors: []refusedField{{"", text}}, status: status}
	}
	var large *http.MaxBytesError
	var often *tooOften
	var broken *failure
	switch {
	case errors.As(err, &large):
		return one(http.StatusRequestEntityTooLarge, words.With("body_large", "limit", sizeOf(words, large.Limit)))
	case errors.As(err, &often):
		seconds := int((often.wait + time.Second - 1) / time.Second)
		a := one(http.StatusTooManyRequests, words.With("busy", "n", strconv.Itoa(seconds)))
		a.after = often.wait
		return a
	case errors.Is(err, errManyFields):
		return one(http.StatusRequestEntityTooLarge, words.T("fields_many"))
	case errors.Is(err, errManyFiles):
		return one(http.StatusRequestEntityTooLarge, words.T("files_many"))
	case errors.Is(err, errType):
		return one(http.StatusUnsupportedMediaType, words.T("type"))
	case errors.Is(err, errBroken):
		return one(http.StatusBadRequest, words.T("broken"))
	case errors.As(err, &broken):
		return one(http.StatusInternalServerError, words.With("internal", "id", broken.id))
	}
	return ofCode(words, form, err, one)
}

func ofCode(words speech, form *styk.Form, err error, one func(int, string) *refusal) *refusal {
	switch styk.CodeOf(err) {
	case styk.NotFound:
		return one(http.StatusNotFound, words.T("no_form"))
	case styk.Full:
		return one(http.StatusInsufficientStorage, words.T("full"))
	case styk.Conflict:
		return one(http.StatusUnprocessableEntity, words.T("key_used"))
	case styk.TooMany:
		return one(http.StatusTooManyRequests, words.With("busy", "n", "60"))
	}
	a := &refusal{status: http.StatusUnprocessableEntity}
	for _, f := range faultsOf(err) {
		var field *styk.FormField
		if form != nil {
			field = form.Field(f.Field)
		}
		if f.Rule == "max_bytes" {
			a.status = http.StatusRequestEntityTooLarge
		}
		a.Errors = append(a.Errors, refusedField{f.Field, words.fault(field, f)})
	}
	if a.Errors == nil {
		return one(a.status, words.T("failed"))
	}
	return a
}

// failure is an internal error by the number that the visitor may quote.
type failure struct {
	id    string
	cause error
}

// Error implements error.
func (f *failure) Error() string { return f.id + ": " + f.cause.Error() }

// Unwrap gives the cause.
func (f *failure) Unwrap() error { return f.cause }

// ours marks what the visitor did not cause: it is logged whole, once.
func (s *forms) ours(op string, err error) error {
	var large *http.MaxBytesError
	var often *tooOften
	if err == nil || styk.CodeOf(err) != "" || errors.As(err, &large) || errors.As(err, &often) ||
		errors.Is(err, errBroken) || errors.Is(err, errType) || errors.Is(err, errManyFields) || errors.Is(err, errManyFiles) {
		return err
	}
	f := &failure{id: uuid.NewString()[:8], cause: err}
	s.log().Error("form", slog.String("op", op), slog.String("failure", f.id), slog.Any("err", err))
	return f
}

// wantsJSON says whether a program asks, not a browser that shows pages.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	if strings.Contains(accept, "application/json") {
		return !strings.Contains(accept, "text/html")
	}
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") && !strings.Contains(accept, "text/html")
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "the answer could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

// refuse answers a request that cannot be answered with a form to mend: JSON,
// or a page of one sentence.
func (s *forms) refuse(w http.ResponseWriter, r *http.Request, form *styk.Form, v view, err error) {
	words := speak(form, v.lang)
	a := answerOf(words, form, s.ours("show", err))
	s.headers(w, r, form, v)
	a.wait(w)
	if wantsJSON(r) || v.embed == "part" {
		writeJSON(w, a.status, a)
		return
	}
	s.sayPage(w, a.status, sayPage{speech: words, Title: a.Errors[0].Message, Embed: v.embed, Theme: v.theme})
}

func (a *refusal) wait(w http.ResponseWriter) {
	if a.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((a.after+time.Second-1)/time.Second)))
	}
}

// sayPage is a page of a sentence or two.
type sayPage struct {
	speech
	Title, Text, Note string
	Embed, Theme      string
}

func (s *forms) sayPage(w http.ResponseWriter, status int, p sayPage) {
	renderStatus(w, status, "say_page.html", p)
}

// headers close what browsers leave open, and open what the embedding needs.
func (s *forms) headers(w http.ResponseWriter, r *http.Request, form *styk.Form, v view) {
	h := w.Header()
	ancestors := "'none'"
	if v.embed == "1" {
		ancestors = "*"
		if form != nil && len(form.Origins) > 0 {
			ancestors = "'self' " + strings.Join(originsOf(form), " ")
		}
	}
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "+
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "+ancestors)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Robots-Tag", "noindex")
	s.allowOrigin(w, r, form)
}

// originsOf gives the origins of a form that may stand in a header.
func originsOf(form *styk.Form) (list []string) {
	for _, origin := range form.Origins {
		if !strings.ContainsAny(origin, " ;,'\"\r\n") {
			list = append(list, strings.TrimSuffix(origin, "/"))
		}
	}
	return list
}

// allowOrigin lets scripts of other sites read the answer. No cookies are ever
// looked at here, so nothing is given away that a bare request would not get.
func (s *forms) allowOrigin(w http.ResponseWriter, r *http.Request, form *styk.Form) {
	origin := r.Header.Get("Origin")
	h := w.Header()
	h.Add("Vary", "Origin")
	h.Add("Vary", "Accept")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if origin == "" || form != nil && !s.welcome(form, r, origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Retry-After")
}

// preflight answers OPTIONS.
func (s *forms) preflight(w http.ResponseWriter, r *http.Request) {
	form, err := s.form(r)
	if err == nil {
		s.allowOrigin(w, r, form)
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
		w.Header().Set("Access-Control-Allow-Headers", "Accept, Content-Type, Idempotency-Key")
		w.Header().Set("Access-Control-Max-Age", "3600")
	}
	w.WriteHeader(http.StatusNoContent)
}
