// Package web holds the pages that people see. One file per page with its
// handler and its struct, one template of the same name. It speaks HTTP and
// HTML, decides nothing and holds no SQL; nothing is fetched from a foreign
// host. Where it is laid down: docs/architecture.md, "Jobs, UI, config".
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"styk/intake"
	"styk/store"
	"styk/wallet"
)

// Options assemble the pages.
type Options struct {
	Base    func() string // address that people are given, without a slash at its end
	Version string
	Demo    bool // sample data: the pages say so and show the published key

	// The public forms. Without Intake there are none.
	DB     *store.DB
	Intake *intake.Intake
	// Cards are the loyalty cards: their pages and Apple's calls. Without them
	// there are none.
	Cards *wallet.Cards
	// Remote gives the address a request came from; nil: that of the connection.
	Remote func(*http.Request) netip.Addr
	// Posts and Uploads bound what one address may send; zero: see form.go.
	Posts, Uploads Rate
	// Success words the answer to a post by language and clock; nil, or "": the
	// form's own text, else the fixed one.
	Success func(lang string, now time.Time) string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	Log *slog.Logger // nil: nowhere
	// Health gives what the process knows of itself; nil: nothing is shown of it.
	Health func() Health

	AdminOptions
}

//go:embed templates/*.html static
var files embed.FS

var templates = template.Must(template.ParseFS(files, "templates/*.html"))

// New gives all pages. Paths that are no page answer 404.
func New(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", o.index)
	mux.Handle("GET /static/", static())
	all := http.NewServeMux()
	all.Handle("/", http.NewCrossOriginProtection().Handler(mux))
	forms := newForms(o)
	if o.Intake != nil {
		forms.routes(all)
	}
	if o.Staff != nil {
		all.Handle("/admin/", newAdmin(o, forms))
		all.Handle("GET /admin", http.RedirectHandler("/admin/", http.StatusSeeOther))
	}
	if o.Cards == nil {
		return all
	}
	newCardPages(o).routes(all)
	phones := newDeviceService(o)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if parts, ok := devicePath(r.URL); ok { // no ServeMux: it would redirect an unclean path
			phones.serve(w, r, parts)
			return
		}
		all.ServeHTTP(w, r)
	})
}

// static serves the stylesheet and what stands beside it, never a folder.
func static() http.Handler {
	content, _ := fs.Sub(files, "static") // the folder is built in
	server := http.StripPrefix("/static/", http.FileServerFS(content))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=3600")
		if tag := tags["static"+strings.TrimPrefix(r.URL.Path, "/static")]; tag != "" {
			w.Header().Set("ETag", tag)
		}
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin") // the form's style stands on other sites
		server.ServeHTTP(w, r)
	})
}

// tags name the contents of the built-in files: they have no time to go by.
var tags = func() map[string]string {
	all := map[string]string{}
	_ = fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		sum := sha256.Sum256(body)
		all[name] = `"` + hex.EncodeToString(sum[:8]) + `"`
		return err
	})
	return all
}()

// render writes a whole page or, when the template fails, none of it.
func render(w http.ResponseWriter, name string, page any) {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, page); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = body.WriteTo(w)
}

// language is Russian unless the person switched; the choice is remembered.
func language(w http.ResponseWriter, r *http.Request) string {
	chosen := r.URL.Query().Get("lang")
	if chosen == "ru" || chosen == "en" {
		http.SetCookie(w, &http.Cookie{Name: "lang", Value: chosen, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode, HttpOnly: true})
		return chosen
	}
	if c, err := r.Cookie("lang"); err == nil && c.Value == "en" {
		return "en"
	}
	return "ru"
}
