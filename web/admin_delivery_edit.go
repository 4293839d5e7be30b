package web

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"styk"
	"styk/store"
)

// adminDeliveryEditPage changes what one delivery carries.
type adminDeliveryEditPage struct {
	adminFrame
	Address string
	What    string
	Target  string
	Cause   string
	Fields  []adminEditField
	Edited  bool // it carries changed values already
}

type adminEditField struct {
	ID      string
	Name    string
	Label   string
	Value   string
	Sent    string // by the visitor
	Changed bool
	Deep    bool
}

// adminSwap is one value that was put in place of another.
type adminSwap struct{ Label, From, To string }

// edited gives the values that a delivery carries instead of those sent.
func (f *deliveryFacts) edited() (e styk.Edited) {
	if f.post != nil && len(f.d.Content) > 0 {
		_ = json.Unmarshal(f.d.Content, &e) // of our own writing; the courier tells when it is not
	}
	return e
}

func editedLines(f *deliveryFacts) (list []adminSwap) {
	e := f.edited()
	if f.post == nil || len(e.Values) == 0 {
		return nil
	}
	for _, field := range f.post.Fields {
		if v, ok := e.Values[field.Name]; ok && v != field.Value {
			list = append(list, adminSwap{fieldLabel(field), field.Value, v})
		}
	}
	return list
}

func fieldLabel(f styk.FieldValue) string {
	if f.Label != "" {
		return f.Label
	}
	return f.Name
}

// editable reads the delivery of the address, if its values may be changed.
func (a *admin) editable(v *visit) (*deliveryFacts, error) {
	id, err := v.number("id")
	if err != nil {
		return nil, err
	}
	f := &deliveryFacts{}
	if err := a.DB.View(v.r.Context(), func(tx *store.Tx) error { return f.read(tx, id) }); err != nil {
		return nil, err
	}
	if f.post == nil {
		return nil, styk.Failed(styk.NotFound, "")
	}
	if f.d.State == styk.Leased || f.d.State == styk.Delivered {
		return nil, styk.Failed(styk.Conflict, choose(v.lang, "Эта доставка уже идёт или дошла: изменить её нельзя.", "This delivery is under way or done: it cannot be changed."))
	}
	return f, nil
}

func (a *admin) showEdit(v *visit) error {
	f, err := a.editable(v)
	if err != nil {
		return err
	}
	e := f.edited()
	p := adminDeliveryEditPage{Address: address("deliveries", f.d.ID), What: f.number, Target: f.target.Name, Cause: f.d.Cause, Edited: len(e.Values) > 0}
	p.adminFrame = a.frame(v, "/admin/deliveries", choose(v.lang, "Изменить и отправить снова", "Edit and send again"))
	for i, field := range e.Apply(f.post.Fields) {
		sent := f.post.Fields[i].Value
		p.Fields = append(p.Fields, adminEditField{ID: "f" + strconv.Itoa(i), Name: field.Name, Label: fieldLabel(field), Value: field.Value,
			Sent: sent, Changed: sent != field.Value, Deep: field.Type == styk.FieldTextarea || strings.Contains(field.Value, "\n")})
	}
	return a.show(v, http.StatusOK, "admin_delivery_edit.html", p)
}

const actionEdit = "delivery.edited"

func (a *admin) editAndRetry(v *visit) error {
	f, err := a.editable(v)
	if err != nil {
		return err
	}
	values, form := map[string]string{}, v.r.PostForm
	for _, field := range f.post.Fields {
		name := "f." + field.Name
		if typed := strings.ReplaceAll(form.Get(name), "\r\n", "\n"); form.Has(name) && form.Get("do") != "original" && typed != field.Value {
			values[field.Name] = typed
		}
	}
	if err := a.Courier.EditAndRetry(v.r.Context(), f.d.ID, values); err != nil {
		return err
	}
	if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionEdit, f.d.ID, int64(len(values))); err != nil {
		return err
	}
	return v.redirect(address("deliveries", f.d.ID), "retried")
}
