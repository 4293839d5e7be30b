package vtiger

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"styk"
)

// FuzzOperation sends any request with a living session: the answer is HTTP
// 200 with an envelope, no refusal leaves anything behind, and nothing panics
// (a panic would come out as INTERNAL_SERVER_ERROR).
func FuzzOperation(f *testing.F) {
	const form, multi = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
	f.Add("operation=CreateContact", form, "firstname=a&lastname=b&mobile=%2B7+900&birthday=1990-01-02&inn=1&code=2")
	f.Add("operation=query&query=select%20*%20from%20Contacts%20where%20id%3E'12x1'%20order%20by%20id%20limit%201,2;", form, "")
	f.Add("operation=query&query=select%20count(*)%20from%20Project%20where%20agrprice%20in%20(1,'x')%20and%20transport%20like%20'%25'", form, "")
	f.Add("operation=create", form, `elementType=Accounts&element={"accountname":"x","assigned_user_id":"19x1","account_id":"11x1"}`)
	f.Add("operation=revise", form, `element={"id":"12x1","birthday":"0000-00-00","cf_1":"я"}`)
	f.Add("", multi, "--x\r\nContent-Disposition: form-data; name=\"operation\"\r\n\r\nPutFile\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../a.php\"\r\n\r\n<?php\r\n--x\r\nContent-Disposition: form-data; name=\"path\"\r\n\r\nstorage/../styk.key\r\n--x--\r\n")
	f.Add("operation=retrieve&id=12x99999999999999999999", form, "")
	f.Add("operation=sync&modifiedTime=-1&elementType=Contacts", form, "")
	f.Add("operation=GetFilesList&inn=%00&sms=%ff", form, "inn[]=1&sms[a][b]=2")
	f.Add("operation=add_related&sourceRecordId=12x1&relatedRecordId=12x1&relationIdLabel=x", form, "")
	b := newBench(f, "sqlite")
	session := login(f, b, "api", demoKey)
	f.Fuzz(func(t *testing.T, query, kind, body string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/webservice.php", strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.URL.RawQuery = query + "&sessionName=" + session
		r.Header.Set("Content-Type", kind)
		before := total(t, b)
		rec := httptest.NewRecorder()
		r.RemoteAddr = "127.0.0.1:1"
		b.ServeHTTP(rec, r)
		var a answer
		if err := json.Unmarshal(rec.Body.Bytes(), &a); rec.Code != http.StatusOK || err != nil {
			t.Fatalf("%d %v: %s", rec.Code, err, rec.Body)
		}
		if a.Error.Code == CodeInternal {
			t.Fatalf("internal: %s", rec.Body)
		}
		if !a.Success && total(t, b) != before {
			t.Fatalf("refused, but something was stored: %s", rec.Body)
		}
		if strings.Contains(strings.ToLower(query+body), "logout") {
			session = login(t, b, "api", demoKey)
		}
	})
}

// FuzzCapture does the same with posts of the public form.
func FuzzCapture(f *testing.F) {
	f.Add("publicid=0123456789abcdef0123456789abcdef&lastname=a&urlencodeenable=1&%6dobile=8900", "application/x-www-form-urlencoded", "")
	f.Add("", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file_1_1\"; filename=\"a\\\"b.pdf\"\r\n\r\n%PDF\r\n--x\r\nContent-Disposition: form-data; name=\"publicid\"\r\n\r\n0123456789abcdef0123456789abcdef\r\n--x\r\nContent-Disposition: form-data; name=\"lastname\"\r\n\r\nя\r\n--x--")
	f.Add("publicid=0123456789abcdef0123456789abcdef&callback=alert(1)//", "application/x-www-form-urlencoded", "lastname[]=1")
	b := newBench(f, "sqlite")
	f.Fuzz(func(t *testing.T, query, kind, body string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/capture.php", strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", kind)
		before := total(t, b)
		rec := httptest.NewRecorder()
		b.ServeHTTP(rec, r)
		text := rec.Body.String()
		if open := strings.IndexByte(text, '('); open > 0 && callbackName.MatchString(text[:open]) {
			text = strings.TrimSuffix(text[open+1:], ")")
		}
		var a answer
		if err := json.Unmarshal([]byte(text), &a); rec.Code != http.StatusOK || err != nil || a.Error.Code == CodeInternal {
			t.Fatalf("%d %v: %s", rec.Code, err, rec.Body)
		}
		if !a.Success && total(t, b) != before {
			t.Fatalf("refused, but something was stored: %s", rec.Body)
		}
	})
}

// total counts all living records.
func total(t testing.TB, b *bench) (n int64) {
	t.Helper()
	for _, kind := range styk.RecordKinds {
		n += count(t, b, kind)
	}
	return n
}
