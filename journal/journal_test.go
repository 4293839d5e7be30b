package journal

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"styk"
	"styk/store"
	"styk/store/storetest"
)

// eachDB gives a journal on SQLite and on PostgreSQL.
func eachDB(t *testing.T, test func(t *testing.T, j *Journal)) {
	for name, database := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "styk.db") },
		"postgres": func(t *testing.T) string { return storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := store.Open(t.Context(), store.Options{Database: database(t), Key: []byte("0123456789abcdef0123456789abcdef")})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			test(t, New(db, slog.New(slog.DiscardHandler), func(*http.Request) netip.Addr { return netip.MustParseAddr("10.0.0.7") }))
		})
	}
}

// face answers as a protocol does: it reads the body and notes who called.
func face(code string, status int, answer string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		Note(r, "CreateContact", code, "api", 7)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})
}

func (j *Journal) kept(t *testing.T, f store.CallFilter) []*styk.APICall {
	t.Helper()
	if err := j.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	var list []*styk.APICall
	err := j.db.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Calls(f)
		for _, row := range rows {
			c, err := tx.Call(row.ID)
			if err != nil {
				return err
			}
			list = append(list, c)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func post(h http.Handler, address, kind, body string) {
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "secret-token-of-1c")
	h.ServeHTTP(httptest.NewRecorder(), r)
}

const form = "application/x-www-form-urlencoded"

func TestCallIsKeptWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, j *Journal) {
		h := j.Handler(func(*http.Request) string { return styk.FaceCRM }, face("INVALID_VALUE", 200,
			`{"success":false,"sessionName":"5f2c1a0b9d","cardUrl":"https:\/\/h\/c\/5bea7e305abcfd6b708b4573-AAAAAAAAAAAAAAAAAAAAAA","error":{"code":"INVALID_VALUE"}}`))
		post(h, "/webservice.php?sessionName=5f2c1a0b9d&x=1", form,
			"operation=login&accessKey=0123456789abcdef&sessionId=5f2c1a0b9d&code=795372&mobile=%2B79491234511")
		list := j.kept(t, store.CallFilter{Refused: true, Text: "79491234511", Limit: 10})
		if len(list) != 1 {
			t.Fatalf("%d calls are kept", len(list))
		}
		c := list[0]
		if c.Operation != "CreateContact" || c.Code != "INVALID_VALUE" || c.Who != "api" || c.User != 7 || c.Address != "10.0.0.7" || c.Status != 200 {
			t.Errorf("got %+v", c)
		}
		all := c.Path + c.Request + c.Answer + strings.Join(c.Header["Authorization"], "")
		for _, secret := range []string{"5f2c1a0b9d", "0123456789abcdef", "795372", "secret-token", "AAAAAAAA"} {
			if strings.Contains(all, secret) {
				t.Errorf("%s is kept: %s", secret, all)
			}
		}
		for _, plain := range []string{"mobile=%2B79491234511", "5bea7e305abcfd6b708b4573", "INVALID_VALUE", "x=1"} {
			if !strings.Contains(all, plain) {
				t.Errorf("%s is not kept: %s", plain, all)
			}
		}
	})
}

// Of a flood only a part is kept, and who is refused before who is served.
func TestFloodIsKeptInPart(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, j *Journal) {
		whose := func(*http.Request) string { return styk.FaceCards }
		good, bad := j.Handler(whose, face("", 200, "{}")), j.Handler(whose, face("409", 409, "{}"))
		for range 3 * doneShare {
			post(good, "/oapi/v1/createcard", form, "values[%PHONE%]=+7 900")
		}
		for range waiting {
			post(bad, "/oapi/v1/createcard", form, "values[%PHONE%]=+7 900")
		}
		list := j.kept(t, store.CallFilter{Limit: 2 * waiting})
		refused := 0
		for _, c := range list {
			if c.Code != "" {
				refused++
			}
		}
		if len(list) != waiting || refused != waiting-doneShare || j.Skipped() != 3*doneShare+waiting-waiting {
			t.Errorf("kept %d, refused %d, skipped %d", len(list), refused, j.Skipped())
		}
		post(good, "/oapi/v1/createcard", form, "")
		if n := len(j.kept(t, store.CallFilter{Limit: 2 * waiting})); n != waiting+1 {
			t.Errorf("the next group has room again: %d", n)
		}
	})
}

func TestFilesAndBinariesAreNotKept(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, j *Journal) {
		h := j.Handler(func(*http.Request) string { return styk.FaceCapture }, face("", 200, "ok"))
		post(h, "/capture.php", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"lastname\"\r\n\r\nИванов\r\n"+
			"--b\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n795372\r\n"+
			"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-secret\r\n--b--\r\n")
		c := j.kept(t, store.CallFilter{Limit: 1})[0]
		if !strings.Contains(c.Request, "Иванов") || strings.Contains(c.Request, "PDF-secret") || strings.Contains(c.Request, "795372") {
			t.Errorf("got %q", c.Request)
		}
		must := j.db.Update(t.Context(), func(tx *store.Tx) error { return tx.ForgetCalls() })
		if c = j.kept(t, store.CallFilter{Limit: 1})[0]; must != nil || c.Request != "" || c.Path != "" || c.Operation == "" {
			t.Errorf("an erasure empties what was said: %+v, %v", c, must)
		}
	})
}
