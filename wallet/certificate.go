package wallet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"styk"
	"styk/store"
)

// The certificate that the program makes itself, so that passes can be seen and
// tested before there is one of Apple's. No iPhone accepts it.
const (
	DevelopmentPassType = "pass.dev.styk.card"
	developmentTeam     = "DEVELOPER0"
)

// keptSigner is a certificate that was read, and when it was stored.
type keptSigner struct {
	*Signer
	created time.Time
}

// Signer gives the certificate of a pass type, "" being the development one,
// which is made when it is first asked for. Errors: styk.Invalid in plain words
// when there is none.
func (c *Cards) Signer(ctx context.Context, passType string) (*Signer, error) {
	if passType == "" {
		passType = DevelopmentPassType
	}
	var row *store.CardCertificate
	err := c.DB.View(ctx, func(tx *store.Tx) (err error) {
		created, err := tx.CertificateCreated(passType)
		if s := c.keptSigner(passType); err == nil && s != nil && s.created.Equal(created) {
			row = nil
			return nil
		}
		row, err = tx.CardCertificate(passType)
		return err
	})
	if styk.CodeOf(err) == styk.NotFound {
		if passType == DevelopmentPassType {
			return c.makeDevelopment(ctx)
		}
		return nil, styk.FieldError(styk.Invalid, "pass_type", "certificate",
			"для "+passType+" не загружен сертификат: `styk card certificate FILE.p12` или страница «Сертификаты»")
	}
	if err != nil {
		return nil, err
	}
	if row == nil {
		return c.keptSigner(passType).Signer, nil
	}
	s, err := ReadSigner("", []byte(row.PEM))
	if err != nil {
		return nil, fmt.Errorf("stored certificate of %s: %w", passType, err)
	}
	return c.keepSigner(passType, keptSigner{s, row.Created}), nil
}

func (c *Cards) keptSigner(passType string) *keptSigner {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.signers[passType]
	if !ok {
		return nil
	}
	return &s
}

// keepSigner keeps a certificate that was read, and gives the one that is kept:
// passes are cached by it.
func (c *Cards) keepSigner(passType string, s keptSigner) *Signer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.signers[passType]; ok && old.created.Equal(s.created) {
		return old.Signer
	}
	if c.signers == nil {
		c.signers = map[string]keptSigner{}
	}
	c.signers[passType] = s
	return s.Signer
}

func (c *Cards) makeDevelopment(ctx context.Context) (*Signer, error) {
	s, err := DevelopmentSigner(DevelopmentPassType, developmentTeam, c.DB.Now())
	if err != nil {
		return nil, err
	}
	row, err := rowOf(s)
	if err != nil {
		return nil, err
	}
	err = c.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.InsertCardCertificate(row) // another process may have been quicker
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.Signer(ctx, DevelopmentPassType)
}

func rowOf(s *Signer) (*store.CardCertificate, error) {
	pack, err := s.Pack()
	if err != nil {
		return nil, err
	}
	return &store.CardCertificate{PassType: s.PassType, Team: s.Team, PEM: string(pack), Expires: s.Expires(), Development: s.Development()}, nil
}

// SaveCertificate reads a certificate out of files (.p12, PEM, .cer) and stores
// it, sealed, for its pass type. passType, when it is not empty, is which one is
// expected. What is wrong comes in plain Russian words.
func (c *Cards) SaveCertificate(ctx context.Context, passType, password string, files ...[]byte) (*Signer, error) {
	s, err := ReadSigner(password, files...)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.CheckFor(passType, ""), s.Check(c.DB.Now())); err != nil {
		return nil, err
	}
	row, err := rowOf(s)
	if err != nil {
		return nil, err
	}
	return s, c.DB.Update(ctx, func(tx *store.Tx) error { return tx.SaveCardCertificate(row) })
}
