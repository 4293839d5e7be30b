package store

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"styk"
)

// CardKey is a unique variable's value of a card, in normal form.
type CardKey struct{ Variable, Key string }

// CardTaken tells that a unique variable's value belongs to another card. It is
// a styk.Conflict.
type CardTaken struct {
	Variable string
	Card     styk.ID
	Number   string
}

// Error implements error; it holds no value.
func (e *CardTaken) Error() string { return "another card has this " + e.Variable }

// Unwrap makes it a conflict.
func (e *CardTaken) Unwrap() error { return styk.Failed(styk.Conflict, e.Error()) }

const cardColumns = `c.id, c.number, c.template_id, c.contact_id, c.code, c.content, c.warnings, c.revision, c.shown, c.created,
	c.modified, c.deleted, c.installed, c.removed, c.source`

func cardDests(c *styk.Card) []any {
	return []any{
		(*int64)(&c.ID), &c.Number, &c.Template, (*int64)(&c.Contact), &c.Code, jsonDest[map[string]string]{&c.Values},
		warningsDest{&c.Warnings}, &c.Revision, msDest{&c.Shown}, msDest{&c.Created},
		msDest{&c.Modified}, msDest{&c.Deleted}, msDest{&c.Installed}, msDest{&c.Removed}, &c.Source,
	}
}

// FreeKeys fails with *CardTaken when one of the keys names another card of the
// template than but. A closure calls it before it writes anything.
func (tx *Tx) FreeKeys(template string, keys []CardKey, but styk.ID) error {
	for _, k := range keys {
		id, number, err := tx.cardByKey(template, k)
		if err != nil {
			return err
		}
		if id != 0 && id != but {
			return &CardTaken{k.Variable, id, number}
		}
	}
	return nil
}

func (tx *Tx) cardByKey(template string, k CardKey) (id styk.ID, number string, err error) {
	err = tx.row(`SELECT c.id, c.number FROM card_key k JOIN card c ON c.id = k.card_id
		WHERE k.template_id = $1 AND k.variable = $2 AND k.key = $3`, template, k.Variable, k.Key).Scan((*int64)(&id), &number)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	return id, number, err
}

// CardByKey gives the living card of the template that has the value;
// styk.NotFound when there is none.
func (tx *Tx) CardByKey(template string, k CardKey) (*styk.Card, error) {
	id, number, err := tx.cardByKey(template, k)
	if err != nil {
		return nil, err
	}
	if id == 0 {
		return nil, cardNotFound("")
	}
	return tx.Card(number)
}

// InsertCard stores a new card under its Number, revision 1, and binds its keys.
// *CardTaken when a key is another card's, styk.Conflict when the number is.
func (tx *Tx) InsertCard(c *styk.Card, keys []CardKey) error {
	before := *c
	tx.restore = append(tx.restore, func() { *c = before })
	if c.Created.IsZero() {
		c.Created = tx.now
	}
	if c.Modified.IsZero() {
		c.Modified = tx.now
	}
	c.Revision, c.Shown = 1, tx.now.Truncate(time.Second)
	id, err := tx.numbered(`INSERT INTO card (number, template_id, contact_id, code, content, warnings, revision, shown, handed, created,
			modified, deleted, installed, removed, source)
		VALUES ($1, $2, $3, $4, $5, $6, 1, $7, 0, $8, $9, 0, 0, 0, $10) ON CONFLICT (number) DO NOTHING`,
		c.Number, c.Template, int64(c.Contact), c.Code, encodeJSON(c.Values), encodeWarnings(c.Warnings), ms(c.Shown),
		ms(c.Created), ms(c.Modified), c.Source)
	if errors.Is(err, sql.ErrNoRows) {
		return styk.FieldError(styk.Conflict, "cardId", "unique", "there is already a card with this number")
	}
	if err != nil {
		return fmt.Errorf("insert card: %w", err)
	}
	c.ID = styk.ID(id)
	if err := tx.bindKeys(c, keys); err != nil {
		return err
	}
	return tx.indexCard(c, "", c.Code)
}

// bindKeys gives the card its keys. On PostgreSQL it waits for another
// transaction that is binding the same key.
func (tx *Tx) bindKeys(c *styk.Card, keys []CardKey) error {
	for _, k := range keys {
		n, err := tx.changed(`INSERT INTO card_key (template_id, variable, key, card_id) VALUES ($1, $2, $3, $4)
			ON CONFLICT (template_id, variable, key) DO NOTHING`, c.Template, k.Variable, k.Key, int64(c.ID))
		if err != nil {
			return fmt.Errorf("bind a card's key: %w", err)
		}
		if n > 0 {
			continue
		}
		id, number, err := tx.cardByKey(c.Template, k)
		if err != nil {
			return err
		}
		if id != c.ID {
			return &CardTaken{k.Variable, id, number}
		}
	}
	return nil
}

func (tx *Tx) freeKeys(c *styk.Card, keys []CardKey) error {
	for _, k := range keys {
		err := tx.exec(`DELETE FROM card_key WHERE template_id = $1 AND variable = $2 AND key = $3 AND card_id = $4`,
			c.Template, k.Variable, k.Key, int64(c.ID))
		if err != nil {
			return err
		}
	}
	return nil
}

// KindCard is the kind under which cards stand in the search table. A card has
// a line of numbers of its own.
const KindCard styk.Kind = "card"

// indexCard makes a card found by its barcode, in whole, by its beginning or end.
func (tx *Tx) indexCard(c *styk.Card, old, now string) error {
	return tx.index(KindCard, c.ID, codeTokens(old), codeTokens(now))
}

func codeTokens(code string) []string {
	if code == "" {
		return nil
	}
	var t tokens
	t.exact(code)
	if strings.Trim(code, "0123456789") == "" {
		t.add("<" + reversed(code))
	}
	slices.Sort(t)
	return slices.Compact(t)
}

// Card loads a card by its number; styk.NotFound when there is none. A deleted
// one is given too.
func (tx *Tx) Card(number string) (*styk.Card, error) {
	return tx.card(`c.number = $1`, number)
}

// CardByID loads a card by its own id.
func (tx *Tx) CardByID(id styk.ID) (*styk.Card, error) { return tx.card(`c.id = $1`, int64(id)) }

// LockCard loads a card and keeps others from changing it until the
// transaction's end: changes of one card happen one after the other.
func (tx *Tx) LockCard(number string) (*styk.Card, error) {
	return tx.card(`c.number = $1`+tx.forUpdate(), number)
}

func (tx *Tx) card(where string, arg any) (*styk.Card, error) {
	c := &styk.Card{}
	err := tx.row(`SELECT `+cardColumns+` FROM card c WHERE `+where, arg).Scan(cardDests(c)...)
	if errors.Is(err, sql.ErrNoRows) {
		text, _ := arg.(string)
		return nil, cardNotFound(text)
	}
	if err != nil {
		return nil, fmt.Errorf("load card: %w", err)
	}
	return c, nil
}

func cardNotFound(number string) error {
	return styk.Failed(styk.NotFound, strings.TrimSpace("there is no card "+number))
}

// CardEdit is a change of a locked card.
type CardEdit struct {
	Op      string // update, delete, erase
	By      By
	Changes map[string][2]string // by variable: before and after
	Free    []CardKey            // keys that it has no longer
	Bind    []CardKey            // keys that it now has
	OldCode string
}

// pushPause is how long pushes wait for more changes of the same burst.
const pushPause = 1500 * time.Millisecond

// SaveCard stores a locked card with what became different, raises its revision
// and calls its phones, once per burst. *CardTaken when a key is another card's.
func (tx *Tx) SaveCard(c *styk.Card, e CardEdit) error {
	if err := tx.freeKeys(c, e.Free); err != nil {
		return err
	}
	if err := tx.bindKeys(c, e.Bind); err != nil {
		return err
	}
	c.Revision++
	c.Modified = tx.now
	// Phones ask by whole seconds: each revision has one of its own.
	if next, now := c.Shown.Add(time.Second), tx.now.Truncate(time.Second); next.After(now) {
		c.Shown = next
	} else {
		c.Shown = now
	}
	err := tx.exec(`UPDATE card SET contact_id = $2, code = $3, content = $4, warnings = $5, revision = $6, shown = $7, modified = $8,
			deleted = $9 WHERE id = $1`,
		int64(c.ID), int64(c.Contact), c.Code, encodeJSON(c.Values), encodeWarnings(c.Warnings), c.Revision, ms(c.Shown),
		ms(c.Modified), ms(c.Deleted))
	if err != nil {
		return fmt.Errorf("save card: %w", err)
	}
	if e.OldCode != c.Code || !c.Deleted.IsZero() {
		now := c.Code
		if !c.Deleted.IsZero() {
			now = ""
		}
		if err := tx.indexCard(c, e.OldCode, now); err != nil {
			return err
		}
	}
	if !c.Installed.IsZero() {
		if err := tx.callPhones(c.ID); err != nil {
			return err
		}
	}
	tx.wrote = true
	tx.history.cards = append(tx.history.cards, cardEntry{c.ID, e})
	return nil
}

// cardEntry is a card's change that waits for its number, see writeHistory.
type cardEntry struct {
	card styk.ID
	edit CardEdit
}

// writeCardEntries writes what happened to cards and to templates' looks,
// numbered behind tick.
func (tx *Tx) writeCardEntries(tick int64, cards []cardEntry, templates []string) error {
	for _, e := range cards {
		tick++
		changes := ""
		if len(e.edit.Changes) > 0 {
			changes = encodeJSON(e.edit.Changes)
		}
		err := tx.exec(`INSERT INTO card_change (card_id, tick, op, at, user_id, origin, changes)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			int64(e.card), tick, e.edit.Op, ms(tx.now), int64(e.edit.By.User), e.edit.By.Origin, changes)
		if err != nil {
			return fmt.Errorf("write card change: %w", err)
		}
	}
	for _, id := range templates {
		tick++
		if err := tx.writeTemplateTick(tick, id); err != nil {
			return err
		}
	}
	return nil
}

// CardHistory gives a card's changes, newest first, those before tick (0: all),
// at most limit.
func (tx *Tx) CardHistory(card styk.ID, before int64, limit int) ([]Change, error) {
	if err := tx.writeHistory(); err != nil {
		return nil, err
	}
	if before == 0 {
		before = 1 << 62
	}
	var list []Change
	err := tx.each(func(rows *sql.Rows) error {
		c := Change{Record: card, Kind: KindCard}
		err := rows.Scan(&c.Tick, &c.Op, msDest{&c.At}, (*int64)(&c.User), &c.Origin, jsonDest[map[string][2]string]{&c.Fields})
		list = append(list, c)
		return err
	}, `SELECT tick, op, at, user_id, origin, changes FROM card_change WHERE card_id = $1 AND tick < $2
		ORDER BY tick DESC LIMIT $3`, int64(card), before, int64(limit))
	return list, err
}
