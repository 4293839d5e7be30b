// Package journal keeps the newest calls of programs, the CRM's web service's and
// the card API's, with what was asked and answered, so that an integrator sees
// the bytes. Keeping never slows a call: it happens beside, in groups, and of a
// flood only a part is kept.
package journal

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"time"

	"styk"
	"styk/connect"
	"styk/store"
)

const (
	keptBody   = 16 << 10               // bytes of a request or an answer
	waiting    = 400                    // calls between two writes; more are not kept
	writeEvery = 250 * time.Millisecond // and so at most 1,600 calls a second
	doneShare  = 25                     // of each group, how many of those that were done: who is refused needs the journal more
)

// Journal takes calls. Make it with New; it is safe for many goroutines.
type Journal struct {
	db     *store.DB
	log    *slog.Logger
	remote func(*http.Request) netip.Addr
	mask   *connect.Mask

	mu      sync.Mutex
	calls   []*styk.APICall
	done    int   // of calls, those that were not refused
	skipped int64 // since the start
}

// New makes a Journal. remote gives a caller's address.
func New(db *store.DB, log *slog.Logger, remote func(*http.Request) netip.Addr) *Journal {
	return &Journal{db: db, log: log, remote: remote, mask: connect.NewMask()}
}

type entryKey struct{}

// entry is a call under way.
type entry struct {
	operation, code, who string
	user                 styk.ID
}

// Note tells the journal what a call was, from within its handler.
func Note(r *http.Request, operation, code, who string, user styk.ID) {
	if e, ok := r.Context().Value(entryKey{}).(*entry); ok {
		e.operation, e.code, e.who, e.user = operation, code, who, user
	}
}

// Handler keeps the calls that next answers.
func (j *Journal) Handler(face func(*http.Request) string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := j.db.Now()
		e := &entry{}
		r = r.WithContext(context.WithValue(r.Context(), entryKey{}, e))
		asked := connect.NewTape(keptBody, r.Header.Get("Content-Type"))
		if r.Body != nil {
			r.Body = &heard{r.Body, asked}
		}
		said := &spoken{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(said, r)
		if !j.room(e.code != "" || said.status >= http.StatusBadRequest) {
			asked.Stop(nil)
			said.tape.Stop(nil)
			return
		}
		c := &styk.APICall{
			At: start, Took: j.db.Now().Sub(start), Face: face(r), Operation: e.operation, Code: e.code, Status: said.status,
			Who: e.who, User: e.user, Address: j.remote(r).String(), Method: r.Method,
			Path: withoutLinks(j.mask.URL(r.URL)), Header: j.mask.Header(r.Header),
		}
		c.Request, c.RequestSize = j.told(asked)
		c.Answer, c.AnswerSize = j.told(said.tape)
		j.add(c)
	})
}

func (j *Journal) told(t *connect.Tape) (text string, size int64) {
	body, size := t.Stop(j.mask)
	return withoutLinks(strings.ReplaceAll(string(body), "\x00", "�")), size
}

// secretLinks are addresses that open something to whoever has them (contract
// 23), plain or with the slashes of JSON.
var secretLinks = regexp.MustCompile(`(/c\\?/[0-9a-f]{24}-|/d\\?/|/status\\?/)[0-9A-Za-z_-]{8,}`)

func withoutLinks(text string) string {
	if !strings.Contains(text, "/") {
		return text
	}
	return secretLinks.ReplaceAllString(text, "$1•••")
}

// room tells whether one more call is kept in the group that is being gathered.
func (j *Journal) room(refused bool) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.calls) >= waiting || !refused && j.done >= doneShare {
		j.skipped++
		return false
	}
	if !refused {
		j.done++
	}
	return true
}

func (j *Journal) add(c *styk.APICall) {
	j.mu.Lock()
	j.calls = append(j.calls, c)
	j.mu.Unlock()
}

// Skipped tells how many calls of floods were not kept since the start.
func (j *Journal) Skipped() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.skipped
}

// Run writes what was gathered until ctx ends, and then the rest.
func (j *Journal) Run(ctx context.Context) error {
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return j.Write(context.WithoutCancel(ctx))
		case <-tick.C:
		}
		if err := j.Write(ctx); err != nil && ctx.Err() == nil {
			j.log.Warn("calls were not kept", "err", err)
		}
	}
}

// Write stores what was gathered.
func (j *Journal) Write(ctx context.Context) error {
	j.mu.Lock()
	calls := j.calls
	j.calls, j.done = nil, 0
	j.mu.Unlock()
	if len(calls) == 0 {
		return nil
	}
	return j.db.Update(ctx, func(tx *store.Tx) error { return tx.KeepCalls(calls) })
}

// heard tapes a request's body as it is read.
type heard struct {
	io.ReadCloser
	tape *connect.Tape
}

// Read implements io.Reader.
func (h *heard) Read(b []byte) (int, error) {
	n, err := h.ReadCloser.Read(b)
	h.tape.Write(b[:n])
	return n, err
}

// spoken tapes an answer.
type spoken struct {
	http.ResponseWriter
	status int
	tape   *connect.Tape
}

// WriteHeader implements http.ResponseWriter.
func (s *spoken) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (s *spoken) Write(b []byte) (int, error) {
	if s.tape == nil {
		s.tape = connect.NewTape(keptBody, s.Header().Get("Content-Type"))
	}
	s.tape.Write(b)
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach what is behind.
func (s *spoken) Unwrap() http.ResponseWriter { return s.ResponseWriter }
