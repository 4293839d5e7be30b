package vtiger

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/intake"
	"styk/store"
)

// sourceHere is what stock writes into the field source.
const sourceHere = "WEBSERVICE"

var errDenied = &wireError{CodeAccessDenied, MsgDenied}

// element reads the parameter of that name; an absent one is an empty record,
// so that the mandatory fields are what is complained of.
func (c *call) element() (Fields, error) {
	text, err := c.given("element")
	if err != nil || text == "" {
		return nil, err
	}
	return decodeElement(text)
}

// read turns an element into input for m, with every fault at once: missing
// values first, then ill ones, then references (contract 3).
func (c *call) read(m *module, fields Fields, all bool) (*input, error) {
	in, invalid, references := m.parse(fields)
	if missing := in.missing(all); missing != nil {
		return nil, &styk.Error{Code: styk.Missing, Faults: missing}
	}
	if invalid != nil {
		return nil, &styk.Error{Code: styk.Invalid, Faults: append(invalid, references...)}
	}
	if references != nil {
		return nil, &styk.Error{Code: styk.Reference, Faults: references}
	}
	for _, v := range in.values {
		if name := ModuleOf(v.ref.Entity); name != "" && v.f.is == isReference && v.f.from != folder {
			if err := c.mayUse(name); err != nil {
				return nil, err
			}
		}
	}
	return in, nil
}

// create makes a record (spec/vtiger.md 3.4). An absent owner is the caller.
func (c *call) create() (Value, error) {
	if err := c.mayWrite(); err != nil {
		return nil, err
	}
	name, err := c.given("elementType")
	if err != nil {
		return nil, err
	}
	m, err := c.moduleNamed(name, MsgDenied)
	if err != nil {
		return nil, err
	}
	if m.kind == "" {
		return nil, errDenied
	}
	fields, err := c.element()
	if err != nil {
		return nil, err
	}
	in, err := c.read(m, fields, true)
	if err != nil {
		return nil, err
	}
	return c.store(in, c.hash(in))
}

// hash is of all that makes two creations the same: module, values, files.
func (c *call) hash(in *input) string {
	h := sha256.New()
	add := func(texts ...string) {
		for _, text := range texts {
			_, _ = h.Write([]byte(strconv.Itoa(len(text)) + ":" + text))
		}
	}
	add(in.m.name)
	values := slices.Clone(in.values)
	slices.SortFunc(values, func(a, b inputValue) int { return strings.Compare(a.name, b.name) })
	for _, v := range values {
		add(v.name, v.text)
	}
	for _, up := range c.files.all() {
		add("file", up.Part, up.FileName, up.Info.Sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// store makes the record of in, once for an idempotency key.
func (c *call) store(in *input, hash string) (Value, error) {
	var answer *row
	var placed *styk.Document
	err := c.s.DB.Update(c, func(tx *store.Tx) error {
		var made styk.Record
		id, err := c.idempotent(tx, hash, func() (styk.ID, error) {
			rec, err := c.insert(tx, in)
			if err != nil {
				return 0, err
			}
			made = rec
			return rec.Base().ID, nil
		})
		if err != nil {
			return err
		}
		placed, _ = made.(*styk.Document)
		if made == nil {
			if made, err = tx.Find(id); err != nil {
				return err
			}
		}
		answer, err = newRow(tx, made)
		return err
	})
	if err != nil {
		return nil, err
	}
	if placed != nil {
		c.place(placed)
	}
	answer.label = true
	return answer, nil
}

func (c *call) insert(tx *store.Tx, in *input) (styk.Record, error) {
	if err := c.resolve(tx, in); err != nil {
		return nil, err
	}
	rec := styk.NewRecord(in.m.kind)
	rec.Base().Owner, rec.Base().Source = c.user.ID, sourceHere
	in.apply(rec)
	if err := checkExtraSize(rec); err != nil {
		return nil, err
	}
	if d, ok := rec.(*styk.Document); ok {
		return d, c.insertDocument(tx, d, in)
	}
	intake.Warn(rec)
	return rec, tx.Insert(rec, c.by())
}

// resolve looks at the records that the values point to: each must live and be
// of a kind that the field allows, where stock stores a blank. A bare number
// gets its module here.
func (c *call) resolve(tx *store.Tx, in *input) error {
	var faults []styk.Fault
	for i := range in.values {
		v := &in.values[i]
		if v.text == "" || v.f.from == folder || v.f.is != isReference && v.f.is != isOwner {
			continue
		}
		fault, err := c.resolveOne(tx, v)
		if err != nil {
			return err
		}
		if fault != nil {
			fault.Field, fault.Rule, fault.Value = v.name, "reference", clip(v.text)
			faults = append(faults, *fault)
		}
	}
	if faults != nil {
		return &styk.Error{Code: styk.Reference, Faults: faults}
	}
	return nil
}

func (c *call) resolveOne(tx *store.Tx, v *inputValue) (*styk.Fault, error) {
	gone := &styk.Fault{Text: "there is no record " + clip(v.text)}
	if v.f.is == isOwner {
		if v.ref.Record == c.user.ID {
			return nil, nil
		}
		_, err := tx.User(v.ref.Record)
		if styk.CodeOf(err) == styk.NotFound {
			gone.Text = "there is no user " + clip(v.text)
			return gone, nil
		}
		return nil, err
	}
	rec, err := tx.Find(v.ref.Record)
	if styk.CodeOf(err) == styk.NotFound {
		return gone, nil
	}
	if err != nil {
		return nil, err
	}
	m := modulesByKind[rec.Kind()]
	if v.ref.Entity != 0 && v.ref.Entity != EntityNumber(m.name) || !slices.Contains(v.f.refers, m.name) {
		return &styk.Fault{}, nil
	}
	v.ref.Entity = EntityNumber(m.name)
	return nil, c.mayUse(m.name)
}

// target finds the module and number that an id names. Stock's words for what
// is wrong with it depend on where it breaks (spec/vtiger.md 1.7).
func (c *call) target(text string) (*module, WSID, error) {
	id, err := ParseWSID(text)
	before, _, found := strings.Cut(text, "x")
	if err != nil {
		if n, ok := parseNumber(before); ok && ModuleOf(n) != "" || !found && ok {
			return nil, id, errDenied
		}
		return nil, id, &wireError{CodeAccessDenied, msgDeniedID}
	}
	name := ModuleOf(id.Entity)
	if name == "" {
		return nil, id, &wireError{CodeAccessDenied, msgDeniedID}
	}
	m, err := c.moduleNamed(name, MsgDenied)
	return m, id, err
}

// load reads the record of an id. A missing or deleted one is denied, one of
// another module has an incorrect id.
func load(tx *store.Tx, m *module, id styk.ID) (styk.Record, error) {
	rec := styk.NewRecord(m.kind)
	rec.Base().ID = id
	err := tx.Load(rec)
	if styk.CodeOf(err) == styk.NotFound {
		return nil, absent(tx, m, id)
	}
	return rec, err
}

func absent(tx *store.Tx, m *module, id styk.ID) error {
	kind, err := tx.KindOf(id)
	switch {
	case styk.CodeOf(err) == styk.NotFound || err == nil && kind == m.kind:
		return errDenied
	case err != nil:
		return err
	}
	if kind != styk.KindUser {
		if _, err := tx.Find(id); err != nil {
			if styk.CodeOf(err) == styk.NotFound {
				return errDenied
			}
			return err
		}
	}
	return &wireError{CodeInvalidID, MsgInvalidID}
}

func (c *call) retrieve() (Value, error) {
	text, err := c.given("id")
	if err != nil {
		return nil, err
	}
	m, id, err := c.target(text)
	if err != nil {
		return nil, err
	}
	if m.kind == "" {
		return c.retrieveFixed(m, id)
	}
	var answer *row
	err = c.s.DB.View(c, func(tx *store.Tx) error {
		rec, err := load(tx, m, id.Record)
		if err != nil {
			return err
		}
		answer, err = newRow(tx, rec)
		return err
	})
	if err != nil {
		return nil, err
	}
	answer.label = true
	return answer, nil
}

// update sets a whole record: every mandatory field must come, and what stock
// knows and did not come becomes empty. Fields that stock does not know stay.
func (c *call) update() (Value, error) { return c.change(true) }

// revise sets only what came.
func (c *call) revise() (Value, error) { return c.change(false) }

func (c *call) change(all bool) (Value, error) {
	if err := c.mayWrite(); err != nil {
		return nil, err
	}
	fields, err := c.element()
	if err != nil {
		return nil, err
	}
	text, _ := fields.Text("id")
	m, id, err := c.target(text)
	if err != nil {
		return nil, err
	}
	if m.kind == "" {
		return nil, errDenied
	}
	var answer *row
	err = c.s.DB.Update(c, func(tx *store.Tx) error {
		rec := styk.NewRecord(m.kind)
		rec.Base().ID = id.Record
		_, err := tx.Edit(rec, c.by(), func() error { return c.edit(tx, rec, fields, all) })
		if styk.CodeOf(err) == styk.NotFound {
			return absent(tx, m, id.Record)
		}
		if err != nil {
			return err
		}
		answer, err = newRow(tx, rec)
		return err
	})
	if err != nil {
		return nil, err
	}
	answer.label = true
	return answer, nil
}

// edit applies fields to a loaded record; all empties what did not come.
func (c *call) edit(tx *store.Tx, rec styk.Record, fields Fields, all bool) error {
	in, err := c.read(modulesByKind[rec.Kind()], fields, all)
	if err != nil {
		return err
	}
	if err := c.resolve(tx, in); err != nil {
		return err
	}
	var before styk.Document
	d, isDocument := rec.(*styk.Document)
	if isDocument {
		before = *d
	}
	if all {
		in.blank(rec)
	}
	in.apply(rec)
	if isDocument {
		settleLocation(d, &before)
	}
	intake.Warn(rec)
	return checkExtraSize(rec)
}

func (c *call) delete() (Value, error) {
	if err := c.mayWrite(); err != nil {
		return nil, err
	}
	text, err := c.given("id")
	if err != nil {
		return nil, err
	}
	m, id, err := c.target(text)
	if err != nil {
		return nil, err
	}
	if m.kind == "" {
		return nil, &wireError{CodeAccessDenied, MsgDeniedDelete}
	}
	err = c.s.DB.Update(c, func(tx *store.Tx) error {
		rec, err := load(tx, m, id.Record)
		if err != nil {
			return err
		}
		return tx.Delete(rec, c.by())
	})
	if err != nil {
		return nil, err
	}
	return Object{{"status", Text(MsgDeleted)}}, nil
}
