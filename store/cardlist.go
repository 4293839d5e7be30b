package store

import (
	"database/sql"
	"strconv"
	"strings"

	"styk"
)

// CardQuery says which cards a list shows, newest first.
type CardQuery struct {
	Template  string  // "" for all
	Contact   styk.ID // 0 for all
	Installed *bool
	Deleted   bool      // deleted ones instead of living
	IDs       []styk.ID // these only, if not nil
	Before    styk.ID   // those made before this one; 0: from the newest
	Limit     int
}

// Cards lists cards, newest first.
func (tx *Tx) Cards(q CardQuery) ([]*styk.Card, error) {
	var args []any
	mark := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	where := []string{"c.deleted = 0"}
	if q.Deleted {
		where[0] = "c.deleted <> 0"
	}
	if q.Template != "" {
		where = append(where, "c.template_id = "+mark(q.Template))
	}
	if q.Contact != 0 {
		where = append(where, "c.contact_id = "+mark(int64(q.Contact)))
	}
	if q.Installed != nil {
		where = append(where, map[bool]string{true: "c.installed <> 0", false: "c.installed = 0"}[*q.Installed])
	}
	if q.IDs != nil {
		if len(q.IDs) == 0 {
			return nil, nil
		}
		var marks []string
		for _, id := range q.IDs {
			marks = append(marks, mark(int64(id)))
		}
		where = append(where, "c.id IN ("+strings.Join(marks, ", ")+")")
	}
	if q.Before != 0 {
		where = append(where, "c.id < "+mark(int64(q.Before)))
	}
	return tx.cards(strings.Join(where, " AND ")+" ORDER BY c.id DESC LIMIT "+mark(int64(q.Limit)), args...)
}

// CardPage lists a template's living cards in the order of their making, from
// offset on, at most limit.
func (tx *Tx) CardPage(template string, offset, limit int) ([]*styk.Card, error) {
	return tx.cards(`c.deleted = 0 AND c.template_id = $1 ORDER BY c.id LIMIT $2 OFFSET $3`, template, int64(limit), int64(offset))
}

// CardsByCode lists a template's living cards with this text in their barcode,
// at most limit.
func (tx *Tx) CardsByCode(template, code string, limit int) ([]*styk.Card, error) {
	return tx.cards(`c.deleted = 0 AND c.template_id = $1 AND c.code = $2 AND c.code <> '' ORDER BY c.id LIMIT $3`, template, code, int64(limit))
}

func (tx *Tx) cards(where string, args ...any) ([]*styk.Card, error) {
	var list []*styk.Card
	err := tx.each(func(rows *sql.Rows) error {
		c := &styk.Card{}
		list = append(list, c)
		return rows.Scan(cardDests(c)...)
	}, `SELECT `+cardColumns+` FROM card c WHERE `+where, args...)
	return list, err
}

// CountCards counts a template's living cards.
func (tx *Tx) CountCards(template string) (n int, err error) {
	err = tx.row(`SELECT count(*) FROM card WHERE template_id = $1 AND deleted = 0`, template).Scan(&n)
	return n, err
}

// CardsOnPhones counts a template's living cards that are installed somewhere.
func (tx *Tx) CardsOnPhones(template string) (n int, err error) {
	err = tx.row(`SELECT count(*) FROM card WHERE template_id = $1 AND deleted = 0 AND installed <> 0`, template).Scan(&n)
	return n, err
}
