package web

import (
	"bytes"
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/courier"
	"styk/staff"
	"styk/store"
)

// AdminOptions are what the people's pages need beside the rest: without Staff
// there are none, with it DB, Intake and Courier must be there.
type AdminOptions struct {
	Staff *staff.Staff
	// Courier is asked to send again, to pause and to resume.
	Courier *courier.Courier
	Zone    *time.Location // of times on pages; nil: UTC
	Sandbox *Sandbox       // nil: nothing is played here
	// Overdue gives the time since when who waits for an answer waits too long, and
	// Waited how much of the time for an answer has passed, and how much there is;
	// nil: four hours.
	Overdue func(now time.Time) time.Time
	Waited  func(since, now time.Time) (passed, limit time.Duration)
	// Secure says whether a request came by HTTPS; nil: whether its connection did.
	Secure func(*http.Request) bool
}

// admin serves the people's pages.
type admin struct {
	Options
	forms *forms // draws them for the page about forms
}

// adminRoute is one address of the people's pages.
type adminRoute struct {
	pattern string
	right   staff.Right // "": any person who is logged in
	open    bool        // anybody at all
	limit   int64       // of what may be posted, in bytes, files too; 0: maxAdminBody
	owing   bool        // also for who still owes a second factor
	handle  func(*admin, *visit) error
}

// adminRoutes are all of them; a test walks through them with every role.
var adminRoutes = slices.Concat(customerRoutes, []adminRoute{
	{pattern: "GET /admin/login", open: true, handle: (*admin).showLogin},
	{pattern: "POST /admin/login", open: true, handle: (*admin).login},
	{pattern: "GET /admin/login/code", open: true, handle: (*admin).showCode},
	{pattern: "POST /admin/login/code", open: true, handle: (*admin).enterCode},
	{pattern: "GET /admin/link/{secret}", open: true, handle: (*admin).showLink},
	{pattern: "POST /admin/link/{secret}", open: true, handle: (*admin).useLink},

	{pattern: "GET /admin/{$}", handle: (*admin).home},
	{pattern: "GET /admin/me", owing: true, handle: (*admin).showMe},
	{pattern: "POST /admin/me/password", owing: true, handle: (*admin).changePassword},
	{pattern: "POST /admin/me/sessions/{id}/end", owing: true, handle: (*admin).endSession},
	{pattern: "POST /admin/me/sessions/end", owing: true, handle: (*admin).endOtherSessions},
	{pattern: "GET /admin/me/codes", owing: true, handle: (*admin).showCodes},
	{pattern: "POST /admin/me/codes", owing: true, handle: (*admin).enrol},
	{pattern: "POST /admin/me/codes/recovery", handle: (*admin).newRecovery},
	{pattern: "POST /admin/me/codes/off", handle: (*admin).dropCodes},
	{pattern: "POST /admin/logout", owing: true, handle: (*admin).logout},

	{pattern: "GET /admin/staff", right: staff.SeeStaff, handle: (*admin).showStaff},
	{pattern: "GET /admin/staff/invite", right: staff.ManageStaff, handle: (*admin).showInvite},
	{pattern: "POST /admin/staff/invite", right: staff.ManageStaff, handle: (*admin).invite},
	{pattern: "POST /admin/staff/invitations/{id}/renew", right: staff.ManageStaff, handle: (*admin).renewInvitation},
	{pattern: "POST /admin/staff/invitations/{id}/drop", right: staff.ManageStaff, handle: (*admin).dropInvitation},
	{pattern: "POST /admin/staff/rule", right: staff.OwnRules, handle: (*admin).setCodeRule},
	{pattern: "GET /admin/staff/people/{id}", right: staff.SeeStaff, handle: (*admin).showColleague},
	{pattern: "POST /admin/staff/people/{id}", right: staff.ManageStaff, handle: (*admin).changeColleague},
	{pattern: "POST /admin/staff/people/{id}/disable", right: staff.ManageStaff, handle: (*admin).disableColleague},
	{pattern: "POST /admin/staff/people/{id}/enable", right: staff.ManageStaff, handle: (*admin).enableColleague},
	{pattern: "POST /admin/staff/people/{id}/link", right: staff.ManageStaff, handle: (*admin).linkColleague},
	{pattern: "POST /admin/staff/people/{id}/sessions/end", right: staff.ManageStaff, handle: (*admin).endColleagueSessions},
	{pattern: "POST /admin/staff/people/{id}/sessions/{session}/end", right: staff.ManageStaff, handle: (*admin).endColleagueSessions},
	{pattern: "POST /admin/staff/people/{id}/codes/off", right: staff.OwnRules, handle: (*admin).resetCodes},

	{pattern: "GET /admin/keys", right: staff.SeeStaff, handle: (*admin).showKeys},
	{pattern: "GET /admin/keys/programs/new", right: staff.ManageKeys, handle: (*admin).showNewProgram},
	{pattern: "POST /admin/keys/programs/new", right: staff.ManageKeys, handle: (*admin).addProgram},
	{pattern: "GET /admin/keys/programs/{id}", right: staff.SeeStaff, handle: (*admin).showProgram},
	{pattern: "POST /admin/keys/programs/{id}", right: staff.ManageKeys, handle: (*admin).changeProgram},
	{pattern: "POST /admin/keys/programs/{id}/key", right: staff.ManageKeys, handle: (*admin).newProgramKey},
	{pattern: "POST /admin/keys/programs/{id}/disable", right: staff.ManageKeys, handle: (*admin).disableProgram},
	{pattern: "POST /admin/keys/programs/{id}/enable", right: staff.ManageKeys, handle: (*admin).enableProgram},
	{pattern: "GET /admin/keys/tokens/new", right: staff.ManageKeys, handle: (*admin).showNewToken},
	{pattern: "POST /admin/keys/tokens/new", right: staff.ManageKeys, handle: (*admin).addToken},
	{pattern: "GET /admin/keys/tokens/{id}", right: staff.SeeStaff, handle: (*admin).showToken},
	{pattern: "POST /admin/keys/tokens/{id}", right: staff.ManageKeys, handle: (*admin).changeToken},
	{pattern: "POST /admin/keys/tokens/{id}/renew", right: staff.ManageKeys, handle: (*admin).renewToken},
	{pattern: "POST /admin/keys/tokens/{id}/revoke", right: staff.ManageKeys, handle: (*admin).revokeToken},
	{pattern: "POST /admin/keys/tokens/{id}/restore", right: staff.ManageKeys, handle: (*admin).restoreToken},

	{pattern: "GET /admin/audit", right: staff.SeeAudit, handle: (*admin).showAudit},

	{pattern: "GET /admin/tickets", right: staff.SeeTickets, handle: (*admin).showTickets},
	{pattern: "GET /admin/tickets/{id}", right: staff.SeeTickets, handle: (*admin).showTicket},
	{pattern: "GET /admin/search", handle: (*admin).showSearch},
	{pattern: "GET /admin/files", right: staff.SeeTickets, handle: (*admin).showFiles},
	{pattern: "GET /admin/files/{id}/about", right: staff.SeeTickets, handle: (*admin).showFile},
	{pattern: "POST /admin/files/{id}/about", right: staff.ChangeTickets, handle: (*admin).restoreVersion},
	{pattern: "GET /admin/files/{id}", right: staff.SeeTickets, handle: (*admin).downloadFile},
	{pattern: "GET /admin/tickets/csv", right: staff.SeeTickets, handle: (*admin).ticketsCSV},
	{pattern: "POST /admin/tickets/bulk", right: staff.ChangeTickets, handle: (*admin).bulk},
	{pattern: "POST /admin/tickets/undo", right: staff.ChangeTickets, handle: (*admin).undoBulk},
	{pattern: "POST /admin/tickets/{id}/answer", right: staff.ChangeTickets, handle: (*admin).answer},
	{pattern: "POST /admin/tickets/{id}/owner", right: staff.ChangeTickets, handle: (*admin).setOwner},
	{pattern: "POST /admin/tickets/{id}/spam", right: staff.ChangeTickets, handle: (*admin).setSpam},
	{pattern: "GET /admin/mail", right: staff.SeeTickets, handle: (*admin).showMail},
	{pattern: "POST /admin/mail/{id}/put", right: staff.ChangeTickets, handle: (*admin).putMail},
	{pattern: "POST /admin/mail/{id}/settle", right: staff.ChangeTickets, handle: (*admin).settleMail},
	{pattern: "POST /admin/tickets/{id}/status", right: staff.ChangeTickets, handle: (*admin).setStatus},
	{pattern: "POST /admin/tickets/{id}/note", right: staff.ChangeTickets, handle: (*admin).addNote},
	{pattern: "POST /admin/tickets/{id}/settle", right: staff.ChangeTickets, handle: (*admin).settle},
	{pattern: "GET /admin/consents/{submission}/{n}", right: staff.SeeTickets, handle: (*admin).showConsent},
	{pattern: "POST /admin/tickets/{id}/link", right: staff.ChangeTickets, handle: (*admin).steerLink},
	{pattern: "POST /admin/tickets/{id}/undo", right: staff.ChangeTickets, handle: (*admin).undo},

	{pattern: "GET /admin/forms", handle: (*admin).showForms},
	{pattern: "GET /admin/forms/{form}", handle: (*admin).showFormLooks},
	{pattern: "GET /admin/forms/{form}/look/{state}", handle: (*admin).showFormLook},

	{pattern: "GET /admin/calls", right: staff.SeeAPILog, handle: (*admin).showCalls},
	{pattern: "GET /admin/calls/rows", right: staff.SeeAPILog, handle: (*admin).newCallRows},
	{pattern: "GET /admin/calls/{id}", right: staff.SeeAPILog, handle: (*admin).showCall},

	{pattern: "GET /admin/deliveries", right: staff.SeeDeliveries, handle: (*admin).showDeliveries},
	{pattern: "GET /admin/deliveries/{id}", right: staff.SeeDeliveries, handle: (*admin).showDelivery},
	{pattern: "POST /admin/deliveries/{id}/retry", right: staff.SendAgain, handle: (*admin).retry},
	{pattern: "GET /admin/deliveries/{id}/edit", right: staff.SendAgain, handle: (*admin).showEdit},
	{pattern: "POST /admin/deliveries/{id}/edit", right: staff.SendAgain, handle: (*admin).editAndRetry},
	{pattern: "POST /admin/deliveries/again", right: staff.SendAgain, handle: (*admin).again},
	{pattern: "GET /admin/replay", right: staff.Steer, handle: (*admin).showReplay},
	{pattern: "POST /admin/replay", right: staff.Steer, handle: (*admin).replay},
	{pattern: "POST /admin/targets/{name}/pause", right: staff.Steer, handle: (*admin).pause},
	{pattern: "POST /admin/targets/{name}/resume", right: staff.Steer, handle: (*admin).resume},

	{pattern: "POST /admin/path/off", handle: (*admin).closePath},
	{pattern: "GET /admin/sandbox", right: staff.UseSandbox, handle: (*admin).showSandbox},
	{pattern: "POST /admin/sandbox/{name}/break", right: staff.UseSandbox, handle: (*admin).breakSim},
	{pattern: "POST /admin/sandbox/{name}/mend", right: staff.UseSandbox, handle: (*admin).mendSim},

	{pattern: "GET /admin/connections", right: staff.SeeConnections, handle: (*admin).showConnections},
	{pattern: "GET /admin/connections/new", right: staff.ManageConnections, handle: (*admin).showNewConnection},
	{pattern: "POST /admin/connections/new", right: staff.ManageConnections, handle: (*admin).addConnection},
	{pattern: "GET /admin/connections/{name}", right: staff.SeeConnections, handle: (*admin).showConnection},
	{pattern: "POST /admin/connections/{name}", right: staff.ManageConnections, handle: (*admin).changeConnection},
	{pattern: "POST /admin/connections/{name}/secret/{field}", right: staff.ManageConnections, handle: (*admin).renewSecret},

	{pattern: "GET /admin/cards", right: staff.SeeCards, handle: (*admin).showCards},
	{pattern: "GET /admin/cards/{number}", right: staff.SeeCards, handle: (*admin).showCard},
	{pattern: "POST /admin/cards/{number}/values", right: staff.ChangeCards, handle: (*admin).editCard},
	{pattern: "POST /admin/cards/{number}/call", right: staff.ChangeCards, handle: (*admin).callCard},
	{pattern: "POST /admin/cards/{number}/push", right: staff.ChangeCards, handle: (*admin).pushCard},
	{pattern: "POST /admin/cards/{number}/letter", right: staff.ChangeCards, handle: (*admin).mailCard},
	{pattern: "POST /admin/cards/{number}/delete", right: staff.ChangeCards, handle: (*admin).deleteCard},

	{pattern: "GET /admin/templates", right: staff.SetUpCards, handle: (*admin).showTemplates},
	{pattern: "GET /admin/templates/{id}", right: staff.SetUpCards, handle: (*admin).showTemplate},
	{pattern: "POST /admin/templates/{id}", right: staff.SetUpCards, limit: maxTemplateForm, handle: (*admin).saveTemplate},
	{pattern: "POST /admin/templates/{id}/preview", right: staff.SetUpCards, limit: maxTemplateForm, handle: (*admin).previewTemplate},
	{pattern: "POST /admin/templates/{id}/picture", right: staff.SetUpCards, limit: maxPictureForm, handle: (*admin).savePicture},
	{pattern: "GET /admin/templates/{id}/picture/{name}", right: staff.SetUpCards, handle: (*admin).showPicture},
	{pattern: "GET /admin/templates/{id}/listing", right: staff.SetUpCards, handle: (*admin).downloadListing},
	{pattern: "GET /admin/certificates", right: staff.SetUpCards, handle: (*admin).showCertificates},
	{pattern: "POST /admin/certificates", right: staff.SetUpCards, limit: maxCertificateForm, handle: (*admin).saveCertificate},
})

// newAdmin gives all of /admin/.
func newAdmin(o Options, f *forms) http.Handler {
	if o.Remote == nil {
		o.Remote = peer
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Secure == nil {
		o.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	a := &admin{Options: o, forms: f}
	mux := http.NewServeMux()
	for _, route := range adminRoutes {
		mux.HandleFunc(route.pattern, a.guard(route))
	}
	mux.HandleFunc("/admin/", a.guard(adminRoute{handle: func(*admin, *visit) error {
		return styk.Failed(styk.NotFound, "")
	}}))
	protection := http.NewCrossOriginProtection()
	// This page sends no referrer, so some browsers send no origin either; the
	// link is a secret of its own.
	protection.AddInsecureBypassPattern("POST /admin/link/{secret}")
	return adminHeaders(protection.Handler(mux))
}

func adminHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// visit is one request to the people's pages.
type visit struct {
	w       http.ResponseWriter
	r       *http.Request
	lang    string
	secret  string              // of the session or, without one, of the guest
	session *store.StaffSession // nil: nobody is logged in
}

// may says whether the person has the right.
func (v *visit) may(right staff.Right) bool {
	return v.session != nil && staff.May(v.session.User.Role, right)
}

// by says who changes something.
func (v *visit) by() store.By { return store.By{User: v.session.User.ID, Origin: "admin"} }

// number reads a number out of the address; a wrong one names nothing.
func (v *visit) number(name string) (styk.ID, error) {
	n, err := strconv.ParseInt(v.r.PathValue(name), 10, 64)
	if err != nil || n <= 0 {
		return 0, styk.Failed(styk.NotFound, "")
	}
	return styk.ID(n), nil
}

// redirect answers a post: the browser may reload what it gets without posting
// again. said names what is told there.
func (v *visit) redirect(to, said string) error {
	if said != "" {
		address, anchor, _ := strings.Cut(to, "#")
		separator := "?"
		if strings.Contains(address, "?") {
			separator = "&"
		}
		to = address + separator + "said=" + url.QueryEscape(said)
		if anchor != "" {
			to += "#" + anchor
		}
	}
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

// The cookies of the people's pages.
const (
	sessionCookie = "styk_admin"
	guestCookie   = "styk_guest"
	halfCookie    = "styk_half" // the password was right, the code is waited for
)

const maxAdminBody = 256 << 10 // bytes

// guard lets a request through to its handler: logged in, allowed, and posted
// from a page of ours.
func (a *admin) guard(route adminRoute) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{w: w, r: r, lang: language(w, r)}
		if r.Method == http.MethodGet && r.URL.Query().Has("lang") {
			a.forgetLang(v)
			return
		}
		if err := a.enter(v, route); err != nil {
			a.fail(v, err)
		}
	}
}

// forgetLang takes the switch out of the address, now that it is remembered.
func (a *admin) forgetLang(v *visit) {
	q := v.r.URL.Query()
	q.Del("lang")
	to := *v.r.URL
	to.RawQuery = q.Encode()
	http.Redirect(v.w, v.r, to.RequestURI(), http.StatusSeeOther)
}

func (a *admin) enter(v *visit, route adminRoute) error {
	if err := a.recognise(v); err != nil {
		return err
	}
	if v.session == nil && !route.open {
		to := "/admin/login"
		if v.r.Method == http.MethodGet && v.r.URL.Path != "/admin/" {
			to += "?next=" + url.QueryEscape(v.r.URL.RequestURI())
		}
		return v.redirect(to, "")
	}
	if v.session != nil && v.session.CodeDue && !route.open && !route.owing {
		return v.redirect("/admin/me/codes", "")
	}
	if route.right != "" && !v.may(route.right) {
		return styk.Failed(styk.Forbidden, "")
	}
	if v.r.Method == http.MethodPost {
		if err := readPost(v, route.limit); err != nil {
			return err
		}
		if !a.Staff.TokenFits(v.secret, v.r.PostForm.Get("_token")) {
			return errStale
		}
	}
	return route.handle(a, v)
}

// readPost reads a posted form, with files where the route takes them.
func readPost(v *visit, limit int64) error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, cmp.Or(limit, maxAdminBody))
	err := v.r.ParseForm()
	if err == nil && limit != 0 {
		if err = v.r.ParseMultipartForm(maxAdminBody); errors.Is(err, http.ErrNotMultipart) {
			err = nil
		}
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return styk.Failed(styk.TooLarge, choose(v.lang, "Это больше, чем здесь принимается: ", "This is more than is taken here: ")+bytesWord(v.lang, large.Limit))
	case err != nil:
		return styk.Failed(styk.Invalid, "")
	}
	return nil
}

// errStale: a form was posted from a page of an earlier session, or of a
// stranger.
var errStale = styk.Failed(styk.Forbidden, "stale")

// recognise finds out who it is; a browser without a session gets a secret of
// its own, so that the login form has one.
func (a *admin) recognise(v *visit) error {
	if c, err := v.r.Cookie(sessionCookie); err == nil {
		session, err := a.Staff.Session(v.r.Context(), c.Value)
		if err == nil {
			v.session, v.secret = session, c.Value
			return nil
		}
		if styk.CodeOf(err) != styk.NotFound {
			return err
		}
	}
	if c, err := v.r.Cookie(guestCookie); err == nil && len(c.Value) > 20 {
		v.secret = c.Value
		return nil
	}
	if v.r.Method == http.MethodGet {
		v.secret = a.Staff.NewGuest()
		a.setCookie(v, guestCookie, v.secret, 0)
	}
	return nil
}

// setCookie gives the browser a secret; an empty one takes it away.
func (a *admin) setCookie(v *visit, name, value string, life time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: "/admin", HttpOnly: true, Secure: a.Secure(v.r),
		SameSite: http.SameSiteLaxMode, MaxAge: int(life / time.Second)}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(v.w, c)
}

// client is who asks, as sessions and throttles note it.
func (a *admin) client(r *http.Request) staff.Client {
	address := a.Remote(r)
	if address.Is6() && !address.Is4In6() { // one customer of a provider has a whole /64
		if p, err := address.Prefix(64); err == nil {
			return staff.Client{Address: p.String(), Agent: r.UserAgent()}
		}
	}
	if address == (netip.Addr{}) {
		return staff.Client{Agent: r.UserAgent()}
	}
	return staff.Client{Address: address.String(), Agent: r.UserAgent()}
}

// show writes a whole page or, when the template fails, none of it.
func (a *admin) show(v *visit, status int, name string, page any) error {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, page); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = body.WriteTo(v.w)
	return nil
}

// faultOf gives the text of the field's fault in an error, or "".
func faultOf(err error, field string) string {
	var e *styk.Error
	if errors.As(err, &e) {
		for _, f := range e.Faults {
			if f.Field == field {
				return f.Text
			}
		}
	}
	return ""
}

// textOf gives the sentence of an error that a person may read, or "".
func textOf(err error) string {
	var e *styk.Error
	if errors.As(err, &e) {
		return e.Text
	}
	return ""
}
