package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"styk"
)

// targetPlace is where a target's secret settings are sealed.
func targetPlace(id styk.ID) string { return fmt.Sprintf("target/%d/sealed", id) }

// SaveTarget inserts a target, or stores a new description of the one with that
// name. secret names the settings that are sealed; one that t does not carry
// keeps its old value. It says whether anything became different.
func (tx *Tx) SaveTarget(t *styk.Target, secret []string) (changed bool, err error) {
	old, err := tx.lockTarget(t.Name)
	fresh := styk.CodeOf(err) == styk.NotFound
	if err != nil && !fresh {
		return false, err
	}
	open, sealed := map[string]any{}, map[string]any{}
	for name, v := range t.Settings {
		if slices.Contains(secret, name) {
			sealed[name] = v
		} else {
			open[name] = v
		}
	}
	if !fresh {
		t.ID, t.Version, t.Paused, t.PausedWhy = old.ID, old.Version, old.Paused, old.PausedWhy
		for _, name := range secret {
			if _, given := sealed[name]; given || old.Kind != t.Kind {
				continue
			}
			if v, had := old.Settings[name]; had {
				sealed[name] = v
			}
		}
	}
	t.Secrets = slices.Sorted(maps.Keys(sealed))
	if !fresh && sameTarget(old, t, open, sealed) {
		return false, nil
	}
	if fresh {
		err := tx.row(`INSERT INTO target (name, kind, parallel, settings, secrets, sealed, mapping, disabled, paused, paused_why,
				version, alarmed, warned) VALUES ($1, $2, 0, '', '', '', '', 0, 0, '', 0, 0, 0) RETURNING id`,
			t.Name, t.Kind).Scan((*int64)(&t.ID))
		if err != nil {
			return false, fmt.Errorf("insert target %s: %w", t.Name, err)
		}
	}
	t.Version++
	closed := ""
	if len(sealed) > 0 {
		closed = tx.db.Seal(targetPlace(t.ID), encodeJSON(sealed))
	}
	return true, tx.exec(`UPDATE target SET kind = $2, parallel = $3, settings = $4, secrets = $5, sealed = $6, mapping = $7,
			disabled = $8, version = $9 WHERE id = $1`,
		int64(t.ID), t.Kind, int64(t.Parallel), encodeJSON(open), encodeList(t.Secrets), closed, encodeJSON(t.Mapping),
		arg(&t.Disabled), t.Version)
}

// sameTarget compares what is stored with what shall be, as JSON: YAML and the
// database give numbers of different Go types.
func sameTarget(old, t *styk.Target, open, sealed map[string]any) bool {
	all := maps.Clone(open)
	maps.Copy(all, sealed)
	return old.Kind == t.Kind && old.Parallel == t.Parallel && old.Disabled == t.Disabled &&
		maps.Equal(old.Mapping, t.Mapping) && slices.Equal(old.Secrets, t.Secrets) &&
		encodeJSON(old.Settings) == encodeJSON(all)
}

// encodeJSON writes a small structure; map keys come sorted.
func encodeJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: %T does not marshal: %v", v, err)) // made of YAML or JSON
	}
	return string(text)
}

const targetColumns = `id, name, kind, parallel, settings, secrets, mapping, disabled, paused, paused_why, version`

func targetDests(t *styk.Target) []any {
	return []any{
		(*int64)(&t.ID), &t.Name, &t.Kind, &t.Parallel, jsonDest[map[string]any]{&t.Settings}, listDest{&t.Secrets},
		jsonDest[map[string]string]{&t.Mapping}, boolDest{&t.Disabled}, msDest{&t.Paused}, &t.PausedWhy, &t.Version,
	}
}

// Target loads a target by name, its secret settings opened; styk.NotFound
// when there is none.
func (tx *Tx) Target(name string) (*styk.Target, error) { return tx.target(`name = $1`, name) }

// TargetByID does the same by number.
func (tx *Tx) TargetByID(id styk.ID) (*styk.Target, error) { return tx.target(`id = $1`, int64(id)) }

func (tx *Tx) lockTarget(name string) (*styk.Target, error) {
	return tx.target(`name = $1`+tx.forUpdate(), name)
}

func (tx *Tx) target(where string, arg any) (*styk.Target, error) {
	t := &styk.Target{}
	var sealed string
	err := tx.row(`SELECT `+targetColumns+`, sealed FROM target WHERE `+where, arg).Scan(append(targetDests(t), &sealed)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, styk.Failed(styk.NotFound, "нет такой цели")
	}
	if err != nil {
		return nil, fmt.Errorf("load target: %w", err)
	}
	if t.Settings == nil {
		t.Settings = map[string]any{}
	}
	if sealed == "" {
		return t, nil
	}
	plain, err := tx.db.Open(targetPlace(t.ID), sealed)
	if err != nil {
		return nil, err
	}
	secrets := map[string]any{}
	if err := json.Unmarshal([]byte(plain), &secrets); err != nil {
		return nil, fmt.Errorf("secrets of target %s: %w", t.Name, err)
	}
	maps.Copy(t.Settings, secrets)
	return t, nil
}

// Targets lists all targets by name, without their secret settings.
func (tx *Tx) Targets() ([]*styk.Target, error) {
	var list []*styk.Target
	err := tx.each(func(rows *sql.Rows) error {
		t := &styk.Target{}
		list = append(list, t)
		return rows.Scan(targetDests(t)...)
	}, `SELECT `+targetColumns+` FROM target ORDER BY name`)
	return list, err
}

// RunningTargets gives the numbers of those of the named targets that exist and
// are not disabled; paused ones too.
func (tx *Tx) RunningTargets(names []string) (map[string]styk.ID, error) {
	args := make([]any, len(names))
	for i, n := range names {
		args[i] = n
	}
	found := make(map[string]styk.ID, len(names))
	err := tx.each(func(rows *sql.Rows) error {
		var name string
		var id int64
		err := rows.Scan(&name, &id)
		found[name] = styk.ID(id)
		return err
	}, `SELECT name, id FROM target WHERE disabled = 0 AND name IN (`+marks(1, len(names))+`)`, args...)
	return found, err
}

// PauseTarget stops a target: nothing more is claimed for it by any process.
// why is shown to people.
func (tx *Tx) PauseTarget(id styk.ID, why string) error {
	return tx.exec(`UPDATE target SET paused = $2, paused_why = $3 WHERE id = $1 AND paused = 0`, int64(id), ms(tx.now), why)
}

// ResumeTarget lets a target run again.
func (tx *Tx) ResumeTarget(id styk.ID) error {
	return tx.exec(`UPDATE target SET paused = 0, paused_why = '' WHERE id = $1`, int64(id))
}

// Alarm notes that people were told that the target takes nothing. It says
// whether they had not been told yet.
func (tx *Tx) Alarm(target styk.ID) (first bool, err error) {
	n, err := tx.changed(`UPDATE target SET alarmed = $2 WHERE id = $1 AND alarmed = 0`, int64(target), ms(tx.now))
	return n == 1, err
}

// Calm ends an alarm. It gives since when there was one.
func (tx *Tx) Calm(target styk.ID) (since time.Time, ended bool, err error) {
	var alarmed int64
	if err := tx.row(`SELECT alarmed FROM target WHERE id = $1`, int64(target)).Scan(&alarmed); err != nil || alarmed == 0 {
		return time.Time{}, false, err // nearly always: nothing to write
	}
	n, err := tx.changed(`UPDATE target SET alarmed = 0 WHERE id = $1 AND alarmed <> 0`, int64(target))
	return fromMS(alarmed), n == 1, err
}

// WarnAt gives when people may next be told of failed deliveries of the target:
// soon for the first, an hour after the last one told of for the next.
func (tx *Tx) WarnAt(target styk.ID, soon, every time.Duration) (time.Time, error) {
	var warned int64
	err := tx.row(`SELECT warned FROM target WHERE id = $1`, int64(target)).Scan(&warned)
	if err != nil {
		return time.Time{}, err
	}
	at := tx.now.Add(soon)
	if last := fromMS(warned); warned != 0 && last.After(tx.now) {
		return last, nil // one is on its way and will tell of this too
	} else if next := last.Add(every); warned != 0 && next.After(at) {
		at = next
	}
	return at, tx.exec(`UPDATE target SET warned = $2 WHERE id = $1`, int64(target), ms(at))
}

// forUpdate keeps others from changing the rows read; SQLite has one writer.
func (tx *Tx) forUpdate() string {
	if tx.db.writer != nil {
		return ""
	}
	return " FOR UPDATE"
}

// TargetNumber gives the number of a target that takes deliveries, 0 when there
// is none of the name or it is disabled.
func (tx *Tx) TargetNumber(name string) (styk.ID, error) {
	var id int64
	err := tx.row(`SELECT id FROM target WHERE name = $1 AND disabled = 0`, name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return styk.ID(id), err
}
