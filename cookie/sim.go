package cookie

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Sim is a small foreign CRM with an auth cookie and a CSRF token, made up to be
// unlike any other: one search takes a query, companies come as a form, clients
// and cases as JSON, files as multipart. It is strict: an unknown path, field or
// parameter is an error. It shares nothing with the connector.
type Sim struct {
	// Dead says how a dead session looks: "401", "302", "page" (a login page
	// with status 200) or "403". Set before use; empty: "401".
	Dead string

	password string
	mux      *http.ServeMux

	mu        sync.Mutex
	sessions  map[string]string // sid -> CSRF token
	logins    int
	companies []simRecord
	clients   []simRecord
	cases     []simRecord
	notes     []simRecord
	files     []SimFile
}

// simRecord is a row; id is its place from 1.
type simRecord map[string]string

// SimFile is an uploaded file.
type SimFile struct {
	Case, Ref, Name string
	Size            int64
	SHA256          string
}

// NewSim makes an empty CRM with one user, "styk".
func NewSim(password string) *Sim {
	s := &Sim{password: password, sessions: map[string]string{}, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /enter", s.door)
	s.mux.HandleFunc("POST /enter", s.enter)
	s.mux.HandleFunc("GET /api/me", s.inside(func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]any{"login": "styk"}) }))
	s.mux.HandleFunc("GET /api/clients", s.inside(s.search(&s.clients, "tel", "mail")))
	s.mux.HandleFunc("POST /api/clients", s.inside(s.addJSON(&s.clients, "id", "fio", "tel", "mail", "company")))
	s.mux.HandleFunc("GET /api/companies", s.inside(s.search(&s.companies, "inn", "title")))
	s.mux.HandleFunc("POST /api/companies", s.inside(s.addForm(&s.companies, "title", "inn")))
	s.mux.HandleFunc("GET /api/cases", s.inside(s.search(&s.cases, "ext")))
	s.mux.HandleFunc("POST /api/cases", s.inside(s.addJSON(&s.cases, "case", "client", "company", "ext", "subject", "text")))
	s.mux.HandleFunc("GET /api/cases/{case}/notes", s.inside(s.search(&s.notes, "ext")))
	s.mux.HandleFunc("POST /api/cases/{case}/notes", s.inside(s.addForm(&s.notes, "ext", "text")))
	s.mux.HandleFunc("GET /api/cases/{case}/files", s.inside(s.searchFiles))
	s.mux.HandleFunc("POST /api/cases/{case}/files", s.inside(s.addFile))
	return s
}

// ServeHTTP implements http.Handler.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the caller may be gone
}

func bad(w http.ResponseWriter, format string, args ...any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": fmt.Sprintf(format, args...)})
}

// door gives the page whose hidden token the login must repeat.
func (s *Sim) door(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, `<form id="enter" method="post"><input type="hidden" name="knock" value="kn/0+ck="></form>`)
}

// enter signs in: 200 also for a wrong password, as many a CRM does.
func (s *Sim) enter(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("knock") != "kn/0+ck=" {
		bad(w, "knock first")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.FormValue("login") != "styk" || r.FormValue("password") != s.password {
		reply(w, map[string]any{"in": false, "why": "wrong login or password"})
		return
	}
	s.logins++
	sid, token := rand.Text(), rand.Text()+"/+="
	s.sessions[sid] = token
	http.SetCookie(w, &http.Cookie{Name: "SID", Value: sid, HttpOnly: true, Path: "/"})
	http.SetCookie(w, &http.Cookie{Name: "CSRF", Value: token, Path: "/"})
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
	reply(w, map[string]any{"in": true})
}

// inside lets pass who has the cookie and repeats the token in the header.
func (s *Sim) inside(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sid, _ := r.Cookie("SID")
		if _, err := r.Cookie("theme"); err == nil {
			bad(w, "a cookie that was not to be kept")
			return
		}
		s.mu.Lock()
		token, ok := "", false
		if sid != nil {
			token, ok = s.sessions[sid.Value]
		}
		s.mu.Unlock()
		switch {
		case !ok:
			s.refuse(w, r)
		case r.Header.Get("X-CSRF") != token:
			http.Error(w, "token missing", http.StatusForbidden)
		default:
			next(w, r)
		}
	}
}

func (s *Sim) refuse(w http.ResponseWriter, r *http.Request) {
	switch s.Dead {
	case "302":
		http.Redirect(w, r, "/enter?back="+r.URL.Path, http.StatusFound)
	case "page":
		s.door(w, r)
	case "403":
		http.Error(w, "no", http.StatusForbidden)
	default:
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// search finds rows where any of the asked-for columns is equal, newest first.
func (s *Sim) search(rows *[]simRecord, columns ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		for name := range query {
			if !slices.Contains(columns, name) {
				bad(w, "no parameter %s", name)
				return
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		items := []simRecord{}
		for _, row := range slices.Backward(*rows) {
			for name := range query {
				want := query.Get(name)
				if want != "" && row[name] == want && row["case"] == r.PathValue("case") {
					items = append(items, row)
					break
				}
			}
		}
		reply(w, map[string]any{"items": items})
	}
}

func (s *Sim) addJSON(rows *[]simRecord, envelope string, columns ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var row simRecord
		if err := json.NewDecoder(r.Body).Decode(&row); err != nil {
			bad(w, "texts expected: %v", err)
			return
		}
		if row = s.insert(w, r, rows, row, columns); row == nil {
			return
		}
		if envelope == "case" {
			w.Header().Set("Location", "/api/cases/"+row["id"])
			reply(w, map[string]any{"case": row})
			return
		}
		reply(w, map[string]any{"id": json.Number(row["id"])})
	}
}

func (s *Sim) addForm(rows *[]simRecord, columns ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || r.ParseForm() != nil {
			bad(w, "a form expected")
			return
		}
		row := simRecord{}
		for name := range r.PostForm {
			row[name] = r.PostForm.Get(name)
		}
		if row = s.insert(w, r, rows, row, columns); row != nil {
			reply(w, map[string]any{"id": json.Number(row["id"])})
		}
	}
}

// insert checks and stores a row; nil says that it was refused.
func (s *Sim) insert(w http.ResponseWriter, r *http.Request, rows *[]simRecord, row simRecord, columns []string) simRecord {
	for name := range row {
		if !slices.Contains(columns, name) {
			bad(w, "no column %s", name)
			return nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, among := range map[string][]simRecord{"client": s.clients, "company": s.companies} {
		if ref := row[name]; ref != "" && !exists(among, ref) {
			bad(w, "no %s %s", name, ref)
			return nil
		}
	}
	if ref := r.PathValue("case"); ref != "" {
		if !exists(s.cases, ref) {
			http.NotFound(w, r)
			return nil
		}
		row["case"] = ref
	}
	row["id"] = strconv.Itoa(len(*rows) + 1)
	if rows == &s.cases {
		if row["subject"] == "" || row["client"] == "" {
			bad(w, "a case needs subject and client")
			return nil
		}
		row["no"] = fmt.Sprintf("C-%05d", len(*rows)+1)
	}
	*rows = append(*rows, row)
	return row
}

func exists(rows []simRecord, id string) bool {
	n, err := strconv.Atoi(id)
	return err == nil && n >= 1 && n <= len(rows)
}

func (s *Sim) searchFiles(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.files {
		if f.Case == r.PathValue("case") && f.Ref == r.URL.Query().Get("ref") {
			reply(w, map[string]any{"file": i + 1})
			return
		}
	}
	http.NotFound(w, r)
}

// addFile answers 200 also for a refusal.
func (s *Sim) addFile(w http.ResponseWriter, r *http.Request) {
	parts, err := r.MultipartReader()
	if err != nil {
		bad(w, "multipart expected")
		return
	}
	f := SimFile{Case: r.PathValue("case"), Size: -1}
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return // cut: nothing is stored
		}
		switch part.FormName() {
		case "ref":
			ref, _ := io.ReadAll(io.LimitReader(part, 200))
			f.Ref = string(ref)
		case "upload":
			sum := sha256.New()
			if f.Size, err = io.Copy(sum, part); err != nil {
				return
			}
			f.Name, f.SHA256 = part.FileName(), hex.EncodeToString(sum.Sum(nil))
		default:
			bad(w, "no part %s", part.FormName())
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.HasSuffix(strings.ToLower(f.Name), ".exe"):
		reply(w, map[string]any{"success": false, "message": "тип файла запрещён"})
	case f.Ref == "" || f.Size < 0 || !exists(s.cases, f.Case):
		bad(w, "ref, upload and an existing case expected")
	default:
		s.files = append(s.files, f)
		reply(w, map[string]any{"success": true, "file": len(s.files)})
	}
}

// Expire ends all sessions.
func (s *Sim) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

// Logins counts the successful ones.
func (s *Sim) Logins() int { s.mu.Lock(); defer s.mu.Unlock(); return s.logins }

// Clients and Companies count.
func (s *Sim) Clients() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.clients) }

// Companies counts the legal entities.
func (s *Sim) Companies() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.companies) }

// Cases gives the cases with our number.
func (s *Sim) Cases(ext string) []map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []map[string]string
	for _, c := range s.cases {
		if c["ext"] == ext {
			out = append(out, c)
		}
	}
	return out
}

// Notes gives the messages at the cases with our number.
func (s *Sim) Notes(ext string) []string {
	cases := s.Cases(ext)
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, n := range s.notes {
		if slices.ContainsFunc(cases, func(c map[string]string) bool { return c["id"] == n["case"] }) {
			out = append(out, n["text"])
		}
	}
	return out
}

// Files gives the files at the cases with our number.
func (s *Sim) Files(ext string) []SimFile {
	cases := s.Cases(ext)
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []SimFile
	for _, f := range s.files {
		if slices.ContainsFunc(cases, func(c map[string]string) bool { return c["id"] == f.Case }) {
			out = append(out, f)
		}
	}
	return out
}
