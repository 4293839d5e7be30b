package store

import (
	"errors"
	"strings"
	"testing"

	"styk"
)

// Everything that people remember or paste leads to its record, and nobody finds
// what he may not see.
func TestFindAll(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		const n = 3000
		seedLists(t, db, n)
		var path, card string
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			d := &styk.Document{Title: "Акт", FileName: "Акт сверки.pdf", Path: "storage/2026/May/week1/" + strings.Repeat("a", 32) + ".pdf"}
			c := &styk.Card{Number: strings.Repeat("0a", 12), Template: "t", Contact: 7, Code: "2900000000421", Revision: 1}
			path, card = d.Path, c.Number
			_, err := tx.SaveCardTemplate(&styk.CardTemplate{ID: "t", Name: "Бонусы"})
			d.ID, d.Owner = 100000, 1
			return errors.Join(err, tx.InsertCard(c, nil),
				tx.exec(`INSERT INTO entity (id, kind) VALUES (100000, 'document')`), tx.exec(tables[styk.KindDocument].insert, args(d)...),
				tx.index(styk.KindDocument, d.ID, nil, tokensOf(d)),
				tx.exec(`UPDATE delivery SET uid = '0199c0de-0000-7000-8000-0000000000aa' WHERE id = 42`),
				tx.exec(`UPDATE delivery SET number = 'ЗНО/2026-15' WHERE id = 43`))
		}))
		uid := "0199c0de-0000-7000-8000-0000000000AA"
		all := Scope{Customers: true, Tickets: true, Files: true, Cards: true, Deliveries: true, Calls: true, Limit: 6}
		find := func(text string, s Scope) *Found {
			t.Helper()
			var f *Found
			must(t, db.View(t.Context(), func(tx *Tx) (err error) {
				f, err = tx.FindAll(text, s)
				return err
			}))
			return f
		}
		var seventh CustomerFound
		for _, c := range find("c7@firm.ru", all).Customers {
			seventh = c
		}
		if seventh.ID != 7 {
			t.Fatalf("by e-mail: %+v", seventh)
		}
		tail := seventh.Mobile[len(seventh.Mobile)-7:]
		if f := find(tail[:3]+"-"+tail[3:5]+"-"+tail[5:], all); len(f.Customers) != 1 || f.Customers[0].ID != 7 ||
			len(f.Tickets) != 1 || f.Tickets[0].ID != n+7 || len(f.Cards) != 1 {
			t.Errorf("a phone's tail: %+v", f)
		}
		for _, number := range []string{"2611-2990-0", "№ 2611 2990 0", "261129900"} {
			if f := find(number, all); len(f.Tickets) == 0 || f.Tickets[0].ID != n+2990 || len(f.Deliveries) != 1 || f.Deliveries[0].ID != 2990 {
				t.Errorf("%s: %+v", number, f)
			}
		}
		for _, number := range []string{"SR-1234", "sr 12 34", "SR00001234"} {
			if f := find(number, all); len(f.Deliveries) != 1 || f.Deliveries[0].ID != 1234 || len(f.Tickets) != 1 {
				t.Errorf("%s: %+v", number, f)
			}
		}
		if f := find("SM-1234", all); len(f.Deliveries) != 0 {
			t.Errorf("another system's number: %+v", f)
		}
		if f := find("зно 2026 15", all); len(f.Tickets) != 1 || f.Tickets[0].ID != n+43 || f.Tickets[0].Over != "ЗНО/2026-15" {
			t.Errorf("a number in Cyrillic: %+v", f)
		}
		if f := find(uid, all); len(f.Deliveries) != 1 || f.Deliveries[0].ID != 42 {
			t.Errorf("a delivery's id: %+v", f)
		}
		for _, text := range []string{"2900000000421", strings.ToUpper(card), "https://karta.example/c/" + card + "?from=sms"} {
			if f := find(text, all); len(f.Cards) != 1 || f.Cards[0].Number != card {
				t.Errorf("a card by %s: %+v", text, f)
			}
		}
		for _, text := range []string{"акт СВЕРКИ", "https://crm.example/" + path} {
			if f := find(text, all); len(f.Files) != 1 || f.Files[0].Path != path {
				t.Errorf("a file by %s: %+v", text, f)
			}
		}
		if f := find("семен соловьев", all); len(f.Customers) == 0 || len(f.Customers) > all.Limit {
			t.Errorf("a name: %+v", f)
		}
		for _, text := range []string{"", "  ", "№", "касса", "%", "'\"", strings.Repeat("9", 200), "\x00"} {
			find(text, all)
		}
		integrator := Scope{Deliveries: true, Calls: true, Limit: 6}
		for _, text := range []string{tail, "c7@firm.ru", "акт", "2900000000421"} {
			if f := find(text, integrator); len(f.Customers)+len(f.Tickets)+len(f.Cards)+len(f.Files) != 0 {
				t.Errorf("%s leads where it must not: %+v", text, f)
			}
		}
	})
}
