package store

import (
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"styk"
)

// Key is one way in which a person or firm is known again: kind is
// "contact.phone", "contact.inn", "account.email" and so on.
type Key struct{ Kind, Key string }

// PhoneKey gives the key of a phone of the record kind. A phone without ten
// digits is compared as it stands; "" has no key.
func PhoneKey(kind styk.Kind, phone string) (Key, bool) {
	phone = strings.TrimSpace(phone)
	if phone == "" {
		return Key{}, false
	}
	if p, ok := styk.ParsePhone(phone); ok {
		return Key{string(kind) + ".phone", string(p)}, true
	}
	return Key{string(kind) + ".phone", "=" + styk.Fold(phone)}, true
}

// INNKey gives the key of an ИНН.
func INNKey(kind styk.Kind, inn string) (Key, bool) {
	inn = styk.CleanINN(inn)
	return Key{string(kind) + ".inn", inn}, inn != ""
}

// EmailKey gives the key of an e-mail address.
func EmailKey(kind styk.Kind, email string) (Key, bool) {
	email = styk.Fold(strings.TrimSpace(email))
	return Key{string(kind) + ".email", email}, email != ""
}

// keysOf lists the keys of a record, sorted, so that transactions take them in
// one order.
func keysOf(rec styk.Record) []Key {
	var list []Key
	add := func(k Key, ok bool) {
		if ok {
			list = append(list, k)
		}
	}
	switch r := rec.(type) {
	case *styk.Contact:
		add(EmailKey(styk.KindContact, r.Email))
		add(INNKey(styk.KindContact, r.INN))
		add(PhoneKey(styk.KindContact, r.Mobile))
	case *styk.Account:
		add(EmailKey(styk.KindAccount, r.Email))
		add(INNKey(styk.KindAccount, r.INN))
		add(PhoneKey(styk.KindAccount, r.Phone))
	}
	return list
}

// Claim takes the key's row, so that no other transaction can make a record
// for it meanwhile, and gives the record that it names, 0 for none.
func (tx *Tx) Claim(key Key) (styk.ID, error) {
	if tx.db.writer != nil {
		return tx.Lookup(key) // no other transaction runs beside this one
	}
	var id int64
	err := tx.row(`INSERT INTO match_key (kind, key, record_id) VALUES ($1, $2, 0)
		ON CONFLICT (kind, key) DO UPDATE SET key = excluded.key RETURNING record_id`, key.Kind, key.Key).Scan(&id)
	return styk.ID(id), err
}

// Lookup gives the record that a key names, 0 for none.
func (tx *Tx) Lookup(key Key) (styk.ID, error) {
	var id int64
	err := tx.row(`SELECT record_id FROM match_key WHERE kind = $1 AND key = $2`, key.Kind, key.Key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return styk.ID(id), err
}

// claimTexts take one, two, three keys at once, those that are free.
var claimTexts = func() (texts [4]string) {
	for n := 1; n <= 3; n++ {
		var rows []string
		for i := range n {
			rows = append(rows, "($"+strconv.Itoa(2*i+2)+", $"+strconv.Itoa(2*i+3)+", $1)")
		}
		texts[n] = `INSERT INTO match_key (kind, key, record_id) VALUES ` + strings.Join(rows, ", ") + `
			ON CONFLICT (kind, key) DO UPDATE SET record_id = excluded.record_id WHERE match_key.record_id = 0`
	}
	return texts
}()

// claimAll binds free keys to rec; a key that names another record stays with
// it and rec is flagged.
func (tx *Tx) claimAll(rec styk.Record, keys []Key) error {
	if len(keys) == 0 {
		return nil
	}
	e := rec.Base()
	list := make([]any, 1, 7)
	list[0] = int64(e.ID)
	for _, k := range keys {
		list = append(list, k.Kind, k.Key)
	}
	taken, err := tx.changed(claimTexts[len(keys)], list...)
	if err != nil || taken == int64(len(keys)) {
		return err
	}
	for _, k := range keys {
		owner, err := tx.Lookup(k)
		if err != nil {
			return err
		}
		if owner != e.ID {
			_, what, _ := strings.Cut(k.Kind, ".")
			flag(e, styk.Warning{Field: what, Rule: ruleDuplicate, Other: owner})
		}
	}
	return nil
}

// ruleDuplicate: a key of the record names another one.
const ruleDuplicate = "duplicate"

// flag adds a warning once.
func flag(e *styk.Entity, w styk.Warning) {
	if !slices.Contains(e.Warnings, w) {
		e.Warnings = append(slices.Clip(e.Warnings), w)
	}
}

// moveKeys frees the keys that the record no longer has and binds the new.
func (tx *Tx) moveKeys(rec styk.Record, old, now []Key) error {
	for _, k := range old {
		if !slices.Contains(now, k) {
			if err := tx.release(k, rec); err != nil {
				return err
			}
		}
	}
	var added []Key
	for _, k := range now {
		if !slices.Contains(old, k) {
			added = append(added, k)
		}
	}
	return tx.claimAll(rec, added)
}

// release takes a key from rec. Its eldest living duplicate inherits it, so
// that the next look-up finds that one and makes no third record.
func (tx *Tx) release(key Key, rec styk.Record) error {
	e := rec.Base()
	_, what, _ := strings.Cut(key.Kind, ".")
	e.Warnings = slices.DeleteFunc(slices.Clone(e.Warnings), func(w styk.Warning) bool {
		return w.Rule == ruleDuplicate && w.Field == what
	})
	n, err := tx.changed(`UPDATE match_key SET record_id = 0 WHERE kind = $1 AND key = $2 AND record_id = $3`,
		key.Kind, key.Key, int64(e.ID))
	if err != nil || n == 0 {
		return err // rec was itself a duplicate
	}
	heir, err := tx.heir(key, rec.Kind(), e.ID)
	if err != nil {
		return err
	}
	if heir == 0 {
		return tx.exec(`DELETE FROM match_key WHERE kind = $1 AND key = $2`, key.Kind, key.Key)
	}
	return tx.exec(`UPDATE match_key SET record_id = $3 WHERE kind = $1 AND key = $2`, key.Kind, key.Key, int64(heir))
}

// maxHeirs bounds how many records of one token are looked at.
const maxHeirs = 100

// heir gives the eldest living record but one that has the key, 0 for none.
// The search table, which the old owner has left, tells whom to look at.
func (tx *Tx) heir(key Key, kind styk.Kind, but styk.ID) (styk.ID, error) {
	_, what, _ := strings.Cut(key.Kind, ".")
	var t tokens
	if what == "phone" {
		t.add(PhoneToken(strings.TrimPrefix(key.Key, "=")))
	} else {
		t.exact(key.Key)
	}
	if len(t) == 0 {
		return 0, nil
	}
	var ids []styk.ID
	err := tx.each(func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, styk.ID(id))
		return err
	}, `SELECT record_id FROM search WHERE token = $1 AND kind = $2 AND record_id <> $3 ORDER BY record_id LIMIT $4`,
		t[0], string(kind), int64(but), int64(maxHeirs))
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		rec := styk.NewRecord(kind)
		rec.Base().ID = id
		if err := tx.Load(rec); err != nil {
			return 0, err
		}
		if slices.Contains(keysOf(rec), key) {
			return id, nil
		}
	}
	return 0, nil
}
