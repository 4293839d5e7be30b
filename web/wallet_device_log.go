package web

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"regexp"
	"time"

	"golang.org/x/time/rate"

	"styk"
	"styk/store"
	"styk/wallet"
)

// Bounds of what phones may complain of. The call shows no token.
const (
	maxPhoneLog   = 32 << 10 // bytes of one call
	maxPhoneLines = 20       // of one call
	maxPhoneLine  = 600      // bytes
)

var (
	phoneLogRate = Rate{Burst: 20, Every: 30 * time.Second} // of one address
	phoneLogAll  = Rate{Burst: 200, Every: 2 * time.Second} // of everybody
)

// phoneLog keeps what phones say went wrong, as far as it is little and tells no
// secret.
type phoneLog struct {
	cards *wallet.Cards
	now   func() time.Time
	one   *throttle
	all   *rate.Limiter
}

func newPhoneLog(cards *wallet.Cards, now func() time.Time) *phoneLog {
	return &phoneLog{
		cards: cards, now: now, one: newThrottle(phoneLogRate, now),
		all: rate.NewLimiter(rate.Every(phoneLogAll.Every), phoneLogAll.Burst),
	}
}

// noteLines takes a phone's complaints. What is too much is dropped without a
// word: the phone could do nothing about it.
func (d *deviceService) noteLines(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPhoneLog))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	var body struct {
		Logs []string `json:"logs"`
	}
	if json.Unmarshal(text, &body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var from netip.Addr
	if d.remote != nil {
		from = d.remote(r)
	}
	lines := body.Logs[:min(len(body.Logs), maxPhoneLines)]
	if len(lines) == 0 || d.lines.one.wait(from) > 0 || !d.lines.all.AllowN(d.lines.now(), 1) {
		return
	}
	d.answer(w, "log", http.StatusOK, d.cards.DB.Update(r.Context(), func(tx *store.Tx) error {
		for _, line := range lines {
			if err := tx.LogCard("", tame(line)); err != nil {
				return err
			}
		}
		return nil
	}))
}

var (
	longWord     = regexp.MustCompile(`[A-Za-z0-9_+/=-]{20,}`)
	controlSigns = regexp.MustCompile(`[\x00-\x1f\x7f]+`)
)

// tame takes out of a line all that may be a token; a card's number stays: it
// opens nothing.
func tame(line string) string {
	line = longWord.ReplaceAllStringFunc(controlSigns.ReplaceAllString(line, " "), func(word string) string {
		if styk.ValidCardNumber(word) {
			return word
		}
		return word[:4] + "…"
	})
	return cut(line, maxPhoneLine) // behind the above: half a token is no long word
}
