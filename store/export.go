package store

import (
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"styk"
)

// Dossier is all that is kept of one person, as the register lists it.
type Dossier struct {
	Contact styk.ID       `json:"contact"`
	Made    time.Time     `json:"made"`
	Tables  []DossierPart `json:"tables"`
	// Left says what is kept but not given, and why.
	Left []DossierLeft `json:"not_given"`
}

// DossierPart holds the person's rows of one table.
type DossierPart struct {
	Table string           `json:"table"`
	Holds []DossierColumns `json:"holds"`
	Rows  []DossierRow     `json:"rows"`
}

// DossierColumns says what columns tell of a person, and what an erasure does.
type DossierColumns struct {
	Columns []string `json:"columns"`
	Holds   string   `json:"holds"`
	Erase   Erasure  `json:"when_erased"`
	Why     string   `json:"why,omitempty"`
}

// DossierLeft is what is kept but not given.
type DossierLeft struct {
	Table string `json:"table"`
	DossierColumns
}

// DossierRow is one row: values by column, empty ones left out. Times are
// RFC 3339, sums of money roubles, structures JSON.
type DossierRow map[string]any

// Dossier gathers a person's data for him. Call it in a View.
func (tx *Tx) Dossier(contact styk.ID) (*Dossier, error) {
	c := &styk.Contact{}
	c.ID = contact
	if err := tx.read(c, tables[styk.KindContact].load); err != nil {
		return nil, err
	}
	b, err := tx.Belongings(contact)
	if err != nil {
		return nil, err
	}
	d := &Dossier{Contact: contact, Made: tx.now, Tables: []DossierPart{}, Left: []DossierLeft{}}
	for _, t := range PersonalTables {
		if reaches[t.Table] == nil {
			continue
		}
		part := DossierPart{Table: t.Table}
		var hidden []string
		for _, p := range t.Personal {
			columns := DossierColumns{strings.Fields(p.Columns), p.Holds, p.Erase, p.Why}
			if p.Export == "" {
				hidden = append(hidden, columns.Columns...)
				d.Left = append(d.Left, DossierLeft{t.Table, columns})
				continue
			}
			part.Holds = append(part.Holds, columns)
		}
		if part.Holds == nil {
			continue
		}
		if part.Rows, err = tx.dossierRows(t, b, hidden); err != nil {
			return nil, err
		}
		if len(part.Rows) > 0 {
			d.Tables = append(d.Tables, part)
		}
	}
	return d, nil
}

func (tx *Tx) dossierRows(t PersonalTable, b Belongings, hidden []string) (all []DossierRow, err error) {
	columns := slices.DeleteFunc(t.names(), func(name string) bool { return slices.Contains(hidden, name) })
	slices.SortStableFunc(columns, func(a, b string) int { return firstID(a) - firstID(b) })
	for _, r := range reaches[t.Table] {
		for part := range slices.Chunk(b[r.part], sliceOfIDs) {
			err := tx.each(func(rows *sql.Rows) error {
				row, err := dossierRow(rows, columns)
				if err == nil && !slices.ContainsFunc(all, func(o DossierRow) bool { return len(reaches[t.Table]) > 1 && sameRow(o, row) }) {
					all = append(all, row)
				}
				return err
			}, `SELECT `+strings.Join(columns, ", ")+` FROM `+t.Table+` WHERE `+r.column+` IN (`+marks(1, len(part))+`) ORDER BY 1`, idArgs(part)...)
			if err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// firstID brings the number to the front.
func firstID(column string) int {
	if column == "id" || column == "tick" {
		return 0
	}
	return 1
}

// sameRow compares rows of a table that is reached in two ways.
func sameRow(a, b DossierRow) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

func dossierRow(rows *sql.Rows, columns []string) (DossierRow, error) {
	values := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	row := DossierRow{}
	for i, name := range columns {
		if v := dossierValue(name, values[i]); v != nil {
			row[name] = v
		}
	}
	return row, nil
}

// timeColumns hold Unix milliseconds, moneyColumns kopecks.
var (
	timeColumns = map[string]bool{"created": true, "modified": true, "deleted": true, "at": true, "due_at": true, "since": true,
		"lease_until": true, "finished": true, "started": true, "ended": true, "shown": true, "installed": true, "removed": true,
		"seen": true, "push_due": true, "pushed": true, "asked": true, "fetched": true}
	moneyColumns = map[string]bool{"agr_price": true, "loss": true, "service_cost": true, "returned": true}
)

// dossierValue gives a stored value as people and programs read it; nil for none.
func dossierValue(name string, v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case []byte:
		return dossierValue(name, string(v))
	case int64:
		switch {
		case timeColumns[name] && v == 0:
			return nil
		case timeColumns[name]:
			return fromMS(v).Format(time.RFC3339)
		case moneyColumns[name]:
			return styk.Money{Kopecks: v, Set: true}.String()
		case v == 0:
			return nil
		}
		return v
	case string:
		if v == "" || v == "{}" || v == "[]" {
			return nil
		}
		if (v[0] == '{' || v[0] == '[') && json.Valid([]byte(v)) {
			return json.RawMessage(v)
		}
		return v
	}
	return v
}

// DossierFile is a document of a person with all states of its bytes.
type DossierFile struct {
	Document *styk.Document
	Versions []Version
}

// DossierFiles lists the person's living documents. Call it in a View.
func (tx *Tx) DossierFiles(contact styk.ID) (files []DossierFile, err error) {
	b, err := tx.Belongings(contact)
	if err != nil {
		return nil, err
	}
	for _, id := range b[string(styk.KindDocument)] {
		d := &styk.Document{}
		d.ID = id
		switch err := tx.Load(d); {
		case styk.CodeOf(err) == styk.NotFound:
			continue
		case err != nil:
			return nil, err
		}
		versions, err := tx.Versions(id)
		if err != nil {
			return nil, err
		}
		files = append(files, DossierFile{d, versions})
	}
	return files, nil
}
