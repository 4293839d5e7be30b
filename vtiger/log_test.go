package vtiger

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// lockedBuffer takes log lines from many goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Contract 24: whatever happens, no name, phone, mail, number, code, key or
// session reaches the log, also not with an internal error.
func TestContract24_NoPersonalDataInTheLog(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		var out lockedBuffer
		b.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		b.in.Log = b.Log
		session := login(t, b, "api", demoKey)
		values := contactValues(session, "+7 921 555 44 33", "500100732259", "424242")
		values["lastname"], values["email"] = "Каренина", "anna@example.ru"
		post(t, b, "127.0.0.1", values)
		values["birthday"] = "вчера"
		post(t, b, "127.0.0.1", values)
		capturePost(t, b, map[string]string{"lastname": "Каренина", "mobile": "+7 921 555 44 33", "code": "424242"},
			map[string]string{"file_1_1": "%PDF-1.4 %%EOF"})
		filesOf(t, b, "127.0.0.1", session, "500100732259", "000000")
		get(t, b, url.Values{"operation": {"query"}, "sessionName": {session}, "query": {"select * from Contacts where lastname='Каренина';"}})
		ok(t, b.db.Close()) // now everything fails inside
		if a := post(t, b, "127.0.0.1", values); a.Success {
			t.Error("stored in a closed store")
		}
		r := httptest.NewRequest(http.MethodPost, "/capture.php?publicid="+demoForm().PublicID+"&lastname=%D0%9A%D0%B0%D1%80%D0%B5%D0%BD%D0%B8%D0%BD%D0%B0&mobile=89215554433", nil)
		b.ServeHTTP(httptest.NewRecorder(), r)
		text := out.b.String()
		if !strings.Contains(text, "operation failed") {
			t.Error("an internal error was not logged")
		}
		for _, secret := range []string{"Каренина", "555", "anna@", "500100732259", "424242", demoKey, session, "000000"} {
			if strings.Contains(text, secret) {
				t.Errorf("the log holds %q:\n%s", secret, text)
			}
		}
	})
}
