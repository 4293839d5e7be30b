package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"styk"
)

// ids runs a query and gives the numbers found.
func ids(t interface{ Fatal(...any) }, db *DB, q Query) (list []styk.ID) {
	if q.Limit == 0 {
		q.Limit = 1000
	}
	var n int64
	err := db.View(context.Background(), func(tx *Tx) error {
		found, err := tx.Select(q)
		if err != nil {
			return err
		}
		list = nil
		for _, rec := range found {
			list = append(list, rec.Base().ID)
		}
		n, err = tx.Count(q)
		return err
	})
	if err != nil {
		t.Fatal(fmt.Sprintf("%+v: %v", q.Where, err))
	}
	if q.Offset == 0 && q.Limit == 1000 && int(n) != len(list) {
		t.Fatal(fmt.Sprintf("counted %d, selected %d", n, len(list)))
	}
	return list
}

func TestEveryOperatorOnEveryType(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		for _, p := range []styk.Project{
			{Name: "Альфа", AgrPrice: styk.Money{Kopecks: 2000000, Set: true}, StartDate: "2023-07-15", Transport: styk.Yes, Contact: 1},
			{Name: "бета_100%", AgrPrice: styk.Money{Kopecks: 5, Set: true}, StartDate: "2024-01-01", Transport: styk.No, Contact: 22},
			{Name: `ЁЖ\и`, StartDate: ""},
		} {
			p.Extra = styk.Extra{"cf_1": p.Name}
			insert(t, db, &p)
		}
		for _, d := range []styk.Document{{Title: "а", Size: 5, External: true}, {Title: "б", Size: 1 << 40}} {
			insert(t, db, &d)
		}
		for _, c := range []struct {
			kind             styk.Kind
			field, op, value string
			want             string // numbers of the records in order of insertion
		}{
			{"project", "name", "=", "АЛЬФА", "1"}, {"project", "name", "!=", "альфа", "23"},
			{"project", "name", "<", "б", "1"}, {"project", "name", ">=", "Б", "23"},
			{"project", "name", "in", "ежик|альфа|бета_100%", "12"}, {"project", "name", "not in", "альфа|бета_100%", "3"},
			{"project", "name", "like", "а%", "1"}, {"project", "name", "like", "%100%", "2"},
			{"project", "name", "like", `бета\_100\%`, "2"}, {"project", "name", "like", `бет_ 100%`, ""},
			{"project", "name", "like", `бет__100_`, "2"}, {"project", "name", "like", `еж\\и`, "3"},
			{"project", "name", "like", `ёж\`, ""}, {"project", "name", "not like", "а%", "23"},
			{"project", "name", "like", "ё%", "3"}, {"project", "name", "null", "", ""}, {"project", "name", "not null", "", "123"},
			{"project", "extra:cf_1", "=", "альфа", "1"}, {"project", "extra:cf_1", "like", "БЕТА%", "2"},
			{"project", "extra:none", "null", "", "123"},
			{"project", "agr_price", "=", "20000.00", "1"}, {"project", "agr_price", "=", "20 000", "1"},
			{"project", "agr_price", "!=", "20000", "2"}, {"project", "agr_price", "<", "1", "2"},
			{"project", "agr_price", ">", "0,01", "12"}, {"project", "agr_price", "null", "", "3"},
			{"project", "agr_price", "not null", "", "12"}, {"project", "agr_price", "in", "0.05|7", "2"},
			{"project", "agr_price", "=", "дорого", ""}, {"project", "agr_price", "!=", "дорого", "123"},
			{"project", "start_date", "=", "2023-07-15", "1"}, {"project", "start_date", ">", "2023-12-31", "2"},
			{"project", "start_date", "like", "2023-%", "1"}, {"project", "start_date", "null", "", "3"},
			{"project", "start_date", "not in", "2023-07-15|2024-01-01", "3"},
			{"project", "transport", "=", "да", "1"}, {"project", "transport", "!=", "да", "23"}, {"project", "transport", "not null", "", "12"},
			{"project", "contact_id", "=", "22", "2"}, {"project", "contact_id", "null", "", "3"}, {"project", "contact_id", "<=", "1", "13"},
			{"project", "contact_id", "like", "2%", "2"}, {"project", "contact_id", "in", "1|x", "1"},
			{"project", "created", ">", "2000-01-01", "123"}, {"project", "created", "<", "2000-01-01 10:00:00", ""},
			{"document", "size", "=", "5", "1"}, {"document", "size", ">", "5", "2"}, {"document", "size", "not in", "5", "2"},
			{"document", "external", "=", "true", "1"}, {"document", "external", "=", "0", "2"}, {"document", "external", "!=", "1", "2"},
			{"document", "external", "=", "maybe", ""},
		} {
			var first int64
			must(t, db.View(t.Context(), func(tx *Tx) error {
				return tx.row(`SELECT min(id) FROM ` + string(c.kind)).Scan(&first)
			}))
			got := ""
			for _, id := range ids(t, db, Query{Kind: c.kind, Where: &Cond{Op: c.op, Field: c.field, Values: strings.Split(c.value, "|")}}) {
				got += fmt.Sprint(int64(id) - first + 1)
			}
			if got != c.want {
				t.Errorf("%s %s %q: got %q, want %q", c.field, c.op, c.value, got, c.want)
			}
		}
	})
}

func TestBadQueriesAreRefusedByName(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		for _, where := range []Cond{
			{Op: "=", Field: "access_key", Values: []string{"x"}},
			{Op: "=", Field: "deleted", Values: []string{"0"}},
			{Op: "=", Field: `extra:a"b`, Values: []string{"x"}},
			{Op: "; DROP TABLE contact", Field: "mobile", Values: []string{"x"}},
			{Op: "like", Field: "mobile"},
			{Op: "and", Args: []Cond{{Op: "=", Field: "nowhere", Values: []string{"x"}}}},
		} {
			err := db.View(t.Context(), func(tx *Tx) error {
				_, err := tx.Select(Query{Kind: styk.KindContact, Where: &where, Limit: 1})
				return err
			})
			if styk.CodeOf(err) != styk.Invalid {
				t.Errorf("%+v: %v", where, err)
			}
		}
	})
}

func TestOrderAndPages(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		var all []styk.ID
		for _, name := range []string{"ёж", "Ель", "жук", "Ель", "аист"} {
			all = append(all, insert(t, db, &styk.Contact{LastName: name, Birthday: styk.Date("1980-01-0" + fmt.Sprint(len(all)+1))}))
		}
		pick := func(list ...int) (want []styk.ID) {
			for _, n := range list {
				want = append(want, all[n])
			}
			return want
		}
		for _, c := range []struct {
			q    Query
			want []styk.ID
		}{
			{Query{Order: []string{"last_name"}}, pick(4, 0, 1, 3, 2)},
			{Query{Order: []string{"last_name"}, Desc: true}, pick(2, 3, 1, 0, 4)},
			{Query{Order: []string{"last_name"}, Limit: 2, Offset: 1}, pick(0, 1)},
			{Query{Limit: 2, Offset: 3}, pick(3, 4)},
			{Query{Order: []string{"birthday"}, Desc: true, Limit: 1}, pick(4)},
			{Query{Order: []string{"id"}, Desc: true, Limit: 1}, pick(4)},
			{Query{Where: &Cond{Op: "or"}}, nil},
			{Query{Where: &Cond{Op: "and"}}, pick(0, 1, 2, 3, 4)},
		} {
			c.q.Kind = styk.KindContact
			if got := ids(t, db, c.q); !slices.Equal(got, c.want) {
				t.Errorf("%+v: got %v, want %v", c.q, got, c.want)
			}
		}
	})
}

func TestLongListsOfValues(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		id := insert(t, db, &styk.Contact{Mobile: "9491234511"})
		values := []string{"9491234511"}
		for i := range 1200 { // more than SQLite lets conditions stand in a row
			values = append(values, fmt.Sprint(9490000000+i))
		}
		got := ids(t, db, Query{Kind: styk.KindContact, Where: &Cond{Op: "in", Field: "mobile", Values: values}})
		if !slices.Equal(got, []styk.ID{id}) {
			t.Errorf("got %v", got)
		}
	})
}

func TestSlowQueryEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		rows := 40000
		if testing.Short() && db.writer != nil {
			rows = 8000
		}
		// Comments have no tokens: only the comparison itself is left.
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			numbers := fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) `, rows)
			if err := tx.exec(numbers + `INSERT INTO entity (id, kind) SELECT i, 'comment' FROM n`); err != nil {
				return err
			}
			return tx.exec(numbers + `INSERT INTO comment (id, owner_id, created, modified, modified_by, source, deleted, warnings, extra, text, related_id, parent_id)
				SELECT i, 1, 1, 1, 1, '', 0, '', '{}', 'СЛОВА слова СЛОВА слова слова', 0, 0 FROM n`)
		}))
		for _, text := range []string{"%нет%такого%", "%слова%"} {
			slow := func() error {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Millisecond)
				defer cancel()
				return db.View(ctx, func(tx *Tx) error {
					_, err := tx.Select(Query{Kind: styk.KindComment, Limit: 1 << 30, Where: &Cond{Op: "like", Field: "text", Values: []string{text}}})
					return err
				})
			}
			began := time.Now()
			err := slow()
			for n := 0; err == nil && n < 5; n++ { // a busy machine may wake us when the answer is there already
				err = slow()
			}
			if took := time.Since(began); !errors.Is(err, ErrSlow) || took > time.Minute {
				t.Errorf("%s: after %v: %v", text, took, err)
			}
		}
		must(t, db.Ping(t.Context())) // the connection lives
	})
}

// alphabet is small, so that random values meet.
var alphabet = []rune("абёЁеБ1 2-_%\\.@xX")

// TestNarrowingChangesNoAnswer compares Select, which narrows by the search
// table, with a plain filter over random records.
func TestNarrowingChangesNoAnswer(t *testing.T) {
	t.Parallel()
	fields := []string{"first_name", "last_name", "mobile", "phone", "email", "inn", "address"}
	questions := 6
	if testing.Short() {
		questions = 2
	}
	eachDB(t, func(t *testing.T, db *DB) {
		rapid.Check(t, func(t *rapid.T) {
			value := rapid.StringOfN(rapid.SampledFrom(alphabet), 0, 6, -1)
			phone := rapid.OneOf(value, rapid.SampledFrom([]string{"9491234511", "8 949 1234511", "8(949)1234511", "+7949123", "8 949 1234511 доб. 1"}))
			must := func(err error) {
				if err != nil {
					t.Fatal(err)
				}
			}
			var all []*styk.Contact
			must(db.Update(context.Background(), func(tx *Tx) error {
				for _, table := range []string{"search", "match_key", "contact"} {
					if err := tx.exec("DELETE FROM " + table); err != nil {
						return err
					}
				}
				return nil
			}))
			for range rapid.IntRange(1, 8).Draw(t, "records") {
				c := &styk.Contact{FirstName: value.Draw(t, "first"), LastName: value.Draw(t, "last"), Mobile: phone.Draw(t, "mobile"),
					Phone: phone.Draw(t, "phone"), Email: value.Draw(t, "email"), INN: value.Draw(t, "inn"), Address: value.Draw(t, "address")}
				all = append(all, c)
			}
			must(db.Update(context.Background(), func(tx *Tx) error {
				for _, c := range all {
					c.ID = 0
					if err := tx.Insert(c, seller); err != nil {
						return err
					}
				}
				return nil
			}))
			for range questions {
				cond := Cond{Field: rapid.SampledFrom(fields).Draw(t, "field"), Op: rapid.SampledFrom(comparisons).Draw(t, "op")}
				for range rapid.IntRange(1, 3).Draw(t, "values") {
					cond.Values = append(cond.Values, phone.Draw(t, "value"))
				}
				var want []styk.ID
				for _, c := range all {
					if holds(cond, c) {
						want = append(want, c.ID)
					}
				}
				if got := ids(t, db, Query{Kind: styk.KindContact, Where: &cond}); !slices.Equal(got, want) {
					t.Fatalf("%+v: got %v, want %v", cond, got, want)
				}
			}
		})
	})
}

// holds is the meaning of a comparison of texts, in the plainest words.
func holds(c Cond, rec styk.Record) bool {
	var text string
	for _, col := range rec.Columns() {
		if col.Name == c.Field {
			text = styk.Fold(col.Text())
		}
	}
	order := cmp.Compare(text, styk.Fold(c.Values[0]))
	in := slices.ContainsFunc(c.Values, func(v string) bool { return styk.Fold(v) == text })
	switch c.Op {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	case ">=":
		return order >= 0
	case "in":
		return in
	case "not in":
		return !in
	case "like":
		return likePattern(c.Values[0]).MatchString(text)
	}
	return !likePattern(c.Values[0]).MatchString(text)
}

func likePattern(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	runes := []rune(styk.Fold(pattern))
	for i := 0; i < len(runes); i++ {
		switch {
		case runes[i] == '%':
			b.WriteString(`.*`)
		case runes[i] == '_':
			b.WriteString(`.`)
		case runes[i] == '\\' && i+1 < len(runes):
			i++
			fallthrough
		default:
			b.WriteString(regexp.QuoteMeta(string(runes[i])))
		}
	}
	b.WriteString(`$`)
	return regexp.MustCompile(b.String())
}
