package web

import (
	"errors"
	"strconv"

	"styk"
	"styk/intake"
	"styk/store"
)

// What is noted of people's work on customers.
const (
	actionMerged   = "person.merged"
	actionUnmerged = "person.parted"
	actionApart    = "person.apart"
	actionExported = "person.exported"
	actionErased   = "person.erased"
)

// changeCustomer runs a person's change of the customer in the address and notes
// it.
func (a *admin) changeCustomer(v *visit, action, said string, do func(tx *store.Tx, id styk.ID) error) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	err = a.DB.Update(v.r.Context(), func(tx *store.Tx) error {
		c := &styk.Contact{}
		c.ID = id
		if err := tx.Load(c); err != nil {
			return err
		}
		if err := do(tx, id); err != nil {
			return err
		}
		return tx.Audit(v.session.User.ID, action, id, 0)
	})
	if err != nil {
		return err
	}
	return v.redirect(address("customers", id), said)
}

func (a *admin) settleCustomer(v *visit) error {
	value, accept := settling(v)
	said := map[bool]string{true: "accepted", false: "dropped"}[accept]
	return a.changeCustomer(v, actionSettle, said, func(tx *store.Tx, id styk.ID) error {
		return tx.Settle(id, value, accept, v.by())
	})
}

// settling reads the answer to a value that a form brought.
func settling(v *visit) (value styk.ID, accept bool) {
	id, _ := strconv.ParseInt(v.r.PostForm.Get("value"), 10, 64)
	return styk.ID(id), v.r.PostForm.Get("answer") == "accept"
}

func (a *admin) undoCustomer(v *visit) error {
	return a.changeCustomer(v, actionUndo, "undone", func(tx *store.Tx, id styk.ID) error { return undoChange(tx, v, id) })
}

// undoChange takes back the change that the form names, of one of the records.
func undoChange(tx *store.Tx, v *visit, records ...styk.ID) error {
	tick, _ := strconv.ParseInt(v.r.PostForm.Get("tick"), 10, 64)
	for _, record := range records {
		list, err := tx.History(record, tick+1, 1)
		if err != nil {
			return err
		}
		if len(list) == 0 || list[0].Tick != tick || list[0].Op != "update" {
			continue
		}
		err = tx.Undo(tick, v.by())
		var e *styk.Error
		if errors.As(err, &e) && e.Code == styk.Conflict {
			return styk.Failed(styk.Conflict, choose(v.lang,
				"Это поле с тех пор изменили ещё раз. Отмените сначала более новое изменение.",
				"The field was changed again since. Undo the newer change first."))
		}
		return err
	}
	return styk.Failed(styk.NotFound, "")
}

// other reads the second customer of a pair.
func (v *visit) other(text string) (styk.ID, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return 0, styk.Failed(styk.NotFound, "")
	}
	return styk.ID(n), nil
}

func (a *admin) keepApart(v *visit) error {
	other, err := v.other(v.r.PostForm.Get("with"))
	if err != nil {
		return err
	}
	return a.changeCustomer(v, actionApart, "apart", func(tx *store.Tx, id styk.ID) error { return tx.KeepApart(id, other, v.by()) })
}

func (a *admin) merge(v *visit) error {
	loser, err := v.other(v.r.PostForm.Get("with"))
	if err != nil {
		return err
	}
	var take []string
	for name, values := range v.r.PostForm {
		if column, ok := cutTake(name); ok && values[0] == "loser" {
			take = append(take, column)
		}
	}
	return a.changeCustomer(v, actionMerged, "merged", func(tx *store.Tx, id styk.ID) error {
		return intake.Merge(tx, id, loser, take, v.by())
	})
}

func (a *admin) unmerge(v *visit) error {
	loser, err := v.other(v.r.PostForm.Get("with"))
	if err != nil {
		return err
	}
	return a.changeCustomer(v, actionUnmerged, "parted", func(tx *store.Tx, id styk.ID) error {
		m, err := tx.MergedInto(loser)
		if err != nil || m.Winner != id {
			return errors.Join(err, styk.Failed(styk.NotFound, ""))
		}
		return tx.Unmerge(loser, v.by())
	})
}
