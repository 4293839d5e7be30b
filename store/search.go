package store

import (
	"database/sql"
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

// Hit is one found record.
type Hit struct {
	Kind styk.Kind
	ID   styk.ID
}

// Search finds living records by what people type: each word must begin a
// token; digits are also tried as the tail of a phone. Newest first, at most
// limit.
func (tx *Tx) Search(text string, kinds []styk.Kind, limit int) ([]Hit, error) {
	words := queryTokens(text)
	if len(words) == 0 {
		return nil, nil
	}
	var b strings.Builder
	b.WriteString(`SELECT kind, record_id FROM search WHERE `)
	list := []any{}
	arg := func(v any) string {
		list = append(list, v)
		return "$" + strconv.Itoa(len(list))
	}
	ranges := func(w string) string {
		clause := "token >= " + arg(w) + " AND token < " + arg(w+"\U0010ffff")
		if len(w) >= 3 && strings.Trim(w, "0123456789") == "" {
			tail := "<" + reversed(w)
			clause = "(" + clause + " OR token >= " + arg(tail) + " AND token < " + arg(tail+"\U0010ffff") + ")"
		}
		return clause
	}
	b.WriteString(ranges(words[0]))
	if len(kinds) > 0 {
		b.WriteString(" AND kind IN (")
		for i, k := range kinds {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(arg(string(k)))
		}
		b.WriteString(")")
	}
	for _, w := range words[1:] {
		b.WriteString(" AND EXISTS (SELECT 1 FROM search s WHERE s.record_id = search.record_id AND s.kind = search.kind AND " +
			strings.ReplaceAll(ranges(w), "token", "s.token") + ")")
	}
	b.WriteString(" GROUP BY kind, record_id ORDER BY record_id DESC LIMIT " + arg(int64(limit)))
	var hits []Hit
	err := tx.each(func(rows *sql.Rows) error {
		var h Hit
		if err := rows.Scan((*string)(&h.Kind), (*int64)(&h.ID)); err != nil {
			return err
		}
		hits = append(hits, h)
		return nil
	}, b.String(), list...)
	return hits, err
}

// queryTokens cuts what was typed into tokens: an address with @ stays whole,
// a phone or a number in any grouping becomes digits, the rest words. The
// longest comes first, because it finds least.
func queryTokens(text string) []string {
	text = strings.TrimSpace(styk.Fold(text))
	if strings.Trim(text, "+-() .0123456789") == "" {
		if d := PhoneToken(text); d != "" {
			return []string{d}
		}
	}
	var words []string
	for _, part := range strings.Fields(text) {
		if strings.Contains(part, "@") {
			words = append(words, part)
			continue
		}
		words = append(words, styk.Words(part)...)
	}
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	var cut tokens
	for _, w := range words[:min(len(words), 6)] {
		cut.add(w) // as long as it stands in the table
	}
	return cut
}
