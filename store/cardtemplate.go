package store

import (
	"database/sql"
	"errors"
	"fmt"

	"styk"
)

// The definition comes first: reading it empties the rest.
const templateColumns = `definition, id, name, layout, version, tick, created, changed`

func templateDests(t *styk.CardTemplate) []any {
	return []any{jsonDest[styk.CardTemplate]{t}, &t.ID, &t.Name, bytesDest{&t.Layout}, &t.Version, &t.Tick,
		msDest{&t.Created}, msDest{&t.Changed}}
}

// SaveCardTemplate stores a template under its id. An empty Layout leaves the
// stored one. It says whether anything became different. A change of the look
// reaches phones by TouchTemplate.
func (tx *Tx) SaveCardTemplate(t *styk.CardTemplate) (changed bool, err error) {
	old, err := tx.CardTemplate(t.ID)
	switch {
	case styk.CodeOf(err) == styk.NotFound:
		err := tx.exec(`INSERT INTO card_template (id, name, definition, layout, version, tick, created, changed)
			VALUES ($1, $2, $3, $4, 1, 0, $5, $5)`, t.ID, t.Name, encodeJSON(t), string(t.Layout), ms(tx.now))
		if err != nil {
			return false, fmt.Errorf("insert card template: %w", err)
		}
		return true, nil
	case err != nil:
		return false, err
	}
	layout := t.Layout
	if len(layout) == 0 {
		layout = old.Layout
	}
	if encodeJSON(old) == encodeJSON(t) && string(old.Layout) == string(layout) {
		return false, nil
	}
	return true, tx.exec(`UPDATE card_template SET name = $2, definition = $3, layout = $4, version = version + 1 WHERE id = $1`,
		t.ID, t.Name, encodeJSON(t), string(layout))
}

// CardTemplate loads a template; styk.NotFound when there is none.
func (tx *Tx) CardTemplate(id string) (*styk.CardTemplate, error) {
	t := &styk.CardTemplate{}
	err := tx.row(`SELECT `+templateColumns+` FROM card_template WHERE id = $1`, id).Scan(templateDests(t)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, styk.Failed(styk.NotFound, "нет такого шаблона карты")
	}
	if err != nil {
		return nil, fmt.Errorf("load card template: %w", err)
	}
	return t, nil
}

// TemplateVersion gives the version of a template, 0 when there is none: a
// look whether a kept one is still good.
func (tx *Tx) TemplateVersion(id string) (version int64, err error) {
	err = tx.row(`SELECT version FROM card_template WHERE id = $1`, id).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, err
}

// CardTemplates lists all templates by name.
func (tx *Tx) CardTemplates() ([]*styk.CardTemplate, error) {
	var list []*styk.CardTemplate
	err := tx.each(func(rows *sql.Rows) error {
		t := &styk.CardTemplate{}
		list = append(list, t)
		return rows.Scan(templateDests(t)...)
	}, `SELECT `+templateColumns+` FROM card_template ORDER BY name, id`)
	return list, err
}

// TouchTemplate notes that a template's look changed: phones that ask what is
// new hear of its cards. CallTemplatePhones wakes them.
func (tx *Tx) TouchTemplate(id string) error {
	tx.wrote = true
	tx.history.templates = append(tx.history.templates, id)
	return nil
}

func (tx *Tx) writeTemplateTick(tick int64, id string) error {
	// Passes bear whole seconds, as cards' revisions do.
	return tx.exec(`UPDATE card_template SET version = version + 1, tick = $2,
			changed = CASE WHEN changed + 1000 > $3 THEN changed + 1000 ELSE $3 END WHERE id = $1`,
		id, tick, ms(tx.now)/1000*1000)
}

// CallTemplatePhones makes the phones of a template's cards be called, those
// behind a card's id, at most limit cards; it gives the last one, 0 at the end.
func (tx *Tx) CallTemplatePhones(template string, after styk.ID, limit int) (last styk.ID, err error) {
	var cards []styk.ID
	err = tx.each(func(rows *sql.Rows) error {
		var id styk.ID
		err := rows.Scan((*int64)(&id))
		cards = append(cards, id)
		return err
	}, `SELECT id FROM card WHERE template_id = $1 AND deleted = 0 AND id > $2 ORDER BY id LIMIT $3`, template, int64(after), int64(limit))
	if err != nil {
		return 0, err
	}
	for _, id := range cards {
		if err := tx.callPhones(id); err != nil {
			return 0, err
		}
		last = id
	}
	if len(cards) < limit {
		last = 0
	}
	return last, nil
}

// CardImage is one picture file of a template.
type CardImage struct {
	Name string // "logo@2x.png"; "logo": as it was uploaded
	Sum  string // of its bytes among the files
	Size int64
}

// SaveCardImages replaces the files of one picture ("logo"): the upload and what
// was made of it. None: the picture goes.
func (tx *Tx) SaveCardImages(template, picture string, files []CardImage) error {
	err := tx.exec(`DELETE FROM card_image WHERE template_id = $1 AND (name = $2 OR name = $3 OR name = $4 OR name = $5)`,
		template, picture, picture+".png", picture+"@2x.png", picture+"@3x.png")
	if err != nil {
		return err
	}
	for _, f := range files {
		err := tx.exec(`INSERT INTO card_image (template_id, name, sum, size) VALUES ($1, $2, $3, $4)`, template, f.Name, f.Sum, f.Size)
		if err != nil {
			return fmt.Errorf("save card image: %w", err)
		}
	}
	return nil
}

// CardImages lists a template's picture files by name.
func (tx *Tx) CardImages(template string) ([]CardImage, error) {
	var list []CardImage
	err := tx.each(func(rows *sql.Rows) error {
		var f CardImage
		err := rows.Scan(&f.Name, &f.Sum, &f.Size)
		list = append(list, f)
		return err
	}, `SELECT name, sum, size FROM card_image WHERE template_id = $1 ORDER BY name`, template)
	return list, err
}
