package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"styk/api"
	"styk/journal"
	"styk/passteam"
	"styk/vtiger"
	"styk/web"
)

// routes joins the faces. The protocols' paths are told apart by hand: a
// ServeMux answers an unclean path by 301 and so turns a POST into a GET.
func (s *server) routes() http.Handler {
	trusted, _ := prefixes(s.TrustedProxy) // checked by check
	readers, _ := prefixes(s.MetricsFrom)
	s.journal = journal.New(s.h.db, s.h.log, trusted.remote)
	s.h.intake.Settle = s.journal.Write
	crm := s.journal.Handler(crmFace, vtiger.NewServer(vtiger.Options{
		DB: s.h.db, Intake: s.h.intake, Log: s.h.log, SessionIdle: s.SessionIdle,
		Remote: trusted.remote, Observe: s.observeCRM,
	}))
	cards := s.journal.Handler(cardsFace, passteam.NewServer(passteam.Options{
		DB: s.h.db, Cards: s.h.cards, Log: s.h.log, Remote: trusted.remote, Observe: s.observeCards,
	}))
	admin := s.adminOptions(trusted)
	programs := s.jsonAPI(trusted, admin.Staff)
	pages := secureHeaders(trusted, web.New(web.Options{
		Base: s.base, Demo: s.demo, Version: version, DB: s.h.db, Intake: s.h.intake, Remote: trusted.remote, Log: s.h.log,
		Success: s.h.letters.success, Cards: s.h.cards, Health: s.health,
		AdminOptions: admin,
	}))
	machines := s.machineRoutes(func(r *http.Request) bool { return readers.contain(trusted.remote(r)) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = newPatient(w, r)
		s.h.log.Debug("request", "op", r.Method, "path", maskedPath(r.URL.Path))
		switch {
		case vtiger.Matches(r.URL.Path):
			crm.ServeHTTP(w, r)
		case passteam.Matches(r.URL.Path):
			cards.ServeHTTP(w, r)
		case api.Matches(r.URL.Path):
			programs.ServeHTTP(w, r)
		case machines[r.URL.Path] != nil:
			machines[r.URL.Path](w, r)
		case strings.HasPrefix(r.URL.Path, linkFolder):
			s.h.serveLink(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

// machineRoutes are for monitors and balancers.
func (s *server) machineRoutes(mayRead func(*http.Request) bool) map[string]http.HandlerFunc {
	scrape := s.metrics.handler()
	return map[string]http.HandlerFunc{
		"/healthz": func(w http.ResponseWriter, _ *http.Request) { sayPlain(w, http.StatusOK, "ok") },
		"/readyz": func(w http.ResponseWriter, r *http.Request) {
			if err := s.checkReady(r.Context()); err != "" {
				sayPlain(w, http.StatusServiceUnavailable, err)
				return
			}
			sayPlain(w, http.StatusOK, "ready")
		},
		"/metrics": func(w http.ResponseWriter, r *http.Request) {
			if !mayRead(r) {
				sayPlain(w, http.StatusForbidden, "not from this address: see --metrics-from")
				return
			}
			scrape.ServeHTTP(w, r)
		},
	}
}

func sayPlain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

// checkReady gives why no work should be sent here, or "".
func (s *server) checkReady(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	switch {
	case s.metrics.draining.Load():
		return "ending"
	case s.h.db.Ping(ctx) != nil:
		return "the database does not answer"
	case s.h.full():
		return "the disk is full"
	}
	return ""
}

// secureHeaders closes on pages what browsers leave open.
func secureHeaders(trusted proxies, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'; object-src 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if trusted.secure(r) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// The pace below which a sender is given up.
const (
	bodyGrace = 30 * time.Second // before the first byte, and for small bodies
	bodyPace  = 4 << 10          // bytes per second after that
)

// patient is a body that may come slowly, but not endlessly so.
type patient struct {
	io.ReadCloser
	control *http.ResponseController
	start   time.Time
	read    int64
	next    int64 // bytes read at which the deadline moves
}

func newPatient(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	if r.Body == nil || r.Body == http.NoBody {
		return r.Body
	}
	p := &patient{ReadCloser: r.Body, control: http.NewResponseController(w), start: time.Now()}
	p.extend()
	return p
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	switch p.read += int64(n); {
	case err != nil: // the end: the answer may take as long as it takes
		_ = p.control.SetReadDeadline(time.Time{})
	case p.read >= p.next:
		p.extend()
	}
	return n, err
}

func (p *patient) extend() {
	p.next = p.read + 10*bodyPace
	_ = p.control.SetReadDeadline(p.start.Add(bodyGrace + time.Duration(p.read/bodyPace)*time.Second))
}

// maskedPath is a path as logs may have it: secrets stand in some.
func maskedPath(path string) string {
	first, _, more := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if more {
		return "/" + first + "/…"
	}
	return "/" + first
}
