package store

import (
	"database/sql"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"

	"styk"
)

// needles are the values by which one person is known again in free text:
// folded texts, and phones and numbers as digits.
type needles map[string]bool

// shortNeedle is below how many signs a text is too common to name one person.
const shortNeedle = 5

// needles gathers the values of a person: of the contact as it is, of what it
// was, of what forms offered for it and of the cards. Once they are erased none
// are left, so whoever looks for them does it before.
func (tx *Tx) needles(b Belongings) (needles, error) {
	all := needles{}
	for _, id := range b[string(styk.KindContact)] {
		c := &styk.Contact{}
		c.ID = id
		if err := tx.read(c, tables[styk.KindContact].load); err != nil {
			return nil, err
		}
		for _, f := range fields(c) {
			if strings.HasPrefix(f.name, extraPrefix) || telling[f.name] {
				all.add(f.text)
			}
		}
		list, err := tx.History(id, 0, 1000)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			for name, values := range c.Fields {
				if telling[name] {
					all.add(values[0])
					all.add(values[1])
				}
			}
		}
		came, err := tx.Suggestions(id)
		if err != nil {
			return nil, err
		}
		for _, s := range came {
			if telling[s.Field] {
				all.add(s.Value)
			}
		}
	}
	for _, id := range b[partCard] {
		c, err := tx.CardByID(id)
		if err != nil {
			return nil, err
		}
		all.add(c.Code)
		for _, v := range c.Values {
			if utf8.RuneCountInString(v) > shortNeedle {
				all.add(v)
			}
		}
	}
	return all, nil
}

// telling are the columns of a contact that tell who it is.
var telling = map[string]bool{"first_name": true, "second_name": true, "last_name": true, "mobile": true, "phone": true, "email": true,
	"telegram_id": true, "birthplace": true, "address": true, "inn": true, "requisites": true, "text": true}

// usualNames are what many records have in these columns.
var usualNames = map[string]bool{"посетитель сайта": true, styk.Fold(Erasing): true}

func (n needles) add(text string) {
	text = styk.Fold(strings.TrimSpace(text))
	if usualNames[text] {
		return
	}
	if p, ok := styk.ParsePhone(text); ok {
		n[string(p)[2:]] = true // without the country's digit: 8 and +7 are one
	}
	if utf8.RuneCountInString(text) >= shortNeedle {
		n[text] = true
	}
}

// in says whether one of the values stands in a text, as it is, in a form's or
// in a program's escapes, phones in any grouping.
func (n needles) in(text string) bool {
	forms := []string{text}
	if plain, err := url.QueryUnescape(text); err == nil && plain != text {
		forms = append(forms, plain)
	} else if strings.Contains(text, "%") {
		forms = append(forms, loosely(text))
	}
	for _, form := range forms {
		form = unescaped(form)
		folded, digits := styk.Fold(form), digitsOf(form)
		for value := range n {
			if strings.Contains(folded, value) || len(value) >= 10 && digitsOf(value) == value && strings.Contains(digits, value) {
				return true
			}
		}
	}
	return false
}

// loosely unescapes a form with escapes that are cut.
func loosely(text string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '&' || r == '=' || r == '\n' }) {
		if plain, err := url.QueryUnescape(part); err == nil {
			part = plain
		}
		b.WriteString(part + "\n")
	}
	return b.String()
}

// unescaped undoes the escapes of JSON in a text of any kind.
func unescaped(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		i := strings.IndexByte(text, '\\')
		if i < 0 || i+1 >= len(text) {
			break
		}
		b.WriteString(text[:i])
		n := 2
		if text[i+1] == 'u' {
			n = 6
			for i+n+6 <= len(text) && text[i+n] == '\\' && text[i+n+1] == 'u' {
				n += 6
			}
		}
		n = min(n, len(text)-i)
		var plain string
		if json.Unmarshal([]byte(`"`+text[i:i+n]+`"`), &plain) != nil {
			plain = text[i : i+n]
		}
		b.WriteString(plain)
		text = text[i+n:]
	}
	return b.String() + text
}

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}

// CallsAbout lists the kept calls of programs in which the person is spoken of.
// Call it in a View, before anything is erased.
func (tx *Tx) CallsAbout(b Belongings) (ids []styk.ID, err error) {
	needles, err := tx.needles(b)
	if err != nil || len(needles) == 0 {
		return nil, err
	}
	err = tx.each(func(rows *sql.Rows) error {
		var id int64
		var said [4]string
		if err := rows.Scan(&id, &said[0], &said[1], &said[2], &said[3]); err != nil {
			return err
		}
		if needles.in(strings.Join(said[:], "\n")) {
			ids = append(ids, styk.ID(id))
		}
		return nil
	}, `SELECT id, path, header, request, answer FROM api_call ORDER BY id`)
	return ids, err
}

// forgetCalls empties what was said in calls; that they came stays.
func (tx *Tx) forgetCalls(ids []styk.ID) error {
	return tx.exec(`UPDATE api_call SET path = '', header = '{}', request = '', answer = '', address = '' WHERE id IN (`+marks(1, len(ids))+`)`, idArgs(ids)...)
}
