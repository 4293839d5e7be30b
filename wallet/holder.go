package wallet

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"

	"styk"
	"styk/store"
)

// holder finds whose card it is, by phone, else by e-mail, and makes the
// contact where there is none. A known contact gets what it lacks and keeps what
// it has: the till's spelling of a name is not better than the office's. A card
// that names nobody belongs to nobody.
func holder(tx *store.Tx, t *styk.CardTemplate, card *styk.Card, by store.By) (styk.ID, error) {
	fresh := contactOf(t, card)
	if fresh == nil {
		return 0, nil
	}
	key, ok := store.PhoneKey(styk.KindContact, fresh.Mobile)
	if !ok {
		key, ok = store.EmailKey(styk.KindContact, fresh.Email)
	}
	var id styk.ID
	var err error
	if ok {
		if id, err = tx.Claim(key); err != nil {
			return 0, err
		}
	}
	if id == 0 {
		fresh.Source = "CARD"
		err := tx.Insert(fresh, by)
		return fresh.ID, err
	}
	found := &styk.Contact{Entity: styk.Entity{ID: id}}
	_, err = tx.Edit(found, by, func() error {
		fill(found, fresh)
		return nil
	})
	return id, err
}

// contactOf reads the person out of a card; nil when its values name nobody.
func contactOf(t *styk.CardTemplate, card *styk.Card) *styk.Contact {
	c := &styk.Contact{}
	for i := range t.Variables {
		v := &t.Variables[i]
		text := card.Values[v.Name]
		normal, ok := v.Normal(text)
		if normal == "" {
			continue
		}
		switch v.Meaning() {
		case styk.MeansName:
			c.LastName, c.FirstName, c.SecondName = splitHolder(text)
		case styk.MeansPhone:
			if ok {
				c.Mobile = text
			}
		case styk.MeansEmail:
			if ok {
				c.Email = strings.ToLower(text)
			}
		case styk.MeansBirthday:
			if day, ok := styk.ParseDay(text); ok {
				c.Birthday = day
			}
		}
	}
	if c.LastName == "" && c.FirstName == "" && c.Mobile == "" && c.Email == "" {
		return nil
	}
	if c.LastName == "" && c.FirstName == "" {
		c.LastName = "Держатель карты"
	}
	return c
}

// fill sets the columns that are empty; the name goes as a whole or not at all.
func fill(to, from *styk.Contact) {
	named := to.FirstName != "" || to.LastName != ""
	into := to.Columns()
	for i, col := range from.Columns() {
		if named && (col.Name == "first_name" || col.Name == "last_name" || col.Name == "second_name") {
			continue
		}
		if text := col.Text(); text != "" && into[i].Text() == "" {
			into[i].SetText(text) // its own text always parses
		}
	}
}

// splitHolder takes a name as 1C presents it apart: "Иванов Иван", "Иванов Иван
// Петрович". A firm's, and what is not clear, stays whole as the last name.
func splitHolder(text string) (last, first, second string) {
	words := strings.Fields(text)
	if len(words) < 2 || len(words) > 3 || strings.ContainsAny(text, `"«»'&№0123456789`) {
		return strings.Join(words, " "), "", ""
	}
	for _, w := range words {
		if strings.ToUpper(w) == w && len([]rune(w)) <= 4 { // ООО, ИП
			return strings.Join(words, " "), "", ""
		}
	}
	if len(words) == 3 {
		second = words[2]
	}
	return words[0], words[1], second
}

// FirstName gives the first name of a card's holder, or the whole name where it
// does not fall into parts; "" for none.
func FirstName(t *styk.CardTemplate, card *styk.Card) string {
	v := t.Meant(styk.MeansName)
	if v == nil {
		return ""
	}
	last, first, _ := splitHolder(card.Values[v.Name])
	if first != "" {
		return first
	}
	return last
}

// inStore are the first digits of EAN-13 that shops may give out themselves.
const inStore = "29"

// codeDigits bounds what is drawn behind them.
const codeDigits = 10_000_000_000

// drawCode gives the text of the card's barcode: the template's own variable for
// it, else an EAN-13 that no other card of the template has.
func drawCode(tx *store.Tx, t *styk.CardTemplate, values map[string]string) (string, error) {
	if v := t.Meant(styk.MeansCode); v != nil {
		normal, _ := v.Normal(values[v.Name])
		return normal, nil
	}
	for {
		var b [8]byte
		_, _ = rand.Read(b[:])
		code := fmt.Sprintf("%s%010d", inStore, binary.BigEndian.Uint64(b[:])%codeDigits)
		digit, _ := EANDigit(code)
		code += string(digit)
		same, err := tx.CardsByCode(t.ID, code, 1)
		if err != nil || len(same) == 0 {
			return code, err
		}
	}
}
