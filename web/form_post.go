package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"styk"
	"styk/blob"
	"styk/intake"
)

// accepted is the answer to a post that is stored (contract, part 3).
type accepted struct {
	Number    string  `json:"number"`
	CRMNumber *string `json:"crm_number"`
	Status    string  `json:"status"` // accepted or delivered
	StatusURL string  `json:"status_url"`
	Message   string  `json:"message"`
	// CardURL is the page of the card that the post brought; null for none,
	// whatever the reason.
	CardURL *string `json:"card_url"`
}

// postForm answers POST /f/{form}.
func (s *forms) postForm(w http.ResponseWriter, r *http.Request) {
	v := viewOf(r.URL.Query())
	form, err := s.form(r)
	if err != nil {
		s.refuse(w, r, nil, v, err)
		return
	}
	p, err := s.readPost(w, r, form, s.posts)
	if p != nil && p.values["_lang"] != "" {
		v = cleanView(p.values["_lang"], p.values["_embed"], p.values["_theme"])
	}
	var done *intake.Accepted
	if err == nil {
		done, err = s.accept(r, form, p)
	}
	s.headers(w, r, form, v)
	if err != nil {
		s.refusePost(w, r, form, v, p, s.ours("post", err))
		return
	}
	s.answerPost(w, r, form, v, p, done)
}

// readPost reads the body behind all limits. What could be read comes back
// beside an error as well, so that nothing typed is lost.
func (s *forms) readPost(w http.ResponseWriter, r *http.Request, form *styk.Form, t *throttle) (*posted, error) {
	if wait := t.wait(s.Remote(r)); wait > 0 {
		return s.readOn(w, r, form, &tooOften{wait})
	}
	if err := s.Intake.Room(max(0, r.ContentLength)); err != nil {
		return s.readOn(w, r, form, err)
	}
	if r.ContentLength > s.limits().Body {
		s.drain(w, r)
		return nil, &http.MaxBytesError{Limit: s.limits().Body}
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.limits().Body)
	b := &bodyReader{form: form, limits: s.limits(), keep: func(name string, file io.Reader) (blob.Info, error) {
		return s.Intake.Keep(r.Context(), name, file)
	}}
	p, err := b.read(r)
	if p == nil {
		p = &b.out
	}
	if err == nil {
		err = s.redeem(r.Context(), p)
	}
	return p, err
}

// readOn reads what was typed though the post is refused already: the page that
// says so shows it again. Files are not stored.
func (s *forms) readOn(w http.ResponseWriter, r *http.Request, form *styk.Form, why error) (*posted, error) {
	r.Body = http.MaxBytesReader(w, r.Body, s.limits().Body)
	b := &bodyReader{form: form, limits: s.limits(), keep: func(_ string, file io.Reader) (blob.Info, error) {
		_, err := io.Copy(io.Discard, file)
		return blob.Info{}, err
	}}
	_, _ = b.read(r)
	b.out.files, b.out.faults = nil, nil
	return &b.out, why
}

// drain takes a body that is refused, within reason: a browser that is cut
// while it still sends shows an error of the network instead of our answer.
func (s *forms) drain(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 2*s.limits().Body))
}

// redeem makes files of the tokens that came instead of them.
func (s *forms) redeem(ctx context.Context, p *posted) error {
	for _, t := range p.tokens {
		if p.drop[t.token] || t.token == "" {
			continue
		}
		file, ok := s.file(t.token)
		if !ok || file.field != t.field {
			continue // the field then counts as empty: «Прикрепите файл»
		}
		switch _, _, err := s.Intake.Blobs.Stat(ctx, file.upload.Info.Sum); {
		case errors.Is(err, blob.ErrNotFound):
			continue
		case err != nil:
			return err
		}
		p.files = append(p.files, file)
	}
	return nil
}

// accept hands a read post down.
func (s *forms) accept(r *http.Request, form *styk.Form, p *posted) (*intake.Accepted, error) {
	if len(p.faults) > 0 {
		return nil, s.faulty(form, p)
	}
	points, reasons := s.suspect(r, form, p)
	post := intake.FormPost{
		Values: ownValues(form, p.values), Key: p.values["_key"], HeaderKey: r.Header.Get("Idempotency-Key"),
		Agent: cut(r.UserAgent(), 400), Page: cut(s.pageOf(r, p), 500), Suspicion: points, Reasons: reasons,
	}
	if addr := s.Remote(r); addr.IsValid() {
		post.Address = addr.String()
	}
	for _, f := range p.files {
		post.Files = append(post.Files, f.upload)
	}
	return s.Intake.Accept(r.Context(), form, post)
}

// faulty adds to the faults of files those of all other fields: the visitor
// learns of everything at once.
func (s *forms) faulty(form *styk.Form, p *posted) error {
	all := &styk.Error{Code: styk.Invalid}
	had := map[string]bool{}
	for _, f := range p.faults {
		words := speak(form, cleanView(p.values["_lang"], "", "").lang)
		switch f.Rule {
		case "max_bytes":
			f.Text = words.With("too_large", "name", f.Value, "limit", sizeOf(words, s.maxFile()))
		case "content":
			kind := strings.ToUpper(f.Value[strings.LastIndexByte(f.Value, '.')+1:])
			f.Text = words.With("not_its_kind", "name", f.Value, "kind", kind)
		}
		had[f.Field] = true
		all.Faults = append(all.Faults, f)
	}
	_, err := form.Read(ownValues(form, p.values), filled(p.files))
	for _, f := range faultsOf(err) {
		if !had[f.Field] {
			all.Faults = append(all.Faults, f)
		}
	}
	return all
}

func filled(files []formFile) (list []styk.FilledFile) {
	for _, f := range files {
		list = append(list, styk.FilledFile{Field: f.field, Name: f.upload.FileName, Ext: f.upload.Info.Ext, Size: f.upload.Info.Size})
	}
	return list
}

// ownValues leaves out what the form does not ask for.
func ownValues(form *styk.Form, values map[string]string) map[string]string {
	own := make(map[string]string, len(form.Fields))
	for i := range form.Fields {
		name := form.Fields[i].Name
		if v, ok := values[name]; ok {
			own[name] = v
		}
	}
	return own
}

// pageOf gives the page on which the form stood.
func (s *forms) pageOf(r *http.Request, p *posted) string {
	page := p.values["_page"]
	if page == "" {
		page = r.Referer()
	}
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil // may hold anything
	return u.String()
}

func (s *forms) refusePost(w http.ResponseWriter, r *http.Request, form *styk.Form, v view, p *posted, err error) {
	a := answerOf(speak(form, v.lang), form, err)
	a.wait(w)
	if wantsJSON(r) {
		writeJSON(w, a.status, a)
		return
	}
	t := typed{}
	if p != nil {
		t = typed{values: p.values, files: p.files, key: p.values["_key"]}
	}
	if t.key == "" || len(t.key) > maxKey {
		t.key = newKey()
	}
	w.Header().Set("Cache-Control", "no-store")
	renderStatus(w, a.status, "form_page.html", s.page(form, v, t, err))
}

// answerPost says the number; programs get it at once, browsers by a page that
// may be reloaded.
func (s *forms) answerPost(w http.ResponseWriter, r *http.Request, form *styk.Form, v view, p *posted, done *intake.Accepted) {
	s.sight(r, form)
	progress := s.Intake.Wait(r.Context(), done, form.WaitFor())
	path := "/f/" + url.PathEscape(form.Name) + "/status/" + done.Secret
	if wantsJSON(r) {
		a := s.acceptedOf(speak(form, v.lang), s.Base()+path, done.Number, progress.Number, progress.Delivered)
		a.CardURL = s.cardURL(done.Card)
		writeJSON(w, http.StatusCreated, a)
		return
	}
	query := url.Values{"done": {"1"}}
	if back := s.pageOf(r, p); back != "" && !strings.HasPrefix(back, s.Base()+"/f/") && s.foreign(r) {
		query.Set("back", s.backMark(back))
	}
	if rest := v.query(); rest != "" {
		path += rest + "&"
	} else {
		path += "?"
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", path+query.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// foreign says whether the form stood on another site.
func (s *forms) foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin != "" && origin != s.Base() && origin != "http://"+r.Host && origin != "https://"+r.Host
}

// cardURL gives the address of a card's page; nil where there is no card.
func (s *forms) cardURL(number string) *string {
	if number == "" || s.Cards == nil {
		return nil
	}
	address := s.Cards.URL(number)
	return &address
}

func (s *forms) acceptedOf(words speech, statusURL, number, crm string, delivered bool) accepted {
	a := accepted{Number: number, Status: "accepted", StatusURL: statusURL, Message: s.successText(words)}
	if crm != "" {
		a.CRMNumber = &crm
	}
	if delivered {
		a.Status = "delivered"
	}
	return a
}

// postFile answers POST /f/{form}/files: one file that goes up while the
// visitor still types. The token of the answer stands for it in the post.
func (s *forms) postFile(w http.ResponseWriter, r *http.Request) {
	v := viewOf(r.URL.Query())
	form, err := s.form(r)
	if err != nil {
		s.refuse(w, r, nil, v, err)
		return
	}
	s.headers(w, r, form, v)
	file, err := s.readFile(w, r, form)
	words := speak(form, v.lang)
	if err != nil {
		a := answerOf(words, form, s.ours("file", err))
		a.wait(w)
		writeJSON(w, a.status, a)
		return
	}
	writeJSON(w, http.StatusCreated, map[string]any{
		"token": s.token(file), "name": file.upload.FileName, "size": file.upload.Info.Size, "type": file.upload.Info.Type,
	})
}

// readFile stores the body of a request as a file of a field.
func (s *forms) readFile(w http.ResponseWriter, r *http.Request, form *styk.Form) (formFile, error) {
	if wait := s.uploads.wait(s.Remote(r)); wait > 0 {
		s.drain(w, r)
		return formFile{}, &tooOften{wait}
	}
	if err := s.Intake.Room(max(0, r.ContentLength)); err != nil {
		s.drain(w, r)
		return formFile{}, err
	}
	name := r.URL.Query().Get("field")
	field := form.Field(name)
	if field == nil || field.Type != styk.FieldFile {
		return formFile{}, styk.FieldError(styk.Invalid, name, "unknown", "there is no such file field")
	}
	b := &bodyReader{form: form, limits: limits{Files: 1}, keep: func(fileName string, file io.Reader) (blob.Info, error) {
		return s.Intake.Keep(r.Context(), fileName, file)
	}}
	r.Body = http.MaxBytesReader(w, r.Body, s.limits().Body)
	err := b.file(name, legible(r.URL.Query().Get("name")), r.Body)
	if err != nil {
		return formFile{}, err
	}
	if len(b.out.faults) > 0 {
		s.drain(w, r)
		return formFile{}, onlyOf(name, s.faulty(form, &posted{faults: b.out.faults, values: map[string]string{"_lang": viewOf(r.URL.Query()).lang}}))
	}
	one := styk.Form{Fields: []styk.FormField{*field}}
	if _, err := one.Read(nil, filled(b.out.files)); err != nil {
		return formFile{}, err
	}
	return b.out.files[0], nil
}

// onlyOf keeps of an error the faults of one field.
func onlyOf(field string, err error) error {
	only := &styk.Error{Code: styk.Invalid}
	for _, f := range faultsOf(err) {
		if f.Field == field {
			only.Faults = append(only.Faults, f)
		}
	}
	return only
}

// successText is what the visitor reads when all is well.
func (s *forms) successText(words speech) string {
	if s.Success != nil {
		if text := s.Success(words.Lang, s.now()); text != "" && words.own["success"] == "" {
			return text
		}
	}
	return words.T("success")
}

const maxKey = 200 // bytes, of an idempotency key

// now is the clock.
func (s *forms) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
