package creatio

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"styk/connect"
)

// makeAccount finds or makes the legal entity of a new contact; without a
// company's name there is none.
func (j *job) makeAccount(ctx context.Context) error {
	name := j.company()
	if name == "" {
		return nil
	}
	done, err := j.p.Step(ctx, "account", j.findAccount, func(ctx context.Context) (connect.Done, error) {
		if d, err := j.findAccount(ctx); !errors.Is(err, connect.NotFound) {
			return d, err
		}
		values := map[string]any{"Name": cut(name, j.t.limit(entAccount, "Name"))}
		if column := j.t.set.Text("account_inn_column"); column != "" && j.ticket.Contact.INN != "" {
			values[column] = j.ticket.Contact.INN
		}
		j.mapped(entAccount, values)
		return j.createOnce(ctx, entAccount, j.accountKey(), values, j.sameAccount, "Id", "Name")
	})
	if err != nil {
		return err
	}
	j.account, err = uuid.Parse(done.ID)
	return err
}

// company is the legal entity's name by the form field that the settings name.
func (j *job) company() string {
	field := j.t.set.Text("account_from")
	if slices.ContainsFunc(j.ticket.Fields, func(v connect.Value) bool { return v.Name == field }) {
		return strings.TrimSpace(j.ticket.Value(field))
	}
	return strings.TrimSpace(j.ticket.Contact.Company)
}

// findAccount looks by ИНН where the CRM has a column for it, else by the exact
// name; the oldest of several, which is the one that people know.
func (j *job) findAccount(ctx context.Context) (connect.Done, error) {
	f := Eq("Name", cut(j.company(), j.t.limit(entAccount, "Name")))
	if column := j.t.set.Text("account_inn_column"); column != "" && j.ticket.Contact.INN != "" {
		f = Eq(column, j.ticket.Contact.INN)
	}
	rows, err := j.n.List(ctx, entAccount, Query{Select: []string{"Id", "Name"}, Filter: f, OrderBy: "CreatedOn,Id", Top: 1})
	if err != nil {
		return connect.Done{}, err
	}
	if len(rows) == 0 {
		return connect.Done{}, connect.NotFound
	}
	return connect.Done{ID: rows[0].GUID("Id").String()}, nil
}

func (j *job) sameAccount(r Row) bool {
	if j.t.set.Text("account_inn_column") != "" && j.ticket.Contact.INN != "" {
		return true // the id was made of the ИНН; a firm may be renamed
	}
	return strings.EqualFold(strings.TrimSpace(r.Text("Name")), cut(j.company(), j.t.limit(entAccount, "Name")))
}

// accountKey names the firm: by ИНН where the CRM has a column to compare it.
func (j *job) accountKey() string {
	if inn := j.ticket.Contact.INN; inn != "" && j.t.set.Text("account_inn_column") != "" {
		return "inn/" + inn
	}
	return "name/" + strings.ToLower(j.company())
}
