package vtiger

import (
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/store"
)

// relation says how records of one module hang on those of another.
type relation struct {
	from, to *module
	label    string   // as stock's related list is called
	columns  []string // of to, that name the one of from
	own      string   // or the column of from that names the one of to
	// neither: documents are tied by the store's relations
}

// relations is the whole of relatedtypes; labels are stock's where it has one.
var relations = func() []relation {
	list := []relation{
		{from: accountsModule, to: contactsModule, label: "Contacts", columns: []string{"account_id"}},
		{from: contactsModule, to: accountsModule, label: "Accounts", own: "account_id"},
		{from: contactsModule, to: projectsModule, label: "Projects", columns: []string{"contact_id"}},
		{from: accountsModule, to: projectsModule, label: "Projects", columns: []string{"offender_id", "agent_id"}},
		{from: contactsModule, to: ticketsModule, label: "HelpDesk", columns: []string{"contact_id"}},
		{from: accountsModule, to: ticketsModule, label: "HelpDesk", columns: []string{"account_id"}},
	}
	for _, m := range []*module{contactsModule, accountsModule, projectsModule, ticketsModule} {
		list = append(list,
			relation{from: m, to: documentsModule, label: "Documents"},
			relation{from: documentsModule, to: m, label: m.name})
	}
	for _, m := range []*module{contactsModule, accountsModule, projectsModule, ticketsModule, documentsModule} {
		list = append(list, relation{from: m, to: commentsModule, label: "ModComments", columns: []string{"related_id"}})
	}
	return list
}()

// relatedTypes lists what can hang on records of a module (spec/vtiger.md 3.1).
func (c *call) relatedTypes() (Value, error) {
	name, err := c.given("elementType")
	if err != nil {
		return nil, err
	}
	m, err := c.moduleNamed(name, msgDeniedName+name)
	if err != nil {
		return nil, err
	}
	types := List{}
	var information Object
	for _, r := range relations {
		if r.from != m || c.mayUseNone(r.to.name) {
			continue
		}
		types = append(types, Text(r.to.name))
		information.Add(r.label, Object{{"name", Text(r.to.name)}, {"label", Text(r.label)}, {"isEntity", Bool(r.to.isEntity)}})
	}
	return Object{{"types", types}, {"information", information}}, nil
}

// related finds the relation of a module to another, or under a label; stock's
// label and the module's name are both taken, in any case.
func (c *call) related(from *module, to, label string) (*relation, error) {
	for i := range relations {
		r := &relations[i]
		named := label == "" || strings.EqualFold(label, r.label) || strings.EqualFold(label, r.to.name)
		if r.from == from && named && (to == "" || strings.EqualFold(to, r.to.name)) && (to != "" || label != "") {
			return r, c.mayUse(r.to.name)
		}
	}
	return nil, &wireError{CodeUnknownEntity, MsgUnknownEntity}
}

// retrieveRelated gives the records that hang on one, whole.
func (c *call) retrieveRelated() (Value, error) {
	m, id, err := c.relatedTarget("id")
	if err != nil {
		return nil, err
	}
	to, err := c.given("relatedType")
	if err != nil {
		return nil, err
	}
	label, err := c.given("relatedLabel")
	if err != nil {
		return nil, err
	}
	r, err := c.related(m, to, label)
	if err != nil {
		return nil, err
	}
	return c.answerRelated(&Select{All: true, Module: r.to.name}, r, id)
}

// queryRelated gives those that also meet a query.
func (c *call) queryRelated() (Value, error) {
	text, err := c.given("query")
	if err != nil {
		return nil, err
	}
	sel, to, err := c.parse(text)
	if err != nil {
		return nil, err
	}
	m, id, err := c.relatedTarget("id")
	if err != nil {
		return nil, err
	}
	label, err := c.given("relatedLabel")
	if err != nil {
		return nil, err
	}
	r, err := c.related(m, to.name, label)
	if err != nil {
		return nil, err
	}
	return c.answerRelated(sel, r, id)
}

// relatedTarget reads a parameter that names a record.
func (c *call) relatedTarget(parameter string) (*module, styk.ID, error) {
	text, err := c.given(parameter)
	if err != nil {
		return nil, 0, err
	}
	m, id, err := c.target(text)
	if err != nil {
		return nil, 0, err
	}
	if m.kind == "" {
		return nil, 0, &wireError{CodeUnknownEntity, MsgUnknownEntity}
	}
	return m, id.Record, nil
}

func (c *call) answerRelated(sel *Select, r *relation, id styk.ID) (Value, error) {
	var cond store.Cond
	err := c.s.DB.View(c, func(tx *store.Tx) error {
		rec, err := load(tx, r.from, id)
		if err != nil {
			return err
		}
		cond, err = r.condition(tx, rec)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.answer(sel, r.to, &cond)
}

// maxTied bounds how many documents of one record a related query looks at.
const maxTied = 10_000

// condition is what holds for the records that hang on rec.
func (r *relation) condition(tx *store.Tx, rec styk.Record) (store.Cond, error) {
	id := rec.Base().ID
	if r.own != "" {
		other := *columnOf(rec, r.own).Value.(*styk.ID)
		return store.Cond{Op: "=", Field: "id", Values: []string{idText(other)}}, nil
	}
	if r.columns == nil {
		tied, err := tx.Related(id, r.to.kind, 0, maxTied)
		if err != nil || len(tied) == 0 {
			return never, err
		}
		cond := store.Cond{Op: "in", Field: "id"}
		for _, other := range tied {
			cond.Values = append(cond.Values, idText(other))
		}
		return cond, nil
	}
	cond := store.Cond{Op: "or"}
	for _, column := range r.columns {
		cond.Args = append(cond.Args, store.Cond{Op: "=", Field: column, Values: []string{idText(id)}})
	}
	if r.from == accountsModule && r.to == projectsModule { // a firm that is itself the client
		cond.Args = append(cond.Args, store.Cond{Op: "=", Field: "extra:" + clientField, Values: []string{accountsModule.wsid(id)}})
	}
	return cond, nil
}

// clientField names the client of a project.
const clientField = "linktoaccountscontacts"

func idText(id styk.ID) string { return strconv.FormatInt(int64(id), 10) }

func columnOf(rec styk.Record, name string) styk.Column {
	columns := rec.Columns()
	return columns[slices.IndexFunc(columns, func(c styk.Column) bool { return c.Name == name })]
}

// addRelated ties two records. Stock says so even when it tied nothing; a pair
// that cannot be tied is an error here (spec/vtiger.md 3.1).
func (c *call) addRelated() (Value, error) {
	if err := c.mayWrite(); err != nil {
		return nil, err
	}
	source, sourceID, err := c.relatedTarget("sourceRecordId")
	if err != nil {
		return nil, err
	}
	other, otherID, err := c.relatedTarget("relatedRecordId")
	if err != nil {
		return nil, err
	}
	label, err := c.given("relationIdLabel")
	if err != nil {
		return nil, err
	}
	r, err := c.related(source, other.name, label)
	if err != nil {
		return nil, err
	}
	err = c.s.DB.Update(c, func(tx *store.Tx) error {
		from, err := load(tx, source, sourceID)
		if err != nil {
			return err
		}
		to, err := load(tx, other, otherID)
		if err != nil {
			return err
		}
		return c.tie(tx, r, from, to)
	})
	if err != nil {
		return nil, err
	}
	return Object{{"message", Text(MsgLoggedOut)}}, nil
}

// tie makes to hang on from: by a column where there is one, else by the
// store's relation, in which the document is the one that hangs.
func (c *call) tie(tx *store.Tx, r *relation, from, to styk.Record) error {
	switch {
	case r.own != "":
		return c.point(tx, from, r.own, to.Base().ID)
	case r.columns != nil:
		return c.point(tx, to, r.columns[0], from.Base().ID)
	case r.from == documentsModule:
		return tx.Link(to.Base().ID, from.Base().ID)
	}
	return tx.Link(from.Base().ID, to.Base().ID)
}

// point sets a column that names another record.
func (c *call) point(tx *store.Tx, rec styk.Record, column string, at styk.ID) error {
	_, err := tx.Edit(rec, c.by(), func() error {
		*columnOf(rec, column).Value.(*styk.ID) = at
		if p, ok := rec.(*styk.Project); ok && column == "contact_id" {
			setExtra(p.Base(), clientField, "") // a contact is the client now
		}
		return nil
	})
	return err
}
