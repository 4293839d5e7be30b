package web

import (
	"net/http"
	"net/url"
	"slices"

	"styk"
	"styk/store"
)

// withdrawPage asks whether consent shall be withdrawn.
type withdrawPage struct {
	speech
	Action       string
	Back         string
	Embed, Theme string
}

// byVisitor stands in the history of what a visitor does on the status page.
var byVisitor = store.By{Origin: "status page"}

// withdrawn is what people see on the ticket.
var withdrawn = styk.Warning{Field: "consent", Rule: "withdrawn", Text: "посетитель отозвал согласие на обработку персональных данных"}

// showWithdraw answers GET /f/{form}/status/{secret}/withdraw.
func (s *forms) showWithdraw(w http.ResponseWriter, r *http.Request) {
	v := viewOf(r.URL.Query())
	st, words, ok := s.consented(w, r, v)
	if !ok {
		return
	}
	path := statusPath(st, r)
	render(w, "withdraw_page.html", withdrawPage{
		speech: words, Action: path + "/withdraw" + v.query(), Back: path + v.query(), Embed: v.embed, Theme: v.theme,
	})
}

// withdraw answers the POST: the ticket is open again, with a note that a person
// must act on. Coming twice changes nothing more.
func (s *forms) withdraw(w http.ResponseWriter, r *http.Request) {
	v := viewOf(r.URL.Query())
	st, words, ok := s.consented(w, r, v)
	if !ok {
		return
	}
	err := s.DB.Update(r.Context(), func(tx *store.Tx) error {
		t := &styk.Ticket{Entity: styk.Entity{ID: st.ticket.ID}}
		known := false
		_, err := tx.Edit(t, byVisitor, func() error {
			if known = slices.Contains(t.Warnings, withdrawn); !known {
				t.Warnings = append(slices.Clip(t.Warnings), withdrawn)
				t.Status = "Open"
			}
			return nil
		})
		if err != nil || known {
			return err
		}
		return tx.Insert(&styk.Comment{Related: t.ID, Text: "Отзыв согласия: " + withdrawn.Text}, byVisitor)
	})
	if err != nil {
		s.refuseStatus(w, r, v, words, err)
		return
	}
	s.sayPage(w, http.StatusOK, sayPage{speech: words, Title: words.T("withdrawn"), Text: words.T("withdrawn_text"), Embed: v.embed, Theme: v.theme})
}

// consented finds the submission behind the secret, if it holds a consent;
// else it has answered.
func (s *forms) consented(w http.ResponseWriter, r *http.Request, v view) (st status, words speech, ok bool) {
	st, err := s.status(r)
	s.headers(w, r, st.form, v)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	words = speak(st.form, v.lang)
	if err == nil && len(st.submission.Consents) == 0 {
		err = styk.Failed(styk.NotFound, "no consent was given")
	}
	if err != nil {
		s.refuseStatus(w, r, v, words, err)
		return st, words, false
	}
	return st, words, true
}

func statusPath(st status, r *http.Request) string {
	return "/f/" + url.PathEscape(st.form.Name) + "/status/" + url.PathEscape(r.PathValue("secret"))
}
