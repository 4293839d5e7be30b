package store

import (
	"slices"
	"strconv"
	"strings"

	"styk"
)

// maxTokens bounds what one record puts into the search table; a record within
// the limits on its fields stays far below.
const maxTokens = 400

// tokensAtOnce bounds one INSERT.
const tokensAtOnce = 20

// maxToken bounds one token, in bytes; longer ones are cut.
const maxToken = 64

// tokensOf lists the words by which a record is found: folded words of names
// and titles, phones as digits forward and, behind "<", backward (the tail of
// a number is what people remember), ИНН, e-mail, numbers. Sorted, no doubles.
func tokensOf(rec styk.Record) []string {
	var t tokens
	switch r := rec.(type) {
	case *styk.Contact:
		t.words(r.FirstName, r.SecondName, r.LastName)
		t.phones(r.Mobile, r.Phone)
		t.exact(r.Email, r.INN)
	case *styk.Account:
		t.words(r.Name)
		t.phones(r.Phone)
		t.exact(r.Email, r.INN, r.OGRN)
	case *styk.Project:
		t.words(r.Name)
	case *styk.Ticket:
		t.words(r.Title)
		t.exact(strings.ReplaceAll(r.Number, "-", ""))
	case *styk.Document:
		t.words(r.Title, r.FileName)
	}
	slices.Sort(t)
	t = slices.Compact(t)
	if len(t) > maxTokens {
		t = t[:maxTokens]
	}
	return t
}

type tokens []string

func (t *tokens) add(token string) {
	if len(token) > maxToken {
		token = strings.ToValidUTF8(token[:maxToken], "")
	}
	if token != "" {
		*t = append(*t, token)
	}
}

func (t *tokens) words(texts ...string) {
	for _, text := range texts {
		for _, w := range styk.Words(text) {
			t.add(w)
		}
	}
}

func (t *tokens) exact(texts ...string) {
	for _, text := range texts {
		t.add(styk.Fold(strings.TrimSpace(text)))
	}
}

func (t *tokens) phones(texts ...string) {
	for _, text := range texts {
		if d := PhoneToken(text); d != "" {
			t.add(d)
			t.add("<" + reversed(d))
		}
	}
}

// PhoneToken gives the digits under which a phone stands in the search table.
func PhoneToken(phone string) string {
	if p, ok := styk.ParsePhone(phone); ok {
		return string(p[1:])
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, phone)
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// index changes the record's tokens from old to now; both are sorted.
func (tx *Tx) index(kind styk.Kind, id styk.ID, old, now []string) error {
	for _, token := range old {
		if _, found := slices.BinarySearch(now, token); !found {
			err := tx.exec(`DELETE FROM search WHERE token = $1 AND kind = $2 AND record_id = $3`, token, string(kind), int64(id))
			if err != nil {
				return err
			}
		}
	}
	added := make([]any, 0, len(now))
	for _, token := range now {
		if _, found := slices.BinarySearch(old, token); !found {
			added = append(added, token)
		}
	}
	for part := range slices.Chunk(added, tokensAtOnce) {
		args := append([]any{string(kind), int64(id)}, part...)
		if err := tx.exec(indexTexts[len(part)], args...); err != nil {
			return err
		}
	}
	return nil
}

// indexTexts are the inserts of one to tokensAtOnce tokens.
var indexTexts = func() (texts [tokensAtOnce + 1]string) {
	var rows []string
	for n := 1; n <= tokensAtOnce; n++ {
		rows = append(rows, "($"+strconv.Itoa(n+2)+", $1, $2)")
		texts[n] = "INSERT INTO search (token, kind, record_id) VALUES " + strings.Join(rows, ", ") +
			" ON CONFLICT (token, kind, record_id) DO NOTHING"
	}
	return texts
}()
