package web

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"styk"
)

// forms serves the public forms: page, script, intake, status.
type forms struct {
	Options
	posts   *throttle
	uploads *throttle
	mail    atomic.Bool // letters are sent, as of the last look

	sightings sightings
}

// The rates of one address (an IPv4 /24, an IPv6 /56): an office behind one
// address posts freely, a program that does nothing else is slowed down.
var (
	defaultPosts   = Rate{Burst: 60, Every: 10 * time.Second}
	defaultUploads = Rate{Burst: 120, Every: 5 * time.Second}
)

func newForms(o Options) *forms {
	if o.Posts == (Rate{}) {
		o.Posts = defaultPosts
	}
	if o.Uploads == (Rate{}) {
		o.Uploads = defaultUploads
	}
	if o.Remote == nil {
		o.Remote = peer
	}
	s := &forms{Options: o}
	s.posts, s.uploads = newThrottle(o.Posts, s.now), newThrottle(o.Uploads, s.now)
	return s
}

// routes are all of the public form. They stand outside the protection against
// cross-site posts: a form on another site is what they are for, and no cookie
// gives anybody rights here.
func (s *forms) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /styk.js", s.script)
	mux.HandleFunc("GET /f/{form}", s.showForm)
	mux.HandleFunc("POST /f/{form}", s.postForm)
	mux.HandleFunc("OPTIONS /f/{form}", s.preflight)
	mux.HandleFunc("POST /f/{form}/files", s.postFile)
	mux.HandleFunc("OPTIONS /f/{form}/files", s.preflight)
	mux.HandleFunc("GET /f/{form}/status/{secret}", s.showStatus)
	mux.HandleFunc("OPTIONS /f/{form}/status/{secret}", s.preflight)
	mux.HandleFunc("GET /f/{form}/status/{secret}/withdraw", s.showWithdraw)
	mux.HandleFunc("POST /f/{form}/status/{secret}/withdraw", s.withdraw)
	mux.HandleFunc("GET /f/{form}/theme.css", s.showTheme)
	mux.HandleFunc("GET /f/{form}/logo", s.showLogo)
	mux.HandleFunc("GET /f/{form}/embed", s.showEmbed)
	mux.HandleFunc("GET /f/{form}/consent/{field}", s.showConsent)
}

// peer is the address at the other end of the connection.
func peer(r *http.Request) netip.Addr {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap()
}

// script serves styk.js. Sites hold it by a fixed address, so it is asked for
// again after a short while; mostly the answer is "not modified".
func (s *forms) script(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", tags["static/styk.js"])
	http.ServeFileFS(w, r, files, "static/styk.js")
}

func (s *forms) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

func (s *forms) maxFile() int64 {
	if s.Intake.MaxFile > 0 {
		return s.Intake.MaxFile
	}
	return 50 << 20
}

// limits leave room for several files, each within its own bound.
func (s *forms) limits() limits {
	return limits{Body: max(64<<20, 2*s.maxFile()+8<<20), Text: 4 << 20, Fields: 500, Files: 20}
}

func newKey() string { return uuid.NewString() }

func sizeOf(words speech, n int64) string { return (&forms{}).sizeText(words, n) }

// renderStatus is render with a status of its own.
func renderStatus(w http.ResponseWriter, status int, name string, page any) {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, page); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w)
}

// showConsent answers GET /f/{form}/consent/{field}: the whole text that is
// agreed to, apart from everything else, with the version that is recorded.
func (s *forms) showConsent(w http.ResponseWriter, r *http.Request) {
	v := viewOf(r.URL.Query())
	form, err := s.form(r)
	var field *styk.FormField
	if err == nil {
		if field = form.Field(r.PathValue("field")); field == nil || field.Type != styk.FieldConsent || field.Text == "" {
			err = styk.Failed(styk.NotFound, "no such consent")
		}
	}
	if err != nil {
		s.refuse(w, r, nil, v, err)
		return
	}
	s.headers(w, r, form, v)
	one := styk.Form{Fields: []styk.FormField{*field}}
	read, err := one.Read(map[string]string{field.Name: string(styk.Yes)}, nil)
	if err != nil || len(read.Consents) == 0 {
		s.refuse(w, r, form, v, styk.Failed(styk.NotFound, "no such consent"))
		return
	}
	words := speak(form, v.lang)
	s.sayPage(w, http.StatusOK, sayPage{
		speech: words, Title: words.T("consent"), Text: read.Consents[0].Text,
		Note: words.T("version") + ": " + read.Consents[0].Version, Embed: v.embed, Theme: v.theme,
	})
}
