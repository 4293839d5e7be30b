package web

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/store"
)

// needBrowser skips a test that cannot play in Chromium here, and fails it under
// CI, where everything must be there.
func needBrowser(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: browser tests in short mode")
	}
	lacks := func(what string) {
		t.Helper()
		if os.Getenv("CI") == "true" {
			t.Fatal("no " + what)
		}
		t.Skip("SKIPPED: no " + what)
	}
	if os.Getenv("STYK_TEST_NODE_MODULES") == "" {
		lacks("npm packages: set STYK_TEST_NODE_MODULES (scripts/npm brings them)")
	}
	for _, tool := range []string{"node", "chromium"} {
		if _, err := exec.LookPath(tool); err != nil {
			lacks(tool)
		}
	}
}

// TestBrowser plays the programs of testdata/browser in a real Chromium against
// a real styk. Each check of a program is a subtest that carries the number of
// the point it proves. STYK_TEST_SHOTS names a folder for screenshots.
func TestBrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	programs, err := filepath.Glob("testdata/browser/*_test.js")
	if err != nil || len(programs) == 0 {
		t.Fatal("no programs", err)
	}
	for _, program := range programs {
		t.Run(strings.TrimSuffix(filepath.Base(program), "_test.js"), func(t *testing.T) {
			t.Parallel()
			play(t, program)
		})
	}
}

// play runs one program and makes a subtest of each line "ok …" or "not ok …".
func play(t *testing.T, program string) {
	site := newSite(t)
	foreign := httptest.NewServer(foreignPages(site.url))
	t.Cleanup(foreign.Close)
	cmd := exec.CommandContext(t.Context(), "node", program)
	// A page of 127.0.0.1 and one of localhost are of different sites.
	cmd.Env = append(os.Environ(), "STYK="+site.url, "FOREIGN="+strings.Replace(foreign.URL, "127.0.0.1", "localhost", 1))
	cmd.WaitDelay = 5 * time.Second
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	checks := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		name, good := strings.CutPrefix(lines.Text(), "ok ")
		name, bad := strings.CutPrefix(name, "not ok ")
		if !good && !bad {
			t.Log(lines.Text())
			continue
		}
		checks++
		name, why, _ := strings.Cut(name, "\t")
		t.Run(name, func(t *testing.T) {
			if bad {
				t.Error(strings.ReplaceAll(why, `\n`, "\n"))
			}
		})
	}
	if err := cmd.Wait(); err != nil || checks == 0 {
		t.Errorf("%s: %d checks, %v\n%s", program, checks, err, problems.String())
	}
}

// foreignPages are pages of somebody else's site that hold our form; {{styk}}
// stands for our address, {{code}} for what is pasted into the page.
func foreignPages(base string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := os.ReadFile(filepath.Join("testdata/browser/pages", filepath.Base(r.URL.Path)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if csp := r.URL.Query().Get("csp"); csp != "" {
			w.Header().Set("Content-Security-Policy", strings.ReplaceAll(csp, "STYK", base))
		}
		body = bytes.ReplaceAll(body, []byte("{{code}}"), []byte(r.URL.Query().Get("code")))
		_, _ = w.Write(bytes.ReplaceAll(body, []byte("{{styk}}"), []byte(base)))
	})
}

// control lets a browser program see and move what no visitor can: how many
// submissions there are, and the CRM's answer.
func (s *site) control(mux *http.ServeMux) {
	mux.HandleFunc("GET /_test/submissions", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(s.submissions())
	})
	mux.HandleFunc("POST /_test/crm", func(w http.ResponseWriter, r *http.Request) {
		s.deliver(r.URL.Query().Get("target"), r.URL.Query().Get("number"))
	})
}

// submissions lists what was accepted, oldest first.
func (s *site) submissions() (list []*styk.Submission) {
	s.t.Helper()
	err := s.db.View(s.t.Context(), func(tx *store.Tx) error {
		list = []*styk.Submission{}
		for id := styk.ID(1); ; id++ {
			p, err := tx.Post(id)
			if styk.CodeOf(err) == styk.NotFound {
				return nil
			}
			if err != nil {
				return err
			}
			list = append(list, p)
		}
	})
	if err != nil {
		s.t.Error(err)
	}
	return list
}
