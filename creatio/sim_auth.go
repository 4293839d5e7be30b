package creatio

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// simSession is one signed-in session of the site.
type simSession struct {
	csrf  string
	ids   map[string]bool // every BPMSESSIONID it was given
	late  bool            // the CSRF cookie is still to come
	used  time.Time
	calls int
}

// serveLogin is 1.1 and 1.2: 200 for a rejected password too.
func (s *Sim) serveLogin(w *simAnswer, r *http.Request) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		s.offend(w, http.StatusMethodNotAllowed, "%s of the login: not in the spec", r.Method)
		return
	case kind != "application/json" || r.Header.Get(forceSession) != "true":
		s.offend(w, http.StatusBadRequest, "login: Content-Type or ForceUseSession is missing")
		return
	}
	if !s.allowRate(w) {
		return
	}
	var body map[string]any
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&body); err != nil {
		s.offend(w, http.StatusBadRequest, "login: no JSON")
		return
	}
	for name := range body {
		switch name {
		case "UserName", "UserPassword", "TimeZoneOffset", "WorkspaceName", "ProviderName", "ClaimList", "IsDebug":
		default:
			s.offend(w, http.StatusBadRequest, "login: field %s: not in the spec", name)
			return
		}
	}
	if s.refuseLogin(w, body) {
		return
	}
	s.openSession(w)
	writeSim(w, http.StatusOK, map[string]any{
		"Code": 0, "Message": "", "Exception": nil, "PasswordChangeUrl": nil, "RedirectUrl": nil, "UserType": "General",
	})
}

func (s *Sim) refuseLogin(w *simAnswer, body map[string]any) bool {
	position := "ok"
	if f := s.faultFor("login", loginPath); f != nil {
		position = f.Value
	}
	if position == "ok" && (body["UserName"] != s.user || body["UserPassword"] != s.password) {
		position = "code1"
	}
	if position == "ok" {
		return false
	}
	w.note = "login " + position
	s.mu.Lock()
	s.rejects++
	s.mu.Unlock()
	said := func(message string, change any) {
		writeSim(w, http.StatusOK, map[string]any{
			"Code": 1, "Message": message, "Exception": map[string]any{"Message": message},
			"PasswordChangeUrl": change, "RedirectUrl": nil,
		})
	}
	switch position {
	case "code1":
		said("You entered an incorrect username or password, or your user account is inactive.", nil)
	case "password-expired":
		said("Your password has expired.", "/Login/ChangePassword.aspx")
	case "locked":
		said("Your user account has been locked.", nil)
	case "licence":
		said("No license for this user.", nil)
	case "403":
		w.WriteHeader(http.StatusForbidden)
	case "html":
		writeHTML(w, http.StatusOK, "<html><body>identity provider</body></html>")
	}
	return true
}

// openSession sets the cookies of 1.3 and 1.7.
func (s *Sim) openSession(w *simAnswer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins++
	ticket, csrf := simSecret(), simSecret()
	mode := s.position("csrf", "BPMCSRF")
	session := &simSession{csrf: csrf, ids: map[string]bool{}, used: s.now(), late: mode == "late"}
	s.sessions[ticket] = session
	set := func(name, value, rest string) { w.Header().Add("Set-Cookie", name+"="+value+"; path=/"+rest) }
	set(".ASPXAUTH", ticket, "; HttpOnly")
	switch mode {
	case "BPMCSRF":
		set(csrfCookie, csrf, "")
	case "CRT_CSRF":
		set("CsrfToken", csrf, "; HttpOnly")
		set(csrfCookie, "stale-for-older-clients", "")
		set(csrfNewer, csrf, "")
	case "off":
		session.csrf = ""
	}
	if s.platform == BPMSoft || s.position("sessionid", "") == "in-login" {
		id := simSecret()
		session.ids[id] = true
		set("BPMSESSIONID", id, "; HttpOnly")
	}
	if s.platform != BPMSoft {
		set("BPMLOADER", simSecret(), "; HttpOnly")
		set("UserName", "65|112|105", "; HttpOnly; expires="+s.now().Add(240*time.Hour).UTC().Format(http.TimeFormat))
	}
	if s.platform == Net {
		set("UserType", "General", "")
	}
}

// serveToken is 1.8.
func (s *Sim) serveToken(w *simAnswer, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.PostForm.Get("grant_type") != "client_credentials" {
		s.offend(w, http.StatusBadRequest, "token: want a form with grant_type=client_credentials")
		return
	}
	if r.PostForm.Get("client_id") != s.clientID || r.PostForm.Get("client_secret") != s.clientSecret {
		writeSim(w, http.StatusBadRequest, map[string]string{"error": "invalid_client"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins++
	token := simSecret()
	s.bearers[token] = s.now().Add(time.Hour)
	writeSim(w, http.StatusOK, map[string]any{"access_token": token, "expires_in": 3600, "token_type": "Bearer"})
}

// allowSession lets a call pass to the data, or answers as 1.6 says.
func (s *Sim) allowSession(w *simAnswer, r *http.Request, path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); found {
		if end, known := s.bearers[token]; known && s.now().Before(end) {
			return true
		}
		w.note = "token expired"
		w.WriteHeader(http.StatusUnauthorized)
		return false
	}
	cookies := cookiesOf(r)
	session := s.live(cookies[".ASPXAUTH"])
	if session == nil || r.Header.Get(forceSession) != "true" && path != "/" { // 1.4
		s.answerExpired(w, r)
		return false
	}
	if !s.checkID(w, session, cookies["BPMSESSIONID"]) {
		s.answerExpired(w, r)
		return false
	}
	if session.late { // 1.3: only after one page of the application
		if path != "/" {
			return s.forbid(w)
		}
		session.late = false
		w.Header().Add("Set-Cookie", csrfCookie+"="+session.csrf+"; path=/")
		return true
	}
	if path == "/" || session.csrf == "" {
		return true
	}
	header := csrfCookie
	if cookies[csrfNewer] != "" {
		header = csrfNewer
	}
	if r.Header.Get(header) != session.csrf || cookies[header] != session.csrf {
		return s.forbid(w)
	}
	return true
}

func (s *Sim) forbid(w *simAnswer) bool {
	w.note = "CSRF"
	w.WriteHeader(http.StatusForbidden) // its body is not specified: 9
	return false
}

// live gives a session that idleness and the switches have left alive.
func (s *Sim) live(ticket string) *simSession {
	session := s.sessions[ticket]
	if session == nil {
		return nil
	}
	minutes, _ := strconv.Atoi(s.position("session-minutes", "60")) // 1.5
	if s.now().Sub(session.used) >= time.Duration(minutes)*time.Minute {
		delete(s.sessions, ticket)
		return nil
	}
	if f := s.faults["expire-after-calls"]; f != nil {
		if n, _ := strconv.Atoi(f.Value); session.calls >= n {
			delete(s.sessions, ticket)
			s.use("expire-after-calls", "")
			return nil
		}
	}
	session.calls++
	session.used = s.now()
	return session
}

// checkID plays the server session's cookie: given by the first call, or anew
// by each; one that was never given is nobody's (1.3).
func (s *Sim) checkID(w *simAnswer, session *simSession, id string) bool {
	if id != "" && !session.ids[id] {
		return false
	}
	if id == "" || s.position("sessionid", "first-call") == "reissue-each-call" {
		id = simSecret()
		session.ids[id] = true
		w.Header().Add("Set-Cookie", "BPMSESSIONID=stale; path=/bpm/; HttpOnly")
		w.Header().Add("Set-Cookie", "BPMSESSIONID="+id+"; path=/; HttpOnly")
	}
	return true
}

func (s *Sim) answerExpired(w *simAnswer, r *http.Request) {
	mode := map[Platform]string{Framework: "302", Net: "401-empty", BPMSoft: "401-json"}[s.platform]
	mode = s.position("expired", mode)
	w.note = "expired"
	switch mode {
	case "401-empty":
		w.WriteHeader(http.StatusUnauthorized)
	case "401-json":
		writeSim(w, http.StatusUnauthorized, map[string]any{
			"Message": "Authentication failed.", "StackTrace": nil, "ExceptionType": "System.InvalidOperationException",
		})
	case "302":
		page := "/Login/NuiLogin.aspx"
		if s.platform != Framework {
			page = "/Login/Login.html"
		}
		w.Header().Set("Location", page+"?ReturnUrl="+escapeForSim(r.URL.Path))
		writeHTML(w, http.StatusFound, "<html><body>object moved</body></html>")
	case "302-followed-200-html":
		writeHTML(w, http.StatusOK, loginPage)
	case "403":
		w.WriteHeader(http.StatusForbidden)
	}
}

func escapeForSim(s string) string { return strings.ReplaceAll(s, "/", "%2f") }

// cookiesOf splits at the first "=" only: values hold more of them.
func cookiesOf(r *http.Request) map[string]string {
	out := map[string]string{}
	for _, line := range r.Header.Values("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			out[name] = value
		}
	}
	return out
}
