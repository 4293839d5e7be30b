package store

import (
	"strings"
	"testing"

	"styk"
)

func TestSearchFindsWhatPeopleType(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		long := strings.Repeat("длинно", 30)
		who := map[string]styk.ID{
			"пётр":   insert(t, db, &styk.Contact{FirstName: "Пётр", LastName: "Соловьёв-Седой", Mobile: "+7(949) 123-45-11", Email: "Petr.S@mail.ru", INN: "321654987654"}),
			"анна":   insert(t, db, &styk.Contact{FirstName: "Анна", LastName: "Петрова", Mobile: "8 800 555 35 35"}),
			"фирма":  insert(t, db, &styk.Account{Name: `ООО "Пётр и Ко" ` + long, INN: "7700000001", OGRN: "1027700000001"}),
			"заявка": insert(t, db, &styk.Ticket{Number: "2611-0042-7", Title: "Не включается касса"}),
		}
		gone := &styk.Contact{FirstName: "Пётр"}
		insert(t, db, gone)
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Delete(gone, seller) }))
		for _, c := range []struct {
			text  string
			kinds []styk.Kind
			want  string
		}{
			{"петр", []styk.Kind{styk.KindContact}, "анна пётр"},
			{"ПЁТР", nil, "фирма анна пётр"},
			{"соловьев", nil, "пётр"},
			{"седой пётр", nil, "пётр"},
			{"петр анна", nil, "анна"},
			{"4511", nil, "пётр"},
			{"123-45-11", nil, "пётр"},
			{"8 (949) 1234511", nil, "пётр"},
			{"35 35", nil, "анна"},
			{"petr.s@MAIL.ru", nil, "пётр"},
			{"petr.s@", nil, "пётр"},
			{"321654987654", nil, "пётр"},
			{"1027700000001", nil, "фирма"},
			{long, nil, "фирма"},
			{"2611-0042-7", nil, "заявка"},
			{"касса 261100427", nil, "заявка"},
			{"касса", []styk.Kind{styk.KindContact, styk.KindAccount}, ""},
			{"никого", nil, ""},
			{" - ", nil, ""},
			{"%", nil, ""},
		} {
			var hits []Hit
			must(t, db.View(t.Context(), func(tx *Tx) (err error) {
				hits, err = tx.Search(c.text, c.kinds, 10)
				return err
			}))
			var want []styk.ID
			for _, name := range strings.Fields(c.want) {
				want = append(want, who[name])
			}
			ok := len(hits) == len(want)
			seen := map[styk.ID]bool{}
			for _, h := range hits {
				seen[h.ID] = true
			}
			for _, id := range want {
				ok = ok && seen[id]
			}
			for i := 1; i < len(hits); i++ {
				ok = ok && hits[i].ID < hits[i-1].ID // newest first
			}
			if !ok {
				t.Errorf("search %q: got %v, want %s %v", c.text, hits, c.want, want)
			}
		}
	})
}

func TestSearchForgetsOldWords(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		c := &styk.Contact{FirstName: "Старый", LastName: "Общий"}
		insert(t, db, c)
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			_, err := tx.Edit(c, seller, func() error { c.FirstName = strings.Repeat("новое слово ", 50) + "конец"; return nil })
			return err
		}))
		for text, want := range map[string]int{"старый": 0, "общий": 1, "новое конец": 1} {
			must(t, db.View(t.Context(), func(tx *Tx) error {
				hits, err := tx.Search(text, nil, 10)
				if len(hits) != want {
					t.Errorf("%q: %v", text, hits)
				}
				return err
			}))
		}
	})
}
