package vtiger

import (
	"slices"
	"strconv"

	"styk"
	"styk/store"
)

// row is a record on its way out. It writes itself straight into the answer,
// without a text or a map per field between.
//
// Every value is a string, null is "" (spec/vtiger.md 1.5). Text comes as it
// was given: stock escapes < > & and quotes as HTML, we leave that to who
// builds a page.
type row struct {
	m      *module
	rec    styk.Record
	cols   []styk.Column
	chosen []chosen              // columns of a query; nil: all fields
	label  bool                  // stock adds it to create, retrieve, update and revise
	kinds  map[styk.ID]styk.Kind // of what anyRecord fields name
}

// chosen is one column of a query's select list.
type chosen struct {
	key string // `"name":`
	f   *field // nil: the id
}

// newRow readies a record to be written. It belongs in the transaction that
// loaded the record: a field that may name any kind of record looks it up.
func newRow(tx *store.Tx, rec styk.Record) (*row, error) {
	r := &row{m: modulesByKind[rec.Kind()], rec: rec, cols: rec.Columns()}
	if c, ok := rec.(*styk.Comment); ok && c.Related != 0 {
		kind, err := tx.KindOf(c.Related)
		if styk.CodeOf(err) == styk.NotFound {
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		r.kinds = map[styk.ID]styk.Kind{c.Related: kind}
	}
	return r, nil
}

func newRows(tx *store.Tx, recs []styk.Record, columns []chosen) (List, error) {
	list := make(List, len(recs))
	for i, rec := range recs {
		r, err := newRow(tx, rec)
		if err != nil {
			return nil, err
		}
		r.chosen = columns
		list[i] = r
	}
	return list, nil
}

func (r *row) appendJSON(b []byte) []byte {
	b = append(b, '{')
	if r.chosen != nil {
		for i, c := range r.chosen {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, c.key...)
			if c.f == nil {
				b = r.appendID(b)
			} else {
				b = r.appendField(b, c.f)
			}
		}
		return append(b, '}')
	}
	for i, f := range r.m.fields {
		b = append(b, r.m.keyed[i]...)
		b = append(r.appendField(b, f), ',')
	}
	for _, name := range r.custom() {
		b = append(appendString(b, name), ':')
		b = append(appendString(b, r.rec.Base().Extra[name]), ',')
	}
	b = r.appendID(append(b, `"id":`...))
	if r.label {
		b = appendString(append(b, `,"label":`...), r.rec.Label())
	}
	return append(b, '}')
}

func (r *row) appendID(b []byte) []byte {
	return r.appendWSID(b, EntityNumber(r.m.name), r.rec.Base().ID)
}

func (r *row) appendWSID(b []byte, entity int64, id styk.ID) []byte {
	b = strconv.AppendInt(append(b, '"'), entity, 10)
	return append(strconv.AppendInt(append(b, 'x'), int64(id), 10), '"')
}

// custom lists the record's fields of an installation's own, in a fixed order.
func (r *row) custom() []string {
	var names []string
	for name := range r.rec.Base().Extra {
		if customName.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (r *row) appendField(b []byte, f *field) []byte {
	e := r.rec.Base()
	switch f.from {
	case ownNumber:
		b = append(append(b, '"'), f.prefix...)
		return append(strconv.AppendInt(b, int64(e.ID), 10), '"')
	case baseOwner:
		return r.appendReference(b, f, e.Owner)
	case baseModifiedBy:
		return r.appendReference(b, f, e.ModifiedBy)
	case baseCreated:
		return append(e.Created.UTC().AppendFormat(append(b, '"'), timeForm), '"')
	case baseModified:
		return append(e.Modified.UTC().AppendFormat(append(b, '"'), timeForm), '"')
	case inColumn, anyRecord:
		if id, ok := r.cols[f.at].Value.(*styk.ID); ok {
			return r.appendReference(b, f, *id)
		}
	}
	return appendString(b, r.text(f))
}

// appendReference writes 11x83837, or "" for none.
func (r *row) appendReference(b []byte, f *field, id styk.ID) []byte {
	if id == 0 {
		return append(b, `""`...)
	}
	if f.from == anyRecord {
		m := modulesByKind[r.kinds[id]]
		if m == nil {
			return append(b, `""`...)
		}
		return r.appendWSID(b, EntityNumber(m.name), id)
	}
	b = append(append(b, '"'), f.ref...)
	return append(strconv.AppendInt(b, int64(id), 10), '"')
}

// text gives the values that are no ids.
func (r *row) text(f *field) string {
	e := r.rec.Base()
	text := ""
	switch f.from {
	case inColumn:
		text = r.cols[f.at].Text()
	case inExtra:
		text = e.Extra[f.name]
	case baseSource:
		text = e.Source
	case ticketNumber:
		if text = r.cols[f.at].Text(); text == "" {
			text = f.prefix + strconv.FormatInt(int64(e.ID), 10)
		}
	case clientLink:
		if id := *r.cols[f.at].Value.(*styk.ID); id != 0 {
			return contactsModule.wsid(id)
		}
		text = e.Extra[f.name]
	case negated:
		text = boolText(!*r.cols[f.at].Value.(*bool))
	case fileLocation:
		text = "I"
		if *r.cols[f.at].Value.(*bool) {
			text = "E"
		}
	case fileVersion:
		if text = e.Extra[f.name]; text == "" && *r.cols[f.at].Value.(*int64) > 0 {
			text = r.cols[f.at].Text()
		}
	case fileNumber:
		if r.cols[f.at].Text() != "" {
			text = documentsModule.wsid(e.ID)
		}
	case folder:
		text = defaultFolder
	}
	if text == "" {
		return f.blank
	}
	return text
}
