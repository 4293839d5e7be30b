package vtiger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"styk"
	"styk/connect"
	"styk/connect/connecttest"
	"styk/store"
)

// simSettings are for the simulator, a stock Vtiger: custom fields have its
// numbers, and nothing is known of requestid.
func simSettings(url string) map[string]any {
	return map[string]any{
		"url": url, "user": "api", "access_key": demoKey,
		"publicid": demoForm().PublicID, "capture_fields": map[string]any{"inn": simContactINN, "code": simContactCode, "secondname": "cf_901"},
		"account_inn_column": simAccountINN, "max_file": "64MB",
	}
}

// ourSettings are for our own server.
func ourSettings(url string) map[string]any {
	return map[string]any{"url": url + "/crm/webservice.php", "user": "api", "access_key": demoKey, "publicid": demoForm().PublicID, "max_file": "64MB"}
}

// ticketOf is the parcel that bears a number of the suite.
func ticketOf(number string) *connect.Parcel {
	var i int
	_, _ = fmt.Sscanf(number, "2611-%d-7", &i)
	return connecttest.Parcel(i)
}

// Views into the simulator.

func (s *Sim) projectsOf(number string) []map[string]string {
	var out []map[string]string
	for _, row := range s.State().Modules["Project"] {
		if strings.HasSuffix(row["description"], numberMark+number) {
			out = append(out, row)
		}
	}
	return out
}

func (s *Sim) numberOf(number string) string {
	for _, row := range s.projectsOf(number) {
		return strings.TrimPrefix(row["id"], "29x")
	}
	return ""
}

// filesOf gives what hangs on the contacts that the ticket's web form made.
func (s *Sim) filesOf(number string) []connecttest.File {
	st := s.State()
	var out []connecttest.File
	for _, contact := range st.Modules["Contacts"] {
		if contact[simContactCode] != codeOf(ticketOf(number).UUID("code")) {
			continue
		}
		for _, link := range st.Links {
			if contact["id"] != fmt.Sprintf("12x%d", link[0]) {
				continue
			}
			out = append(out, s.stored(link[1])...)
		}
	}
	return append(out, linksIn(s.projectsOf(number))...)
}

func (s *Sim) stored(doc int64) []connecttest.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []connecttest.File
	for _, f := range s.order[doc] {
		st := f.state("")
		out = append(out, connecttest.File{Name: st.Name, Size: st.Size, SHA256: st.SHA256})
	}
	return out
}

func linksIn(projects []map[string]string) []connecttest.File {
	var out []connecttest.File
	for _, p := range projects {
		for line := range strings.Lines(p["description"]) {
			if strings.HasPrefix(line, "Файл ") && strings.Contains(line, ": https://") {
				out = append(out, connecttest.File{Name: line, Size: -1})
			}
		}
	}
	return out
}

// visitors counts phones: the web form of stock makes a contact at every post.
func (s *Sim) visitors() int {
	seen := map[string]bool{}
	for _, row := range s.State().Modules["Contacts"] {
		seen[row["mobile"]] = true
	}
	return len(seen)
}

func (s *Sim) contacts() int { return len(s.State().Modules["Contacts"]) }

func suiteSim(t *testing.T, storage string, settings func(url string) map[string]any) *connecttest.Sim {
	s := NewSim(SimUser("api", demoKey), SimStorage(storage))
	t.Cleanup(func() {
		for _, text := range s.State().Broken {
			t.Errorf("the connector broke the protocol: %s", text)
		}
	})
	return &connecttest.Sim{
		Handler: s, Settings: settings,
		Records:  func(number string) int { return len(s.projectsOf(number)) },
		Files:    s.filesOf,
		Number:   s.numberOf,
		Contacts: s.visitors,
		Expire:   s.EndSessions,
		Logins:   func() int { return s.State().Logins },
	}
}

// Views into our own server.

func (b *bench) projectsOf(number string) []map[string]string {
	var out []map[string]string
	_ = b.db.View(context.Background(), func(tx *store.Tx) error {
		recs, err := tx.Select(store.Query{Kind: styk.KindProject, Limit: 1000})
		for _, rec := range recs {
			if p := rec.(*styk.Project); strings.HasSuffix(p.Text, numberMark+number) {
				out = append(out, map[string]string{"id": fmt.Sprint(p.ID), "description": p.Text})
			}
		}
		return err
	})
	return out
}

func (b *bench) storedOf(number string) []connecttest.File {
	p := ticketOf(number)
	var out []connecttest.File
	docs, _, _, err := b.in.FilesByCode(context.Background(), p.Ticket.Contact.INN, codeOf(p.UUID("code")), "test "+number)
	if err != nil {
		return nil
	}
	for _, d := range docs {
		f, err := b.in.OpenDocument(context.Background(), d)
		if err != nil {
			continue
		}
		sum := sha256.New()
		n, _ := io.Copy(sum, f)
		_ = f.Close()
		name := d.FileName
		if d.Placeholder {
			name += " (placeholder)"
		}
		out = append(out, connecttest.File{Name: name, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))})
	}
	return append(out, linksIn(b.projectsOf(number))...)
}

func suiteOurs(t *testing.T, engine string, settings func(url string) map[string]any) *connecttest.Sim {
	b := newBench(t, engine)
	b.in.MaxFile = 64 << 20
	b.Limits.File = b.in.MaxFile
	b.clock.now = time.Now().UTC()
	var logins atomic.Int64
	b.Observe = func(_ *http.Request, o Observed) {
		if o.Operation == OpLogin && o.Code == "" {
			logins.Add(1)
		}
	}
	return &connecttest.Sim{
		Handler: b, Settings: settings,
		Records: func(number string) int { return len(b.projectsOf(number)) },
		Files:   b.storedOf,
		Number: func(number string) string {
			for _, p := range b.projectsOf(number) {
				return p["id"]
			}
			return ""
		},
		Contacts: func() int { return int(count(t, b, styk.KindContact)) },
		Expire:   func() { b.clock.advance(time.Hour) },
		Logins:   func() int { return int(logins.Load()) },
	}
}

// with lays further settings over some.
func with(base func(url string) map[string]any, more map[string]any) func(url string) map[string]any {
	return func(url string) map[string]any {
		values := base(url)
		for name, v := range more {
			values[name] = v
		}
		if values["overwrite"] == overwriteFolder {
			values["folder_url"] = url
		}
		return values
	}
}

// The suite of all connectors, against stock with the seed's operations and
// against our own server.
func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("stock", func(t *testing.T) {
		t.Parallel()
		connecttest.Run(t, connecttest.Case{Kind: Kind, New: func(t *testing.T) *connecttest.Sim {
			return suiteSim(t, "put", simSettings)
		}})
	})
	t.Run("ours", func(t *testing.T) {
		t.Parallel()
		if testing.Short() {
			t.Skip("minutes under the race detector; the run without -short has it")
		}
		connecttest.Run(t, connecttest.Case{Kind: Kind, New: func(t *testing.T) *connecttest.Sim {
			return suiteOurs(t, "sqlite", ourSettings)
		}})
	})
}
