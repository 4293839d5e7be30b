package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"styk"
)

// CustomerFilter says which customers to list; zero values mean all.
type CustomerFilter struct {
	Query   string  // what a person typed
	Flagged bool    // those who may be somebody else too
	Before  styk.ID // for the next page: the last id of this one
	Limit   int
}

// CustomerRow is a customer with what a list shows beside him.
type CustomerRow struct {
	ID       styk.ID
	Name     string
	Mobile   string
	Email    string
	INN      string
	Account  string
	Created  time.Time
	Warnings []styk.Warning
}

// flagged are contacts with a duplicate's flag, by the index of those with
// something odd.
const flagged = `c.warnings <> '' AND c.deleted = 0 AND c.warnings LIKE '%"duplicate"%'`

// Customers lists living contacts, newest first.
func (tx *Tx) Customers(f CustomerFilter) ([]*CustomerRow, error) {
	where, args := []string{"c.deleted = 0"}, []any{}
	if f.Flagged {
		where = append(where, flagged)
	}
	if f.Before != 0 {
		args = append(args, int64(f.Before))
		where = append(where, fmt.Sprintf("c.id < $%d", len(args)))
	}
	if strings.TrimSpace(f.Query) != "" {
		ids, err := tx.findCustomers(f.Query)
		if err != nil || len(ids) == 0 {
			return nil, err
		}
		where = append(where, "c.id IN ("+marks(len(args)+1, len(ids))+")")
		args = append(args, ids...)
	}
	return tx.customers(where, f.Limit, args...)
}

func (tx *Tx) customers(where []string, limit int, args ...any) ([]*CustomerRow, error) {
	args = append(args, int64(limit))
	var list []*CustomerRow
	err := tx.each(func(rows *sql.Rows) error {
		r := &CustomerRow{}
		var last, first, second string
		err := rows.Scan((*int64)(&r.ID), &last, &first, &second, &r.Mobile, &r.Email, &r.INN, msDest{&r.Created},
			warningsDest{&r.Warnings}, &r.Account)
		r.Name = strings.Join(strings.Fields(last+" "+first+" "+second), " ")
		list = append(list, r)
		return err
	}, `SELECT c.id, c.last_name, c.first_name, c.second_name, c.mobile, c.email, c.inn, c.created, c.warnings, coalesce(a.name, '')
		FROM contact c LEFT JOIN account a ON a.id = c.account_id WHERE `+strings.Join(where, " AND ")+
		fmt.Sprintf(` ORDER BY c.id DESC LIMIT $%d`, len(args)), args...)
	return list, err
}

// findCustomers gives contacts that a search finds, themselves or by their firm,
// their ticket or their card.
func (tx *Tx) findCustomers(query string) ([]any, error) {
	hits, err := tx.Search(query, []styk.Kind{styk.KindContact, styk.KindAccount, styk.KindTicket, KindCard}, maxFound)
	if err != nil {
		return nil, err
	}
	found := map[styk.Kind][]styk.ID{}
	for _, h := range hits {
		found[h.Kind] = append(found[h.Kind], h.ID)
	}
	ids := found[styk.KindContact]
	for kind, text := range map[styk.Kind]string{
		styk.KindAccount: `SELECT id FROM contact WHERE account_id <> 0 AND account_id IN ({ids})`,
		styk.KindTicket:  `SELECT contact_id FROM ticket WHERE id IN ({ids})`,
		KindCard:         `SELECT contact_id FROM card WHERE id IN ({ids})`,
	} {
		of, err := tx.numbers(text, found[kind])
		if err != nil {
			return nil, err
		}
		ids = append(ids, of...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	slices.Reverse(ids)
	return few(idArgs(ids[:min(len(ids), maxFound)])), nil
}

// Doubles lists the living contacts that may be the same person: those that the
// contact's flags name, and those whose flags name it.
func (tx *Tx) Doubles(c *styk.Contact) ([]*CustomerRow, error) {
	var ids []styk.ID
	for _, w := range c.Warnings {
		if w.Rule == ruleDuplicate && w.Other != c.ID {
			ids = append(ids, w.Other)
		}
	}
	naming, err := tx.customers([]string{flagged, "c.warnings LIKE $1"}, 20, fmt.Sprintf(`%%"duplicate"%%"other":%d}%%`, c.ID))
	if err != nil || len(ids) == 0 {
		return naming, err
	}
	named, err := tx.customers([]string{"c.deleted = 0", "c.id IN (" + marks(1, len(ids)) + ")"}, 20, idArgs(ids)...)
	for _, n := range named {
		if !slices.ContainsFunc(naming, func(o *CustomerRow) bool { return o.ID == n.ID }) {
			naming = append(naming, n)
		}
	}
	return naming, err
}

// ProjectsOf lists a contact's living projects, newest first, at most limit.
func (tx *Tx) ProjectsOf(contact styk.ID, limit int) ([]*styk.Project, error) {
	var list []*styk.Project
	err := tx.each(func(rows *sql.Rows) error {
		p := &styk.Project{}
		list = append(list, p)
		return rows.Scan(dests(p)...)
	}, `SELECT `+strings.Join(tables[styk.KindProject].columns, ", ")+` FROM project
		WHERE contact_id = $1 AND contact_id <> 0 AND deleted = 0 ORDER BY id DESC LIMIT $2`, int64(contact), int64(limit))
	return list, err
}

// SubmissionsOf lists what a contact sent by forms of either kind, newest first,
// at most limit.
func (tx *Tx) SubmissionsOf(contact styk.ID, limit int) ([]*styk.Submission, []map[string]string, error) {
	var list []*styk.Submission
	var values []map[string]string
	err := tx.each(func(rows *sql.Rows) error {
		s, content := &styk.Submission{}, map[string]string(nil)
		err := rows.Scan(append(postDests(s), jsonDest[map[string]string]{&content})...)
		list, values = append(list, s), append(values, content)
		return err
	}, `SELECT `+postColumns+`, content FROM submission WHERE contact_id = $1 ORDER BY id DESC LIMIT $2`, int64(contact), int64(limit))
	return list, values, err
}

// FormTitles gives the names of the forms of capture.php by their public id.
func (tx *Tx) FormTitles() (map[string]string, error) {
	all := map[string]string{}
	err := tx.each(func(rows *sql.Rows) error {
		var id, name string
		err := rows.Scan(&id, &name)
		all[id] = name
		return err
	}, `SELECT publicid, name FROM webform`)
	return all, err
}

// Customer loads a contact, alive or deleted.
func (tx *Tx) Customer(id styk.ID) (*styk.Contact, error) {
	c := &styk.Contact{}
	c.ID = id
	return c, tx.read(c, tables[styk.KindContact].load)
}

// Receivers tells to which targets something of a person was delivered, and how
// many deliveries: over there no erasure of ours reaches.
func (tx *Tx) Receivers(b Belongings) (map[string]int64, error) {
	all := map[string]int64{}
	for part := range slices.Chunk(b[partDelivery], sliceOfIDs) {
		err := tx.each(func(rows *sql.Rows) error {
			var name string
			var n int64
			err := rows.Scan(&name, &n)
			all[name] += n
			return err
		}, `SELECT t.name, count(*) FROM delivery d JOIN target t ON t.id = d.target_id
			WHERE d.state = 'done' AND d.id IN (`+marks(1, len(part))+`) GROUP BY t.name`, idArgs(part)...)
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
