package store

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"styk"
)

const callColumns = `id, at, took, face, operation, code, status, who, user_id, address, method, path, header, request, request_size,
	answer, answer_size`

// keptCalls is how many calls stay.
const keptCalls = 20_000

// KeepCalls stores calls, and drops the oldest beyond keptCalls.
func (tx *Tx) KeepCalls(calls []*styk.APICall) error {
	for _, c := range calls {
		id, err := tx.numbered(`INSERT INTO api_call (at, took, face, operation, code, status, who, user_id, address, method, path,
				header, request, request_size, answer, answer_size)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
			ms(c.At), c.Took.Microseconds(), c.Face, c.Operation, c.Code, int64(c.Status), c.Who, int64(c.User), c.Address, c.Method,
			c.Path, encodeJSON(c.Header), c.Request, c.RequestSize, c.Answer, c.AnswerSize)
		if err != nil {
			return err
		}
		if id%100 == 0 {
			if err := tx.exec(`DELETE FROM api_call WHERE id <= $1`, id-keptCalls); err != nil {
				return err
			}
		}
	}
	return nil
}

// CallFilter says which calls to list; zero values mean all.
type CallFilter struct {
	Face      string
	Operation string
	Who       string
	Refused   bool
	Text      string  // stands in the request or the answer
	Before    styk.ID // for the next page
	After     styk.ID // those that came since, for a live list
	Limit     int
}

// Calls lists kept calls, the newest first, without what was said.
func (tx *Tx) Calls(f CallFilter) ([]*styk.APICall, error) {
	var where []string
	var args []any
	add := func(clause string, v any) {
		args = append(args, v)
		where = append(where, strings.ReplaceAll(clause, "?", "$"+strconv.Itoa(len(args))))
	}
	for column, v := range map[string]string{"face": f.Face, "operation": f.Operation, "who": f.Who} {
		if v != "" {
			add(column+" = ?", v)
		}
	}
	if f.Refused {
		where = append(where, "code <> ''")
	}
	if f.Text != "" { // at most keptCalls rows: they may be read
		add("(fold(request) LIKE ? ESCAPE '!' OR fold(answer) LIKE ? ESCAPE '!' OR fold(path) LIKE ? ESCAPE '!')",
			"%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(styk.Fold(f.Text))+"%")
	}
	if f.Before != 0 {
		add("id < ?", int64(f.Before))
	}
	if f.After != 0 {
		add("id > ?", int64(f.After))
	}
	if where == nil {
		where = []string{"1 = 1"}
	}
	args = append(args, int64(f.Limit))
	columns := strings.NewReplacer("header", "''", "request,", "'',", "answer,", "'',").Replace(callColumns)
	var list []*styk.APICall
	err := tx.each(func(rows *sql.Rows) error {
		c := &styk.APICall{}
		list = append(list, c)
		return rows.Scan(callDests(c)...)
	}, `SELECT `+columns+` FROM api_call WHERE `+strings.Join(where, " AND ")+` ORDER BY id DESC LIMIT $`+strconv.Itoa(len(args)), args...)
	return list, err
}

// Call gives one kept call whole; styk.NotFound when it is kept no longer.
func (tx *Tx) Call(id styk.ID) (*styk.APICall, error) {
	c := &styk.APICall{}
	err := tx.row(`SELECT `+callColumns+` FROM api_call WHERE id = $1`, int64(id)).Scan(callDests(c)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, styk.Failed(styk.NotFound, "Такого вызова в журнале уже нет")
	}
	return c, err
}

func callDests(c *styk.APICall) []any {
	return []any{
		(*int64)(&c.ID), msDest{&c.At}, microsDest{&c.Took}, &c.Face, &c.Operation, &c.Code, &c.Status, &c.Who, (*int64)(&c.User),
		&c.Address, &c.Method, &c.Path, jsonDest[map[string][]string]{&c.Header}, &c.Request, &c.RequestSize, &c.Answer, &c.AnswerSize,
	}
}

type microsDest struct{ d *time.Duration }

// Scan implements sql.Scanner.
func (d microsDest) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return errors.New("a duration is no number")
	}
	*d.d = time.Duration(n) * time.Microsecond
	return nil
}

// ForgetCalls empties what was said in all kept calls: nobody can tell in which
// of them an erased person was spoken of.
func (tx *Tx) ForgetCalls() error {
	return tx.exec(`UPDATE api_call SET path = '', header = '', request = '', answer = '' WHERE request <> '' OR answer <> '' OR path <> ''`)
}

// ChangesOf lists what a user changed within a time, oldest first: what a call
// did.
func (tx *Tx) ChangesOf(user styk.ID, from, to time.Time, limit int) ([]Change, error) {
	var list []Change
	err := tx.each(func(rows *sql.Rows) error {
		c, err := scanChange(rows)
		list = append(list, c)
		return err
	}, `SELECT `+changeColumns+` FROM history WHERE at >= $1 AND at <= $2 AND user_id = $3 ORDER BY tick LIMIT $4`,
		ms(from), ms(to), int64(user), int64(limit))
	return list, err
}
