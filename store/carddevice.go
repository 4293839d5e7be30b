package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"styk"
)

const deviceColumns = `d.card_id, d.device, d.platform, d.push_token, d.agent, d.created, d.seen, d.push_due, d.push_tries, d.pushed,
	d.pushed_revision, d.verdict, d.reason, d.asked, d.fetched, d.fetched_revision`

func deviceDests(d *styk.CardDevice) []any {
	return []any{
		(*int64)(&d.Card), &d.Device, &d.Platform, &d.PushToken, &d.Agent, msDest{&d.Created}, msDest{&d.Seen}, msDest{&d.PushDue},
		&d.PushTries, msDest{&d.Pushed}, &d.PushedRevision, &d.Verdict, &d.Reason, msDest{&d.Asked}, msDest{&d.Fetched},
		&d.FetchedRevision,
	}
}

// InstallCard notes that a card is on a phone, or is still there. A push token
// counts for all cards of that phone. fresh: the phone did not have the card;
// first: no phone had it.
func (tx *Tx) InstallCard(d *styk.CardDevice) (fresh, first bool, err error) {
	c, handed, err := tx.lockHanded(d.Card)
	if err != nil {
		return false, false, err
	}
	due := int64(0)
	if d.PushToken != "" && c.Revision > handed {
		due = ms(tx.now.Add(pushPause)) // it changed while the pass was on its way to the phone
	}
	n, err := tx.changed(`INSERT INTO card_device (card_id, device, platform, push_token, agent, created, seen, push_due, push_tries,
			pushed, pushed_revision, verdict, reason, asked, fetched, fetched_revision)
		VALUES ($1, $2, $3, $4, $5, $6, $6, $7, 0, 0, 0, '', '', 0, 0, 0) ON CONFLICT (card_id, device) DO NOTHING`,
		int64(d.Card), d.Device, d.Platform, d.PushToken, d.Agent, ms(tx.now), due)
	if err != nil {
		return false, false, fmt.Errorf("install card: %w", err)
	}
	if d.PushToken != "" {
		err := tx.exec(`UPDATE card_device SET push_token = $2, verdict = '', reason = '', push_tries = 0
			WHERE device = $1 AND push_token <> $2`, d.Device, d.PushToken)
		if err != nil {
			return false, false, err
		}
	}
	if n == 0 {
		return false, false, tx.exec(`UPDATE card_device SET seen = $3, agent = CASE WHEN $4 = '' THEN agent ELSE $4 END
			WHERE card_id = $1 AND device = $2`, int64(d.Card), d.Device, ms(tx.now), d.Agent)
	}
	n, err = tx.changed(`UPDATE card SET installed = $2 WHERE id = $1 AND installed = 0`, int64(d.Card), ms(tx.now))
	return true, n > 0, err
}

// lockHanded locks a card and gives the revision of the pass last given out.
func (tx *Tx) lockHanded(id styk.ID) (c *styk.Card, handed int64, err error) {
	if c, err = tx.card(`c.id = $1`+tx.forUpdate(), int64(id)); err != nil {
		return nil, 0, err
	}
	return c, handed, tx.row(`SELECT handed FROM card WHERE id = $1`, int64(id)).Scan(&handed)
}

// NoteHanded notes the revision of the pass that the card's page gives out.
func (tx *Tx) NoteHanded(card styk.ID, revision int64) error {
	return tx.exec(`UPDATE card SET handed = $2 WHERE id = $1 AND handed <> $2`, int64(card), revision)
}

// RemoveCard notes that a phone no longer has the card. last: no other has it.
func (tx *Tx) RemoveCard(card styk.ID, device string) (was, last bool, err error) {
	// The card's row first, as everywhere: two phones at once shall not both
	// believe that the other one still has it.
	if _, err := tx.card(`c.id = $1`+tx.forUpdate(), int64(card)); err != nil {
		return false, false, err
	}
	n, err := tx.changed(`DELETE FROM card_device WHERE card_id = $1 AND device = $2`, int64(card), device)
	if err != nil || n == 0 {
		return false, false, err
	}
	n, err = tx.changed(`UPDATE card SET installed = 0, removed = $2 WHERE id = $1 AND installed <> 0
		AND NOT EXISTS (SELECT 1 FROM card_device d WHERE d.card_id = $1)`, int64(card), ms(tx.now))
	return true, n > 0, err
}

// CardDevices lists the phones that have the card.
func (tx *Tx) CardDevices(card styk.ID) ([]*styk.CardDevice, error) {
	return tx.devices(`d.card_id = $1 ORDER BY d.created, d.device`, int64(card))
}

// DeviceCards lists the registrations of one phone, "known" to Apple's calls by
// its device id.
func (tx *Tx) DeviceCards(device string) ([]*styk.CardDevice, error) {
	return tx.devices(`d.device = $1 ORDER BY d.card_id`, device)
}

// SilentWebCards lists installed web cards that were not opened since the time,
// at most limit: their phones are lost or have forgotten them.
func (tx *Tx) SilentWebCards(since time.Time, limit int) ([]*styk.CardDevice, error) {
	return tx.devices(`d.platform = 'web' AND d.seen < $1 ORDER BY d.card_id, d.device LIMIT $2`, ms(since), int64(limit))
}

func (tx *Tx) devices(where string, args ...any) ([]*styk.CardDevice, error) {
	var list []*styk.CardDevice
	err := tx.each(func(rows *sql.Rows) error {
		d := &styk.CardDevice{}
		list = append(list, d)
		return rows.Scan(deviceDests(d)...)
	}, `SELECT `+deviceColumns+` FROM card_device d WHERE `+where, args...)
	return list, err
}

// ChangedCard is a card on a phone and when it last changed.
type ChangedCard struct {
	Card     styk.ID
	Number   string
	Template string
	Tick     int64 // of its last change or its template's look's
}

// ChangedOnDevice lists the cards on a phone, each with the tick of its last
// change; none: the phone is unknown. A phone keeps the highest tick that it was told and misses nothing:
// ticks are given in the order of commits.
func (tx *Tx) ChangedOnDevice(device string) (list []ChangedCard, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var c ChangedCard
		var look int64
		err := rows.Scan((*int64)(&c.Card), &c.Number, &c.Template, &c.Tick, &look)
		c.Tick = max(c.Tick, look)
		list = append(list, c)
		return err
	}, `SELECT c.id, c.number, c.template_id, coalesce((SELECT max(h.tick) FROM card_change h WHERE h.card_id = c.id), 0), t.tick
		FROM card_device d JOIN card c ON c.id = d.card_id JOIN card_template t ON t.id = c.template_id
		WHERE d.device = $1 AND d.platform = 'apple' ORDER BY c.id`, device)
	return list, err
}

// NoteAsked notes that a phone asked what has changed.
func (tx *Tx) NoteAsked(device string) error {
	return tx.exec(`UPDATE card_device SET asked = $2, seen = $2 WHERE device = $1`, device, ms(tx.now))
}

// NoteFetched notes which revision the phones of a card fetched. Apple's call
// for a pass does not say which phone it is: with several it is a guess that
// holds for all.
func (tx *Tx) NoteFetched(card styk.ID, revision int64) error {
	return tx.exec(`UPDATE card_device SET fetched = $2, seen = $2, fetched_revision = $3
		WHERE card_id = $1 AND platform = 'apple' AND fetched_revision <= $3`, int64(card), ms(tx.now), revision)
}

// callPhones makes the phones of a card be called soon. A call that is already
// due stays so; one that is put off, or under way just now, comes again.
func (tx *Tx) callPhones(card styk.ID) error {
	return tx.exec(`UPDATE card_device SET push_due = CASE WHEN push_due = 0 OR push_due > $2 THEN $2 ELSE push_due END
		WHERE card_id = $1 AND push_token <> ''`, int64(card), ms(tx.now.Add(pushPause)))
}

// CallPhones does so for whoever wants a push without a change.
func (tx *Tx) CallPhones(card styk.ID) error { return tx.callPhones(card) }

// DuePush is one phone to be called about one or more of its cards.
type DuePush struct {
	Token     string
	Device    string
	Template  string // the cards of one push are of templates of one pass type
	Card      styk.ID
	Revision  int64
	PushTries int
	lease     int64
}

// ClaimPushes takes pushes that are due, at most limit; they come again after
// life unless PushDone says how they ended. Several processes share the work.
func (tx *Tx) ClaimPushes(limit int, life time.Duration) ([]DuePush, error) {
	skip := ""
	if tx.db.writer == nil {
		skip = " FOR UPDATE OF d SKIP LOCKED"
	}
	var list []DuePush
	lease := ms(tx.now.Add(life))
	err := tx.each(func(rows *sql.Rows) error {
		p := DuePush{lease: lease}
		err := rows.Scan((*int64)(&p.Card), &p.Device, &p.Token, &p.Template, &p.Revision, &p.PushTries)
		list = append(list, p)
		return err
	}, `SELECT d.card_id, d.device, d.push_token, c.template_id, c.revision, d.push_tries
		FROM card_device d JOIN card c ON c.id = d.card_id
		WHERE d.push_due <> 0 AND d.push_due <= $1 ORDER BY d.push_due LIMIT $2`+skip, ms(tx.now), int64(limit))
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		err := tx.exec(`UPDATE card_device SET push_due = $3 WHERE card_id = $1 AND device = $2`, int64(p.Card), p.Device, lease)
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// NextPush gives when the next push is due; ok is false when none is.
func (tx *Tx) NextPush() (at time.Time, ok bool, err error) {
	err = tx.row(`SELECT push_due FROM card_device WHERE push_due <> 0 ORDER BY push_due LIMIT 1`).Scan(msDest{&at})
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	return at, err == nil, err
}

// PushEnd is how a push ended.
type PushEnd struct {
	Verdict string // pushed, later, stopped
	Reason  string
	Again   time.Time // zero: it is done
}

// PushDone stores how a claimed push ended. A change that came meanwhile keeps
// its own call.
func (tx *Tx) PushDone(p DuePush, e PushEnd) error {
	if e.Verdict == "pushed" {
		return tx.exec(`UPDATE card_device SET pushed = $4, pushed_revision = $5, push_tries = 0, verdict = $6, reason = $7,
				push_due = CASE WHEN push_due = $3 THEN 0 ELSE push_due END WHERE card_id = $1 AND device = $2`,
			int64(p.Card), p.Device, p.lease, ms(tx.now), p.Revision, e.Verdict, e.Reason)
	}
	return tx.exec(`UPDATE card_device SET push_tries = push_tries + 1, verdict = $4, reason = $5,
			push_due = CASE WHEN push_due = $3 THEN $6 ELSE push_due END WHERE card_id = $1 AND device = $2`,
		int64(p.Card), p.Device, p.lease, e.Verdict, e.Reason, ms(e.Again))
}

// PruneToken forgets a phone whose push token is dead since the time (zero: it
// never lived), unless it registered anew since. It gives the cards that are on
// no phone any more.
func (tx *Tx) PruneToken(token string, since time.Time) (gone []styk.ID, err error) {
	if since.IsZero() {
		since = tx.now
	}
	var dead []*styk.CardDevice
	dead, err = tx.devices(`d.push_token = $1 AND d.push_token <> '' AND d.created <= $2`, token, ms(since))
	if err != nil {
		return nil, err
	}
	for _, d := range dead {
		_, last, err := tx.RemoveCard(d.Card, d.Device)
		if err != nil {
			return nil, err
		}
		if last {
			gone = append(gone, d.Card)
		}
	}
	return gone, nil
}

// maxCardLog bounds one line of the phones' log, in bytes.
const maxCardLog = 1000

// LogCard keeps a line about pushes and phones. It must hold no secret.
func (tx *Tx) LogCard(device, text string) error {
	text = strings.ToValidUTF8(text, "�")
	if len(text) > maxCardLog {
		text = strings.ToValidUTF8(text[:maxCardLog], "")
	}
	return tx.exec(`INSERT INTO card_log (at, device, text) VALUES ($1, $2, $3)`, ms(tx.now), device, text)
}

// CardLogLine is one kept line.
type CardLogLine struct {
	At     time.Time
	Device string
	Text   string
}

// CardLog lists the newest lines, at most limit.
func (tx *Tx) CardLog(limit int) ([]CardLogLine, error) {
	var list []CardLogLine
	err := tx.each(func(rows *sql.Rows) error {
		var l CardLogLine
		err := rows.Scan(msDest{&l.At}, &l.Device, &l.Text)
		list = append(list, l)
		return err
	}, `SELECT at, device, text FROM card_log ORDER BY id DESC LIMIT $1`, int64(limit))
	return list, err
}

// keptCardLog is how many lines stay.
const keptCardLog = 5000

// sweepCards drops old lines of the phones' log and dead tokens.
func (tx *Tx) sweepCards(limit int) (int64, error) {
	lines, err := tx.changed(`DELETE FROM card_log WHERE id IN (SELECT id FROM card_log
		WHERE id <= (SELECT coalesce(max(id), 0) FROM card_log) - $1 ORDER BY id LIMIT $2)`, int64(keptCardLog), int64(limit))
	if err != nil {
		return 0, err
	}
	tokens, err := tx.changed(`DELETE FROM api_token WHERE expires <> 0 AND expires < $1`, ms(tx.now.Add(-30*24*time.Hour)))
	return lines + tokens, err
}
