package store

import (
	"database/sql"
	"errors"
	"time"

	"styk"
)

// CardCertificate is the certificate of a pass type.
type CardCertificate struct {
	PassType    string
	Team        string
	PEM         string // chain and key; sealed in the database
	Expires     time.Time
	Warned      int  // days before the end of which the owner was last told; -1: not yet
	Development bool // made by the program itself
	Created     time.Time
}

func certificatePlace(passType string) string { return "card_certificate/" + passType + "/sealed" }

// SaveCardCertificate stores the certificate of its pass type, in the place of
// the old one.
func (tx *Tx) SaveCardCertificate(c *CardCertificate) error {
	return tx.exec(`INSERT INTO card_certificate (pass_type, team, sealed, expires, warned, development, created)
		VALUES ($1, $2, $3, $4, -1, $5, $6) ON CONFLICT (pass_type) DO UPDATE SET team = excluded.team, sealed = excluded.sealed,
			expires = excluded.expires, warned = -1, development = excluded.development, created = excluded.created`,
		c.PassType, c.Team, tx.db.Seal(certificatePlace(c.PassType), c.PEM), ms(c.Expires), arg(&c.Development), ms(tx.now))
}

// InsertCardCertificate stores the certificate unless its pass type has one:
// several processes may make a development one at once.
func (tx *Tx) InsertCardCertificate(c *CardCertificate) (made bool, err error) {
	n, err := tx.changed(`INSERT INTO card_certificate (pass_type, team, sealed, expires, warned, development, created)
		VALUES ($1, $2, $3, $4, -1, $5, $6) ON CONFLICT (pass_type) DO NOTHING`,
		c.PassType, c.Team, tx.db.Seal(certificatePlace(c.PassType), c.PEM), ms(c.Expires), arg(&c.Development), ms(tx.now))
	return n > 0, err
}

const certificateColumns = `pass_type, team, expires, warned, development, created`

func certificateDests(c *CardCertificate) []any {
	return []any{&c.PassType, &c.Team, msDest{&c.Expires}, &c.Warned, boolDest{&c.Development}, msDest{&c.Created}}
}

// CardCertificate loads the certificate of a pass type, opened; styk.NotFound
// when there is none.
func (tx *Tx) CardCertificate(passType string) (*CardCertificate, error) {
	c := &CardCertificate{}
	var sealed string
	err := tx.row(`SELECT `+certificateColumns+`, sealed FROM card_certificate WHERE pass_type = $1`, passType).
		Scan(append(certificateDests(c), &sealed)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, styk.Failed(styk.NotFound, "нет сертификата для "+passType)
	}
	if err != nil {
		return nil, err
	}
	c.PEM, err = tx.db.Open(certificatePlace(passType), sealed)
	return c, err
}

// CertificateCreated gives when the certificate of a pass type was stored;
// styk.NotFound when there is none.
func (tx *Tx) CertificateCreated(passType string) (at time.Time, err error) {
	err = tx.row(`SELECT created FROM card_certificate WHERE pass_type = $1`, passType).Scan(msDest{&at})
	if errors.Is(err, sql.ErrNoRows) {
		return at, styk.Failed(styk.NotFound, "нет сертификата для "+passType)
	}
	return at, err
}

// CardCertificates lists all certificates, without what is sealed.
func (tx *Tx) CardCertificates() ([]*CardCertificate, error) {
	var list []*CardCertificate
	err := tx.each(func(rows *sql.Rows) error {
		c := &CardCertificate{}
		list = append(list, c)
		return rows.Scan(certificateDests(c)...)
	}, `SELECT `+certificateColumns+` FROM card_certificate ORDER BY pass_type`)
	return list, err
}

// NoteCertificateWarned notes of which stage before its end the owner was told.
func (tx *Tx) NoteCertificateWarned(passType string, days int) error {
	return tx.exec(`UPDATE card_certificate SET warned = $2 WHERE pass_type = $1`, passType, int64(days))
}

// DeleteCardCertificate takes a certificate away.
func (tx *Tx) DeleteCardCertificate(passType string) error {
	return tx.exec(`DELETE FROM card_certificate WHERE pass_type = $1`, passType)
}
