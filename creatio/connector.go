package creatio

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"styk/connect"
)

// target is one configured CRM. It may be used by many goroutines.
type target struct {
	client *Client
	set    connect.Settings
	fixed  map[string]map[string]any // entity -> column -> constant
	who    partner

	lookups lookups
	pause   func(ctx context.Context, d time.Duration) error

	mu     sync.Mutex
	model  Model     // empty until Check has read it
	closed time.Time // further numbers are not to be asked for until then
}

// closeNumbers spares the CRM a question that it refuses, for an hour.
func (t *target) closeNumbers() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = t.client.cfg.Now().Add(time.Hour)
}

func (t *target) numbersOpen() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.client.cfg.Now().After(t.closed)
}

// partner says which account a case names as the partner.
type partner struct {
	Column string `yaml:"column"`
	Code   string `yaml:"code"`
	Name   string `yaml:"name"`
	ID     string `yaml:"id"`
}

// own reports the default: the account of the contact itself.
func (w partner) own() bool { return w.Code == "" && w.Name == "" && w.ID == "" }

// New makes the connector; it calls nobody.
func New(s connect.Settings) (connect.Connector, error) {
	if s.Text("identity_url") == "" && (s.Text("user") == "" || s.Text("password") == "") {
		return nil, errors.New("нужны user и password, или identity_url, client_id и client_secret")
	}
	if s.Text("identity_url") != "" && (s.Text("client_id") == "" || s.Text("client_secret") == "") {
		return nil, errors.New("к identity_url нужны client_id и client_secret")
	}
	prefix := s.Text("prefix")
	if prefix == "auto" {
		prefix = PrefixAuto
	}
	client, err := NewClient(Config{
		URL: s.Text("url"), Prefix: prefix,
		User: s.Text("user"), Password: s.Text("password"),
		IdentityURL: s.Text("identity_url"), ClientID: s.Text("client_id"), ClientSecret: s.Text("client_secret"),
		SessionIdle: s.Duration("session_idle"), Now: s.Now,
	})
	if err != nil {
		return nil, err
	}
	client.ownIDsOff = s.Text("own_ids") == "never"
	t := &target{client: client, set: s, pause: pause, who: partner{Column: "AccountId"}}
	if err := s.Tree("partner", &t.who); err != nil {
		return nil, err
	}
	if err := t.checkPartner(); err != nil {
		return nil, err
	}
	if err := t.readColumns(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *target) checkPartner() error {
	if t.who.ID != "" {
		if _, err := uuid.Parse(t.who.ID); err != nil {
			return errors.New("partner.id: нужен GUID")
		}
	}
	names := append(t.columnSettings(), t.who.Column)
	for _, name := range names {
		if name != "" && !columnName.MatchString(name) {
			return fmt.Errorf("%q не похоже на имя колонки", name)
		}
	}
	return nil
}

// columnName keeps what goes into a filter unquoted to letters and digits.
var columnName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,99}$`)

func (t *target) columnSettings() []string {
	return []string{t.set.Text("external_id_column"), t.set.Text("account_inn_column"), t.set.Text("contact_inn_column")}
}

func (t *target) readColumns() error {
	var c struct {
		Case    map[string]any `yaml:"case"`
		Contact map[string]any `yaml:"contact"`
		Account map[string]any `yaml:"account"`
	}
	if err := t.set.Tree("columns", &c); err != nil {
		return err
	}
	t.fixed = map[string]map[string]any{entCase: c.Case, entContact: c.Contact, entAccount: c.Account}
	for entity, columns := range t.fixed {
		for name := range columns {
			if !columnName.MatchString(name) {
				return fmt.Errorf("columns: %s: %q не похоже на имя колонки", entity, name)
			}
		}
	}
	return nil
}

// Check signs in, reads one row, and compares the settings with the model of
// the CRM where it lets us read that.
func (t *target) Check(ctx context.Context) error {
	t.client.Forgive()
	n := t.client.Via(t.set.Client)
	if _, err := n.List(ctx, "CaseStatus", Query{Select: []string{"Id"}, Top: 1}); err != nil {
		return err
	}
	for name, column := range settingLookups {
		if text := t.set.Text(name); text != "" {
			if _, found, err := t.lookups.find(ctx, n, caseLookups[column], "Name", text); err != nil {
				return err
			} else if !found {
				return connect.Permanentf("настройка %s: в справочнике %s нет «%s»", name, caseLookups[column], text)
			}
		}
	}
	if _, err := t.partner(ctx, n); err != nil {
		return err
	}
	model, err := n.Metadata(ctx)
	if err != nil {
		return ctx.Err() // rights to read the model are not needed to deliver
	}
	t.mu.Lock()
	t.model = model
	t.mu.Unlock()
	return t.checkColumns(model)
}

func (t *target) checkColumns(model Model) error {
	var absent []string
	need := func(entity, column string) {
		columns, known := model[entity]
		if _, ok := columns[column]; known && !ok && column != "" {
			absent = append(absent, entity+"."+column)
		}
	}
	need(entCase, t.set.Text("external_id_column"))
	need(entCase, t.who.Column)
	need(entAccount, t.set.Text("account_inn_column"))
	need(entContact, t.set.Text("contact_inn_column"))
	for entity, columns := range t.fixed {
		for column := range columns {
			need(entity, column)
		}
	}
	if absent == nil {
		return nil
	}
	slices.Sort(absent)
	return connect.Permanentf("в CRM нет колонок: %s", strings.Join(absent, ", "))
}

// limit gives how many runes a text column takes.
func (t *target) limit(entity, column string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if longest := t.model[entity][column]; longest > 0 {
		return longest
	}
	return textLimit
}

// partner gives the configured partner account, Nil for the contact's own.
func (t *target) partner(ctx context.Context, n *Conn) (uuid.UUID, error) {
	by, value := "Code", t.who.Code
	switch {
	case t.who.own():
		return uuid.Nil, nil
	case t.who.ID != "":
		return uuid.MustParse(t.who.ID), nil
	case t.who.Name != "":
		by, value = "Name", t.who.Name
	}
	id, found, err := t.lookups.find(ctx, n, entAccount, by, value)
	if err == nil && !found {
		err = connect.Stop(fmt.Errorf("настройка partner: в CRM нет контрагента с %s «%s»", by, value))
	}
	return id, err
}

// constants lays the configured constants under the values.
func (t *target) constants(entity string, values map[string]any) map[string]any {
	out := maps.Clone(t.fixed[entity])
	if out == nil {
		out = map[string]any{}
	}
	maps.Copy(out, values)
	return out
}

// lookups remembers what names mean: found ones for a day, unknown ones for ten
// minutes, since somebody may be adding them just now.
type lookups struct {
	mu    sync.Mutex
	known map[[3]string]lookedUp
}

type lookedUp struct {
	id    uuid.UUID
	until time.Time
}

func (l *lookups) find(ctx context.Context, n *Conn, entity, column, value string) (id uuid.UUID, found bool, err error) {
	key, now := [3]string{entity, column, value}, n.c.cfg.Now()
	l.mu.Lock()
	k, ok := l.known[key]
	l.mu.Unlock()
	if ok && now.Before(k.until) {
		return k.id, k.id != uuid.Nil, nil
	}
	rows, err := n.List(ctx, entity, Query{Select: []string{"Id"}, Filter: Eq(column, value), Top: 1})
	if err != nil {
		return uuid.Nil, false, err
	}
	k = lookedUp{until: now.Add(10 * time.Minute)}
	if len(rows) > 0 {
		k = lookedUp{rows[0].GUID("Id"), now.Add(24 * time.Hour)}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// Values come from visitors: the memory must not grow with them.
	if l.known == nil || len(l.known) > 1000 {
		l.known = map[[3]string]lookedUp{}
	}
	l.known[key] = k
	return k.id, k.id != uuid.Nil, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
