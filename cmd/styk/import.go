package main

import (
	"context"
	"fmt"
	"strings"

	"styk"
	"styk/store"
	"styk/vtiger"
)

type importCommands struct {
	Vtiger importVtigerCommand `cmd:"" help:"Take over a Vtiger by its web service, record numbers kept."`
	CSV    importCSVCommand    `cmd:"" name:"csv" help:"Take over a table, as Excel saves it."`
}

// importModules are what can be taken over, in an order in which references
// find what they name.
var importModules = []string{vtiger.ModuleAccounts, vtiger.ModuleContacts, vtiger.ModuleProject, vtiger.ModuleHelpDesk,
	vtiger.ModuleDocuments, vtiger.ModuleModComments}

// importSlice bounds the records of one transaction.
const importSlice = 100

// fieldMap renames fields of the source, by module: {"Contacts":{"cf_853":"inn"}}.
type fieldMap map[string]map[string]string

// readMap reads Contacts.cf_853=inn; without a module the rename is of only.
func readMap(list []string, only string) (fieldMap, error) {
	all := fieldMap{}
	for _, text := range list {
		from, to, ok := strings.Cut(text, "=")
		module, name, dotted := strings.Cut(from, ".")
		if !dotted || only != "" {
			module, name = only, from
		}
		if from, to = strings.TrimSpace(name), strings.TrimSpace(to); !ok || module == "" || from == "" || to == "" {
			return nil, wrongSetting("such as --map Contacts.cf_853=inn", "--map: %q is not MODULE.THEIRS=OURS", text)
		}
		if all[module] == nil {
			all[module] = map[string]string{}
		}
		all[module][from] = to
	}
	return all, nil
}

// rename gives the values under our names. A renamed value that is empty does
// not hide one that stands under our name already.
func (m fieldMap) rename(module string, values vtiger.Record) vtiger.Record {
	if len(m[module]) == 0 {
		return values
	}
	renamed := make(vtiger.Record, len(values))
	for name, text := range values {
		if to, ok := m[module][name]; ok {
			name = to
		}
		if text != "" || renamed[name] == "" {
			renamed[name] = text
		}
	}
	return renamed
}

// tally counts what an import did.
type tally struct {
	stored, doubles, odd int
	taken                []styk.ID // numbers that something else has here
}

func (t *tally) add(o tally) {
	t.stored, t.doubles, t.odd, t.taken = t.stored+o.stored, t.doubles+o.doubles, t.odd+o.odd, append(t.taken, o.taken...)
}

// count notes what became of one stored record.
func (t *tally) count(rec styk.Record) {
	t.stored++
	double, odd := false, false
	for _, w := range rec.Base().Warnings {
		double = double || w.Rule == "duplicate"
		odd = odd || w.Rule != "duplicate"
	}
	if double {
		t.doubles++
	}
	if odd {
		t.odd++
	}
}

func (t *tally) String() string {
	text := fmt.Sprintf("%d stored", t.stored)
	if t.doubles > 0 {
		text += fmt.Sprintf(", %d of them share a phone, INN or e-mail with another (flagged, nothing merged)", t.doubles)
	}
	if t.odd > 0 {
		text += fmt.Sprintf(", %d bear a warning", t.odd)
	}
	if len(t.taken) > 0 {
		shown := t.taken[:min(len(t.taken), 20)]
		text += fmt.Sprintf("; %d NOT stored, their numbers are taken here: %v", len(t.taken), shown)
	}
	return text
}

// ownerOf finds the user to whom imported records belong: the named one, else
// the first who may administrate, else nobody.
func ownerOf(ctx context.Context, db *store.DB, name string) (id styk.ID, err error) {
	err = db.View(ctx, func(tx *store.Tx) error {
		id = 0
		if name != "" {
			u, err := tx.UserByName(name)
			if styk.CodeOf(err) == styk.NotFound {
				return wrongSetting("styk user list shows them all", "--owner: there is no user %q", name)
			}
			if err == nil {
				id = u.ID
			}
			return err
		}
		users, err := tx.Users()
		for _, u := range users {
			if u.Admin() && id == 0 {
				id = u.ID
			}
		}
		return err
	})
	return id, err
}
