package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"styk"
	"styk/blob"
	"styk/courier"
	"styk/intake"
	"styk/store"
	"styk/wallet"
)

// house is an opened data folder with all that works in it.
type house struct {
	*folder
	db     *store.DB
	blobs  blob.Store
	work   *blob.Work // nil with S3
	intake *intake.Intake
	// courier carries deliveries where the folder is served; elsewhere it tests
	// connections and sends again.
	courier *courier.Courier
	letters *mailroom
	cards   *wallet.Cards
	// maskPersonal hides customers in kept requests.
	maskPersonal bool
	// attempted counts attempts to deliver; nil: nobody counts.
	attempted func(target string, outcome styk.AttemptOutcome, cause string, took time.Duration)
	zone      *time.Location
	key       []byte
	log       *slog.Logger
	now       func() time.Time
	made      bool // the folder is new
	lock      *lock
	vital     *vital
	// serving is how the folder is served; nil when it is not.
	serving *served
}

// served is what doctor wants to know of a serving process.
type served struct {
	*serving
	encrypted, demo bool
	base            string // address that people are given
	certFiles       []string
}

// openHouse locks and opens the folder, and makes it where it is missing.
func openHouse(ctx context.Context, f *folder, purpose string, log *slog.Logger) (*house, error) {
	h := &house{folder: f, log: log, now: time.Now, vital: &vital{}}
	if err := h.open(ctx, purpose); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *house) open(ctx context.Context, purpose string) (err error) {
	if h.zone, err = h.folder.zone(); err != nil {
		return err
	}
	if err := os.MkdirAll(h.Data, 0o700); err != nil {
		return fmt.Errorf("the data folder: %w", err)
	}
	if h.lock, err = takeLock(h.lockPath(), purpose); err != nil {
		return err
	}
	if h.key, h.made, err = readKey(h.folder); err != nil {
		return err
	}
	if h.db, err = h.openStore(ctx); err != nil {
		return err
	}
	h.blobs, err = blob.Open(ctx, h.files(), h.blobOptions())
	if err != nil {
		return fmt.Errorf("the place of files: %w", err)
	}
	if h.Files == "" {
		if h.work, err = blob.OpenWork(h.Data, h.blobs); err != nil {
			return err
		}
	}
	h.intake = &intake.Intake{DB: h.db, Blobs: h.blobs, Work: h.work, Zone: h.zone, Log: h.log}
	h.cards = &wallet.Cards{DB: h.db, Blobs: h.blobs, Log: h.log}
	h.intake.IssueCard = h.cards.IssueForm
	h.letters = &mailroom{zone: h.zone, cardURL: h.cards.URL, invited: h.db.InvitationSecretOf}
	h.courier = h.newCourier("")
	return h.letters.renew(ctx, h.db)
}

func (f *folder) blobOptions() blob.Options {
	return blob.Options{AccessKey: f.FilesAccessKey, SecretKey: f.FilesSecretKey}
}

func (h *house) openStore(ctx context.Context) (*store.DB, error) {
	db, err := store.Open(ctx, store.Options{Database: h.database(), Key: h.key, Log: h.log})
	switch {
	case errors.Is(err, store.ErrWrongKey):
		if h.made {
			err = errors.Join(err, os.Remove(h.keyPath()))
		}
		return nil, fmt.Errorf("%w (%s): give the right one by --key-file; every backup holds it unless it was made --without-key", err, h.keyPath())
	case err != nil && h.Database != "":
		return nil, errors.New(strings.ReplaceAll(err.Error(), h.Database, before(h.Database, "@")))
	}
	return db, err
}

// close gives everything back, in the reverse order.
func (h *house) close() error {
	var err error
	if h.cards != nil {
		h.cards.Close()
	}
	if h.work != nil {
		err = errors.Join(err, h.work.Close())
	}
	if h.db != nil {
		err = errors.Join(err, h.db.Close())
	}
	if h.lock != nil {
		h.lock.release()
	}
	return err
}

// fingerprint names the key without giving it away.
func fingerprint(key []byte) string {
	sum := sha256.Sum256(append([]byte("styk key "), key...))
	return hex.EncodeToString(sum[:6])
}

// describe says where the data lie, without passwords.
func (h *house) describe() string {
	text := "data " + filepath.Clean(h.Data)
	if h.Database != "" {
		text += ", PostgreSQL"
	}
	if h.Files != "" {
		text += ", files in S3"
	}
	return text
}
