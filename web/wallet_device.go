package web

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"styk"
	"styk/wallet"
)

// maxRegistration bounds what a phone sends with its push token, in bytes.
const maxRegistration = 4 << 10

var (
	deviceName = regexp.MustCompile(`^[A-Za-z0-9._~+=@-]{1,100}$`)
	pushToken  = regexp.MustCompile(`^[0-9a-fA-F]{1,200}$`)
)

// deviceService answers Apple's phones: which passes changed, the passes
// themselves, and who has them (spec/passteam.md 3.5).
type deviceService struct {
	cards  *wallet.Cards
	remote func(*http.Request) netip.Addr
	log    *slog.Logger
	lines  *phoneLog
}

func newDeviceService(o Options) *deviceService {
	now := o.Now
	if now == nil {
		now = time.Now
	}
	d := &deviceService{cards: o.Cards, remote: o.Remote, log: o.Log, lines: newPhoneLog(o.Cards, now)}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d
}

// devicePath gives the decoded parts behind /wallet/v1, empty ones left out; ok is
// false for a path that is none of this service's. The address below which phones
// find it stands in every pass, so it may have come with a slash too many: such
// paths are answered too, and never by a redirect, which would turn a POST into
// a GET.
func devicePath(u *url.URL) (parts []string, ok bool) {
	for part := range strings.SplitSeq(u.EscapedPath(), "/") {
		if part == "" {
			continue
		}
		text, err := url.PathUnescape(part)
		if err != nil {
			return nil, false
		}
		parts = append(parts, text)
	}
	if len(parts) < 2 || parts[0] != "wallet" || parts[1] != "v1" {
		return nil, false
	}
	return parts[2:], true
}

// serve answers one call; parts are those of devicePath.
func (d *deviceService) serve(w http.ResponseWriter, r *http.Request, parts []string) {
	h := w.Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	shape := strings.Join(parts[:min(len(parts), 1)], "")
	switch {
	case shape == "devices" && len(parts) == 5 && parts[2] == "registrations":
		d.registration(w, r, parts[1], parts[3], parts[4])
	case shape == "devices" && len(parts) == 4 && parts[2] == "registrations":
		if methodIs(w, r, http.MethodGet, http.MethodHead) {
			d.list(w, r, parts[1], parts[3])
		}
	case shape == "passes" && len(parts) == 3:
		if methodIs(w, r, http.MethodGet, http.MethodHead) {
			d.fetch(w, r, parts[1], parts[2])
		}
	case shape == "log" && len(parts) == 1:
		if methodIs(w, r, http.MethodPost) {
			d.noteLines(w, r)
		}
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (d *deviceService) registration(w http.ResponseWriter, r *http.Request, device, passType, number string) {
	if !methodIs(w, r, http.MethodPost, http.MethodDelete) || !d.known(w, r, passType, number) {
		return
	}
	if !deviceName.MatchString(device) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodDelete {
		d.answer(w, "unregister", http.StatusOK, d.cards.Uninstall(r.Context(), number, device))
		return
	}
	var body struct {
		PushToken string `json:"pushToken"`
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRegistration))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil || json.Unmarshal(text, &body) != nil || !pushToken.MatchString(body.PushToken) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	fresh, err := d.cards.Install(r.Context(), number, styk.CardDevice{
		Device: device, Platform: styk.OnApple, PushToken: strings.ToLower(body.PushToken), Agent: cut(controlSigns.ReplaceAllString(r.UserAgent(), " "), 100),
	})
	status := http.StatusOK
	if fresh {
		status = http.StatusCreated
	}
	if styk.CodeOf(err) == styk.NotFound { // deleted: as if it had never been
		status, err = http.StatusUnauthorized, nil
	}
	d.answer(w, "register", status, err)
}

// shows tells whether the call shows the card's own token.
func (d *deviceService) shows(r *http.Request, number string) bool {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(kind, "ApplePass") && d.cards.GoodToken(number, strings.TrimSpace(token))
}

// refuse answers a call that shows no right token for a card of that pass type.
// An unknown card looks the same: nothing is given away.
func (d *deviceService) refuse(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", "ApplePass")
	w.WriteHeader(http.StatusUnauthorized)
}

// known answers the call unless it shows the token of a card of that pass type.
func (d *deviceService) known(w http.ResponseWriter, r *http.Request, passType, number string) bool {
	if !d.shows(r, number) {
		d.refuse(w)
		return false
	}
	_, t, err := d.cards.Load(r.Context(), number)
	if err != nil && styk.CodeOf(err) != styk.NotFound {
		d.answer(w, "load", 0, err)
		return false
	}
	if err != nil || d.cards.PassTypeOf(t) != passType {
		d.refuse(w)
		return false
	}
	return true
}

// list tells a phone which of its passes changed. Apple's call shows no token:
// the phone's own name is what it knows.
func (d *deviceService) list(w http.ResponseWriter, r *http.Request, device, passType string) {
	if !deviceName.MatchString(device) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	numbers, tag, known, err := d.cards.Changed(r.Context(), device, passType, r.URL.Query().Get("passesUpdatedSince"))
	switch {
	case err != nil:
		d.answer(w, "list", 0, err)
	case !known:
		w.WriteHeader(http.StatusNotFound)
	case len(numbers) == 0:
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, http.StatusOK, struct {
			Numbers []string `json:"serialNumbers"`
			Tag     string   `json:"lastUpdated"`
		}{numbers, tag})
	}
}

// fetch gives the pass as it is now, or says that the phone has it already.
func (d *deviceService) fetch(w http.ResponseWriter, r *http.Request, passType, number string) {
	if !d.shows(r, number) {
		d.refuse(w)
		return
	}
	since, _ := http.ParseTime(r.Header.Get("If-Modified-Since")) // none, or unreadable: the pass
	p, err := d.cards.PassSince(r.Context(), number, since)
	if styk.CodeOf(err) == styk.NotFound || err == nil && p.PassType != passType {
		d.refuse(w)
		return
	}
	if err != nil {
		d.answer(w, "pass", 0, err)
		return
	}
	if err := d.cards.Fetched(r.Context(), p); err != nil { // not worth a failure of the answer
		d.log.Warn("a phone's fetch was not noted", "err", err)
	}
	w.Header().Set("Last-Modified", p.Modified.UTC().Format(http.TimeFormat))
	if p.Data == nil {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	writePass(w, r, p)
}

// answer ends a call without a body; a fault of ours is logged and makes the
// phone try again.
func (d *deviceService) answer(w http.ResponseWriter, op string, status int, err error) {
	switch styk.CodeOf(err) {
	case styk.NotFound:
		status = http.StatusNotFound
	case styk.TooMany:
		status = http.StatusTooManyRequests
	case styk.Invalid: // no certificate, or an expired one: a person must act
		d.log.Warn("wallet", "op", op, "err", err)
		w.Header().Set("Retry-After", "3600")
		status = http.StatusServiceUnavailable
	default:
		if err != nil {
			d.log.Error("wallet", "op", op, "err", err)
			status = http.StatusInternalServerError
		}
	}
	w.WriteHeader(status)
}

// methodIs answers 405 to other methods than the given ones.
func methodIs(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	for _, m := range methods {
		if r.Method == m {
			return true
		}
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	w.WriteHeader(http.StatusMethodNotAllowed)
	return false
}
