package web

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"styk"
	"styk/store"
)

// part is one part of a multipart body; name of a file or "" for a text.
type part struct{ field, file, body string }

// seedParts are the seed's form filled in.
func seedParts() []part {
	return []part{
		{"topic", "", "Касса молчит"}, {"name", "", "Анна"}, {"phone", "", "8 (900) 123-45-67"}, {"email", "", "anna@example.ru"},
		{"message", "", "Текст"}, {"consent", "", "да"}, {"file", "акт.pdf", "%PDF-1.4\n%%EOF"},
	}
}

func multipartBody(t *testing.T, parts []part) (kind, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		var err error
		if p.file == "" {
			err = w.WriteField(p.field, p.body)
		} else if to, e := w.CreateFormFile(p.field, p.file); e == nil {
			_, err = to.Write([]byte(p.body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.String()
}

func (s *site) postParts(parts []part, header ...string) answered {
	s.t.Helper()
	kind, body := multipartBody(s.t, parts)
	return s.do("POST", "/f/feedback", kind, body, header...)
}

func (a answered) accepted(t *testing.T) accepted {
	t.Helper()
	var got accepted
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusCreated {
		t.Fatalf("status %d, %v: %s", a.status, err, a.body)
	}
	return got
}

// errors gives "field: message" of each error of a refusal.
func (a answered) errors(t *testing.T) (list []string) {
	t.Helper()
	var got refusal
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || len(got.Errors) == 0 {
		t.Fatalf("status %d, no refusal in JSON: %v: %s", a.status, err, a.body)
	}
	for _, e := range got.Errors {
		list = append(list, e.Field+": "+e.Message)
	}
	return list
}

var jsonPlease = []string{"Accept", asJSON}

func TestPostInEveryWay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	number := regexp.MustCompile(`^\d{4}-\d{4,}-\d$`)
	file := base64.StdEncoding.EncodeToString([]byte("%PDF-1.4\n%%EOF"))
	inJSON := `{"topic":"t","name":"Анна","phone":"89001234567","email":"a@b.ru","message":"m","consent":true,"file":{"name":"а.pdf","content":"` + file + `"}}`
	for name, a := range map[string]answered{
		"multipart":       s.postParts(seedParts(), jsonPlease...),
		"urlencoded":      s.do("POST", "/f/short", urlencoded, values(), jsonPlease...),
		"JSON":            s.do("POST", "/f/feedback", asJSON, inJSON, jsonPlease...),
		"JSON, no Accept": s.do("POST", "/f/short", asJSON+"; charset=utf-8", `{"name":"Б","phone":89001234568}`),
	} {
		got := a.accepted(t)
		if !number.MatchString(got.Number) || got.CRMNumber != nil || got.Status != "accepted" ||
			got.Message != "Ваша заявка отправлена. Мы свяжемся с вами в рабочее время по мск с 9:00 до 18:00" ||
			!strings.HasPrefix(got.StatusURL, s.url+"/f/") {
			t.Errorf("%s: %+v", name, got)
		}
		if !strings.Contains(a.body, `"crm_number":null`) {
			t.Errorf("%s: crm_number is not null in %s", name, a.body)
		}
	}
	for _, p := range s.submissions() {
		if p.Value("phone") == "" || p.Form == "" {
			t.Errorf("stored %+v", p)
		}
	}
}

func TestPostFromABrowserEndsOnAPageThatMayBeReloaded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.do("POST", "/f/short", urlencoded, values())
	at := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(at, "/f/short/status/") {
		t.Fatalf("%d %s", a.status, at)
	}
	page := s.do("GET", at, "", "")
	for _, want := range []string{"Ваша заявка отправлена. Мы свяжемся с вами в рабочее время по мск с 9:00 до 18:00", "Хорошо", "Номер обращения"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", "Cache-Control": "no-store"} {
		if got := page.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if n := len(s.submissions()); n != 1 {
		t.Errorf("%d submissions", n)
	}
}

func TestRefusedPostTellsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.postParts([]part{{"email", "", "не почта"}, {"topic", "", "Осталось"}}, jsonPlease...)
	if a.status != http.StatusUnprocessableEntity {
		t.Fatalf("status %d", a.status)
	}
	got := strings.Join(a.errors(t), "\n")
	for _, want := range []string{"file: Прикрепите файл", "phone: Введите телефон, например +7 900 123-45-67", "email: Введите", "name: ", "message: ", "consent: "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	page := s.postParts([]part{{"email", "", "не <почта>"}, {"topic", "", "Осталось"}})
	if page.status != http.StatusUnprocessableEntity || !strings.Contains(page.body, `value="Осталось"`) ||
		!strings.Contains(page.body, "не &lt;почта&gt;") || !strings.Contains(page.body, "Прикрепите файл") {
		t.Errorf("%d: the page does not hold what was typed:\n%s", page.status, page.body)
	}
	if n := len(s.submissions()); n != 0 {
		t.Errorf("%d submissions of refused posts", n)
	}
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	post := func(body string, header ...string) answered {
		return s.do("POST", "/f/short", urlencoded, body, append(header, jsonPlease...)...)
	}
	first := post(values(), "Idempotency-Key", "one").accepted(t)
	if again := post(values(), "Idempotency-Key", "one").accepted(t); again.Number != first.Number || again.StatusURL != first.StatusURL {
		t.Errorf("the same key: %+v, first %+v", again, first)
	}
	if a := post(values("message", "иначе"), "Idempotency-Key", "one"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("the same header key with other values: %d %s", a.status, a.body)
	}
	page := post(values("_key", "page")).accepted(t)
	if other := post(values("_key", "page", "message", "иначе")).accepted(t); other.Number == page.Number {
		t.Error("the same page key with other values is another submission")
	}
	if again := post(values("_key", "page")).accepted(t); again.Number != page.Number {
		t.Error("the same page key with the same values is the same submission")
	}
	bare := post(values("message", "без ключа")).accepted(t)
	if again := post(values("message", "без ключа")).accepted(t); again.Number != bare.Number {
		t.Error("without a key the same values are the same submission")
	}
	if a := post("name=&_key=used", "Idempotency-Key", "later"); a.status != http.StatusUnprocessableEntity {
		t.Fatal(a.status)
	}
	post(values("message", "после отказа"), "Idempotency-Key", "later").accepted(t)
}

func TestManyAtOnceWithOneKey(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var all sync.WaitGroup
	numbers := make([]string, 20)
	for i := range numbers {
		all.Go(func() {
			numbers[i] = s.do("POST", "/f/short", urlencoded, values(), "Accept", asJSON, "Idempotency-Key", "k").accepted(t).Number
		})
	}
	all.Wait()
	for _, n := range numbers {
		if n != numbers[0] {
			t.Fatalf("numbers differ: %v", numbers)
		}
	}
}

func TestStatusFollowsTheCRM(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	kind, body := multipartBody(t, seedParts())
	first := s.do("POST", "/f/desk0", kind, body, jsonPlease...).accepted(t)
	path := strings.TrimPrefix(first.StatusURL, s.url)
	s.deliver("desk0", "SR-00000042")
	var got accepted
	if err := json.Unmarshal([]byte(s.do("GET", path, "", "", jsonPlease...).body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Number != first.Number || got.CRMNumber == nil || *got.CRMNumber != "SR-00000042" || got.Status != "delivered" {
		t.Errorf("%+v", got)
	}
	again := s.do("POST", "/f/desk0", kind, body, jsonPlease...).accepted(t)
	if again.Number != first.Number || again.CRMNumber == nil {
		t.Errorf("the repeated post: %+v", again)
	}
	for _, wrong := range []string{path + "0", strings.Replace(path, "desk0", "short", 1), "/f/desk0/status/1-0", "/f/desk0/status/%00"} {
		if a := s.do("GET", wrong, "", ""); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", wrong, a.status)
		}
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Intake.MaxFile = 1 << 20 })
	broken := "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nАнна"
	many := strings.Repeat("a=1&", 600)
	files := seedParts()[:6]
	for i := range 25 {
		files = append(files, part{"file", fmt.Sprintf("%d.pdf", i), "%PDF-1.4\n%%EOF"})
	}
	filesKind, filesBody := multipartBody(t, files)
	large := append(seedParts()[:6], part{"file", "большой.pdf", "%PDF-" + strings.Repeat("x", 1<<20)})
	largeKind, largeBody := multipartBody(t, large)
	for name, one := range map[string]struct {
		kind, body string
		status     int
	}{
		"no type":            {"", "name=a", http.StatusUnsupportedMediaType},
		"another type":       {"text/plain", "name=a", http.StatusUnsupportedMediaType},
		"no boundary":        {"multipart/form-data", broken, http.StatusBadRequest},
		"cut multipart":      {"multipart/form-data; boundary=x", broken, http.StatusBadRequest},
		"no JSON":            {asJSON, `{"name":`, http.StatusBadRequest},
		"a JSON list":        {asJSON, `[1]`, http.StatusBadRequest},
		"JSON null":          {asJSON, `null`, http.StatusBadRequest},
		"nested JSON":        {asJSON, `{"name":{"a":{"b":1}}}`, http.StatusBadRequest},
		"too many fields":    {urlencoded, many, http.StatusRequestEntityTooLarge},
		"too much text":      {urlencoded, "message=" + strings.Repeat("x", 5<<20), http.StatusRequestEntityTooLarge},
		"too many files":     {filesKind, filesBody, http.StatusRequestEntityTooLarge},
		"too large a file":   {largeKind, largeBody, http.StatusRequestEntityTooLarge},
		"bad base64":         {asJSON, `{"file":{"name":"a.pdf","content":"!!!"}}`, http.StatusBadRequest},
		"an empty body":      {urlencoded, "", http.StatusUnprocessableEntity},
		"nothing but a file": {asJSON, `{"file":{"token":"forged"}}`, http.StatusUnprocessableEntity},
	} {
		a := s.do("POST", "/f/feedback", one.kind, one.body, jsonPlease...)
		if a.status != one.status {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, one.status)
			continue
		}
		a.errors(t)
		page := s.do("POST", "/f/feedback", one.kind, one.body, "Accept", "text/html")
		if page.status != one.status || !strings.Contains(page.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s, as a page: %d %s", name, page.status, page.header.Get("Content-Type"))
		}
	}
	if a := s.do("POST", "/f/nosuch", urlencoded, values(), jsonPlease...); a.status != http.StatusNotFound {
		t.Errorf("no such form: %d", a.status)
	}
}

func TestTooLargeAFileLosesNothingTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Intake.MaxFile = 1 << 20 })
	parts := append([]part{{"file", "кино.pdf", "%PDF-" + strings.Repeat("x", 1<<20)}}, seedParts()[:6]...)
	a := s.postParts(parts)
	if a.status != http.StatusRequestEntityTooLarge || !strings.Contains(a.body, "слишком большой: можно до 1\u00a0МБ") ||
		!strings.Contains(a.body, `value="Касса молчит"`) {
		t.Errorf("%d\n%s", a.status, a.body)
	}
}

func TestHostileFileNames(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i, name := range []string{"../../etc/passwd", `C:\fakepath\акт.pdf`, strings.Repeat("я", 500) + ".txt", "<img src=x>.txt", "con.txt"} {
		parts := append(seedParts()[:6], part{"file", name, "%PDF-1.4\n%%EOF"}, part{"topic", "", fmt.Sprint(i)})
		kind, body := multipartBody(t, parts)
		a := s.do("POST", "/f/feedback", kind, body, jsonPlease...)
		if a.status != http.StatusCreated {
			t.Errorf("%q: %d %s", name, a.status, a.body)
		}
	}
}

func TestOldEncodingIsUnderstood(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	name, err := charmap.Windows1251.NewEncoder().String("Щукин Ёж №1")
	if err != nil {
		t.Fatal(err)
	}
	s.do("POST", "/f/short", urlencoded, "name="+url.QueryEscape(name)+"&phone=89001234567&message=50%&x;y=1", jsonPlease...).accepted(t)
	p := s.submissions()[0]
	if p.Value("name") != "Щукин Ёж №1" || p.Value("message") != "50%" {
		t.Errorf("%+v", p.Fields)
	}
}

func TestKeptFileStandsForItself(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	up := s.do("POST", "/f/feedback/files?field=file&name="+url.QueryEscape("акт №1.pdf"), "application/octet-stream", "%PDF-1.4\n%%EOF")
	var file struct {
		Token, Name string
		Size        int64
	}
	if err := json.Unmarshal([]byte(up.body), &file); err != nil || up.status != http.StatusCreated || file.Name != "акт №1.pdf" || file.Size != 14 {
		t.Fatalf("%d %s", up.status, up.body)
	}
	s.postParts(append(seedParts()[:6], part{"_file.file", "", file.Token}), jsonPlease...).accepted(t)
	for name, token := range map[string]string{"forged": file.Token[:len(file.Token)-1] + "0", "another field": file.Token} {
		field := "_file.file"
		if name == "another field" {
			field = "_file.message"
		}
		parts := append(seedParts()[1:6], part{"topic", "", name}, part{field, "", token})
		if a := s.postParts(parts, jsonPlease...); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := s.do("POST", "/f/feedback/files?field=topic&name=a.pdf", "", "x"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a field of another type: %d", a.status)
	}
	if a := s.do("POST", "/f/feedback/files?field=file&name=a.pdf", "", "no pdf"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("no PDF: %d %s", a.status, a.body)
	}
}

// F-52: the layers before any captcha.
func TestRateLimits(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	s := newSite(t, from("203.0.113.7"), func(o *Options) {
		o.Posts = Rate{Burst: 3, Every: 10 * time.Second}
		o.Now = func() time.Time { return clock }
	})
	post := func(i int, header ...string) answered {
		return s.do("POST", "/f/short", urlencoded, values("message", fmt.Sprint(i)), header...)
	}
	for i := range 3 {
		post(i, jsonPlease...).accepted(t)
	}
	a := post(4, jsonPlease...)
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "10" {
		t.Fatalf("%d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	a.errors(t)
	page := post(5)
	if page.status != http.StatusTooManyRequests || !strings.Contains(page.body, `value="Анна"`) {
		t.Errorf("the page: %d, without what was typed", page.status)
	}
	clock = clock.Add(10 * time.Second)
	post(4, jsonPlease...).accepted(t)
}

func TestSuspicionNeverDrops(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newSite(t, func(o *Options) { o.Now = func() time.Time { return now } })
	mark := func() string {
		page := s.do("GET", "/f/short", "", "").body
		return regexp.MustCompile(`name="_time" value="([^"]+)"`).FindStringSubmatch(page)[1]
	}
	fresh := mark()
	now = now.Add(time.Minute)
	for name, one := range map[string]struct {
		values    string
		suspicion bool
		reason    string
	}{
		"a person":       {values("_time", fresh, "website", ""), false, ""},
		"a foreign form": {values(), false, ""},
		"the trap":       {values("_time", fresh, "website", "http://spam"), true, "ловушка"},
		"a forged mark":  {values("_time", "zzz.000000000000000000000000"), true, "подделана"},
		"one weak sign":  {values("_time", mark()), false, "быстрее"},
	} {
		s.do("POST", "/f/short", urlencoded, one.values+"&message="+url.QueryEscape(name), jsonPlease...).accepted(t)
		var got *styk.Submission
		for _, p := range s.submissions() {
			if p.Value("message") == name {
				got = p
			}
		}
		if got == nil || (got.Suspicion > 0) != one.suspicion || !strings.Contains(strings.Join(got.Reasons, " "), one.reason) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestEmbeddingHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	get := func(path string, header ...string) http.Header { return s.do("GET", path, "", "", header...).header }
	csp := func(h http.Header) string { return h.Get("Content-Security-Policy") }
	if got := csp(get("/f/feedback")); !strings.Contains(got, "frame-ancestors 'none'") {
		t.Error(got)
	}
	if got := csp(get("/f/feedback?embed=1")); !strings.Contains(got, "frame-ancestors *") {
		t.Error(got)
	}
	if got := csp(get("/f/here?embed=1")); !strings.Contains(got, "frame-ancestors 'self' https://firm.example") {
		t.Error(got)
	}
	if got := get("/f/feedback", "Origin", "https://any.example").Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("allowed %q", got)
	}
	if got := get("/f/here", "Origin", "https://any.example").Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("allowed %q", got)
	}
	if got := get("/f/here", "Origin", "https://firm.example").Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("allowed %q", got)
	}
	for _, path := range []string{"/f/feedback", "/f/feedback?embed=1", "/styk.js"} {
		if c := get(path).Values("Set-Cookie"); len(c) != 0 {
			t.Errorf("%s sets %v", path, c)
		}
	}
	if got := s.do("OPTIONS", "/f/feedback", "", "", "Origin", "https://a.example").header.Get("Access-Control-Allow-Headers"); !strings.Contains(got, "Idempotency-Key") {
		t.Errorf("preflight allows %q", got)
	}
}

func TestWithdrawalIsNotedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := strings.TrimPrefix(s.postParts(seedParts(), jsonPlease...).accepted(t).StatusURL, s.url) + "/withdraw"
	for range 2 {
		if a := s.do("POST", path, urlencoded, ""); a.status != http.StatusOK || !strings.Contains(a.body, "Отзыв согласия принят") {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	err := s.db.View(t.Context(), func(tx *store.Tx) error {
		ticket := &styk.Ticket{Entity: styk.Entity{ID: s.submissions()[0].Ticket}}
		err := tx.Load(ticket)
		if n := len(ticket.Warnings); err == nil && (n == 0 || ticket.Warnings[n-1] != withdrawn) {
			t.Errorf("warnings %+v", ticket.Warnings)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	none := s.do("POST", "/f/short", urlencoded, values(), jsonPlease...).accepted(t)
	if a := s.do("GET", strings.TrimPrefix(none.StatusURL, s.url)+"/withdraw", "", ""); a.status != http.StatusNotFound {
		t.Errorf("nothing to withdraw: %d", a.status)
	}
}

// F-57 and the figures: the script at most 15 KB gzipped, the page at most 40 KB.
func TestSizes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	script := s.do("GET", "/styk.js", "", "")
	if _, err := w.Write([]byte(script.body)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if packed.Len() > 15<<10 {
		t.Errorf("styk.js: %d bytes gzipped", packed.Len())
	}
	page := len(s.do("GET", "/f/feedback", "", "").body)
	style := len(s.do("GET", "/static/form.css", "", "").body)
	t.Logf("styk.js %d bytes gzipped, page %d, style %d", packed.Len(), page, style)
	if page > 40<<10 {
		t.Errorf("the page: %d bytes", page)
	}
	tag := script.header.Get("ETag")
	if a := s.do("GET", "/styk.js", "", "", "If-None-Match", tag); tag == "" || a.status != http.StatusNotModified {
		t.Errorf("asked again with %s: %d", tag, a.status)
	}
}

func TestThrottleForgets(t *testing.T) {
	t.Parallel()
	clock := time.Unix(1e9, 0)
	th := newThrottle(Rate{Burst: 2, Every: time.Second}, func() time.Time { return clock })
	for i := range 1000 {
		th.wait(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}))
	}
	clock = clock.Add(time.Minute)
	th.wait(netip.MustParseAddr("192.0.2.1"))
	if len(th.seen) != 1 {
		t.Errorf("%d addresses are remembered", len(th.seen))
	}
}
