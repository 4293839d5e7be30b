package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/store"
)

// adminReplayPage says how many failed deliveries would be sent again before it
// is done.
type adminReplayPage struct {
	adminFrame
	Target string // "": all
	Cause  string // "": all
	Since  string
	Spans  []adminTab
	Count  string
	Many   int64
	Word   string
	Paused bool // the target stands: they will wait
	Back   string
}

// replaySpans are how far back failed ones may be looked for.
var replaySpans = []struct {
	word   string
	back   time.Duration
	ru, en string
}{
	{"1h", time.Hour, "за час", "last hour"},
	{"24h", 24 * time.Hour, "за сутки", "last day"},
	{"7d", 7 * 24 * time.Hour, "за неделю", "last week"},
	{"all", 0, "за всё время", "all time"},
}

// replayFilter reads what is to be sent again; the form of the page carries it
// on.
func (a *admin) replayFilter(q url.Values, tx *store.Tx) (f store.DeliveryFilter, since string, paused bool, err error) {
	f = store.DeliveryFilter{Cause: q.Get("cause")}
	if name := q.Get("target"); name != "" {
		t, err := tx.Target(name)
		if err != nil {
			return f, "", false, err
		}
		f.Target, paused = t.ID, !t.Paused.IsZero()
	}
	since = "all"
	for _, s := range replaySpans {
		if s.word == q.Get("since") {
			since = s.word
			if s.back > 0 {
				f.Since = tx.Now().Add(-s.back)
			}
		}
	}
	return f, since, paused, nil
}

func (a *admin) showReplay(v *visit) error {
	q := v.r.URL.Query()
	p := adminReplayPage{Target: q.Get("target"), Cause: q.Get("cause"), Back: deliveriesAddress("failed", q.Get("target"), q.Get("cause"), 0)}
	p.adminFrame = a.frame(v, "/admin/deliveries", choose(v.lang, "Отправить снова", "Send again"))
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		f, since, paused, err := a.replayFilter(q, tx)
		if err != nil {
			return err
		}
		p.Since, p.Paused = since, paused
		p.Many, err = tx.CountToReplay(f, countUpTo)
		return err
	})
	if err != nil {
		return err
	}
	p.Count = capped(p.Many)
	p.Word = plural(v.lang, p.Many, "доставка", "доставки", "доставок", "delivery", "deliveries")
	for _, s := range replaySpans {
		query := url.Values{"since": {s.word}}
		for name, value := range map[string]string{"target": p.Target, "cause": p.Cause} {
			if value != "" {
				query.Set(name, value)
			}
		}
		p.Spans = append(p.Spans, adminTab{Address: "/admin/replay?" + query.Encode(), Text: p.T(s.ru, s.en), Here: s.word == p.Since})
	}
	return a.show(v, http.StatusOK, "admin_replay.html", p)
}

func (a *admin) replay(v *visit) error {
	var f store.DeliveryFilter
	form := v.r.PostForm
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		f, _, _, err = a.replayFilter(form, tx)
		return err
	})
	if err != nil {
		return err
	}
	if form.Get("slice") != "" {
		return a.replayPart(v, f, form.Get("target"))
	}
	n, err := a.Courier.Replay(v.r.Context(), form.Get("target"), f.Cause, f.Since)
	if err != nil {
		return err
	}
	if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionReplay, f.Target, int64(n)); err != nil {
		return err
	}
	return v.redirect("/admin/deliveries", strconv.Itoa(n))
}

// replaySlice is how many are sent again at a time where the page shows how far
// it came.
const replaySlice = 100

// replayPart sends one slice and says where the next begins.
func (a *admin) replayPart(v *visit, f store.DeliveryFilter, target string) error {
	after, _ := strconv.ParseInt(v.r.PostForm.Get("after"), 10, 64)
	last, n, err := a.Courier.ReplaySlice(v.r.Context(), target, f.Cause, f.Since, styk.ID(max(after, 0)), replaySlice)
	if err != nil {
		return err
	}
	more := last != styk.ID(max(after, 0))
	if n > 0 {
		if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionReplay, f.Target, int64(n)); err != nil {
			return err
		}
	}
	v.w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(v.w).Encode(map[string]any{"sent": n, "after": strconv.FormatInt(int64(last), 10), "more": more})
}

// again sends the chosen deliveries again.
func (a *admin) again(v *visit) error {
	var ids []styk.ID
	for _, text := range v.r.PostForm["id"] {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && len(ids) < countUpTo {
			ids = append(ids, styk.ID(n))
		}
	}
	back := v.r.PostForm.Get("back")
	if back != "/admin/deliveries" && !strings.HasPrefix(back, "/admin/deliveries?") {
		back = "/admin/deliveries"
	}
	if len(ids) == 0 {
		return v.redirect(back, "none-chosen")
	}
	n, err := a.Courier.RetryAll(v.r.Context(), ids)
	if err != nil {
		return err
	}
	if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionReplay, 0, int64(n)); err != nil {
		return err
	}
	said := strconv.Itoa(n)
	if left := len(ids) - n; left > 0 {
		said += "." + strconv.Itoa(left)
	}
	return v.redirect(back, said)
}
