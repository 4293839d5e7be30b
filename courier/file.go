package courier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"styk"
	"styk/connect"
	"styk/store"
)

// files lists what came with a submission, as it came.
func (c *Courier) files(tx *store.Tx, submission styk.ID) ([]connect.File, error) {
	docs, fields, err := tx.PostFiles(submission)
	if err != nil {
		return nil, err
	}
	var list []connect.File
	for i, d := range docs {
		list = append(list, connect.File{
			ID: fmt.Sprint(int64(d.ID)), Field: fields[i], Name: d.FileName, MIME: d.Type, Size: d.Size, SHA256: d.Sum,
			Open: func(ctx context.Context) (io.ReadSeekCloser, error) {
				r, _, err := c.blobs.Open(ctx, d.Sum)
				return r, err
			},
		})
	}
	return list, nil
}

func documentOf(f connect.File) styk.ID {
	id, _ := strconv.ParseInt(f.ID, 10, 64) // files wrote it
	return styk.ID(id)
}

// fitFiles makes the files of a ticket fit to go: where files are checked each
// has been, what was refused stays behind and is named in the form's text, and
// the rest get the links of this delivery. It gives what is to be said of those
// that stay. A dry run asks and stores nothing.
func (c *Courier) fitFiles(ctx context.Context, d *styk.Delivery, o *outlet, t *connect.Ticket, dry bool) (withheld []string, err error) {
	if t == nil || len(t.Files) == 0 {
		return nil, nil
	}
	var checks map[styk.ID]styk.FileCheck
	var how styk.Scanning
	err = c.db.View(ctx, func(tx *store.Tx) (err error) {
		if how, err = tx.Scanning(); err != nil {
			return err
		}
		checks, err = tx.FileChecks(d.About)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for checked files: %w", err)
	}
	var kept []connect.File
	for _, f := range t.Files {
		check := checks[documentOf(f)]
		if check.Checked.IsZero() && how.On() && !dry {
			if check.Refused, err = c.checkFile(ctx, how, d, f); err != nil {
				return nil, err
			}
		}
		if check.Refused == "" {
			kept = append(kept, f)
		} else {
			withheld = append(withheld, f.Name+" ("+check.Refused+")")
		}
	}
	if withheld != nil {
		t.Fields = append(t.Fields, connect.Value{
			Name: "withheld_files", Label: "Не прошли проверку и не переданы", Type: styk.FieldText, Value: strings.Join(withheld, "; "),
		})
	}
	t.Files = kept
	return withheld, c.linkFiles(ctx, d, o, t.Files, dry)
}

// uncheckedError: the scanner did not say what it thinks of a file. It tells
// nothing of the target.
type uncheckedError struct{ err error }

func (e *uncheckedError) Error() string { return "check a file: " + e.err.Error() }
func (e *uncheckedError) Unwrap() error { return e.err }

const textUnchecked = "Антивирус не отвечает: файл не проверен, поэтому заявка ждёт. Проверьте, что он запущен и доступен."

// errNoScanner: the settings name a scanner, and this process has no way to ask.
var errNoScanner = errors.New("nobody asks a scanner here")

// checkFile asks the scanner and stores its verdict; two deliveries of one
// submission may both ask, the first verdict stands.
func (c *Courier) checkFile(ctx context.Context, how styk.Scanning, d *styk.Delivery, f connect.File) (found string, err error) {
	if c.o.Scan == nil {
		return "", &uncheckedError{connect.Because(errNoScanner, textUnchecked)}
	}
	file, err := f.Open(ctx)
	if err != nil {
		return "", fmt.Errorf("open a file for its check: %w", err)
	}
	defer file.Close()
	if found, err = c.o.Scan(ctx, how, file); err != nil {
		return "", &uncheckedError{connect.Because(err, textUnchecked)}
	}
	err = c.db.Update(ctx, func(tx *store.Tx) error {
		first, err := tx.SaveFileCheck(d.About, documentOf(f), found)
		if err != nil {
			return err
		}
		if first && found != "" {
			return warnOfFile(tx, d.About, f.Name, found)
		}
		checks, err := tx.FileChecks(d.About)
		found = checks[documentOf(f)].Refused
		return err
	})
	if err != nil {
		return "", fmt.Errorf("store the check of a file: %w", err)
	}
	return found, nil
}

// byScanner stands in the history of what a check changed.
var byScanner = store.By{Origin: "scan"}

// warnOfFile puts on the ticket what its people must know.
func warnOfFile(tx *store.Tx, submission styk.ID, name, found string) error {
	s, err := tx.Post(submission)
	if err != nil {
		return err
	}
	t := &styk.Ticket{Entity: styk.Entity{ID: s.Ticket}}
	_, err = tx.Edit(t, byScanner, func() error {
		t.Warnings = append(t.Warnings, styk.Warning{
			Field: "file", Rule: "refused", Text: "файл «" + name + "» не прошёл проверку (" + found + ") и никуда не передан",
		})
		return nil
	})
	if err != nil {
		return err
	}
	return tellRefused(tx, s)
}

// linkFiles gives files the secret links of a delivery, the same at each
// attempt.
func (c *Courier) linkFiles(ctx context.Context, d *styk.Delivery, o *outlet, files []connect.File, dry bool) error {
	if c.o.FileURL == nil || len(files) == 0 {
		return nil
	}
	missing := false
	give := func(find func(tx *store.Tx, document styk.ID) (*store.FileLink, error)) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			missing = false
			for i := range files {
				l, err := find(tx, documentOf(files[i]))
				switch {
				case err == nil:
					files[i].URL = c.o.FileURL(tx.DB().LinkSecret(l))
				case styk.CodeOf(err) == styk.NotFound:
					missing, files[i].URL = true, c.o.FileURL("…")
				default:
					return err
				}
			}
			return nil
		}
	}
	err := c.db.View(ctx, give(func(tx *store.Tx, document styk.ID) (*store.FileLink, error) { return tx.LinkOf(document, d.ID) }))
	if err == nil && missing && !dry {
		err = c.db.Update(ctx, give(func(tx *store.Tx, document styk.ID) (*store.FileLink, error) {
			return tx.GiveLink(document, d.ID, o.linkDays)
		}))
	}
	if err != nil {
		return fmt.Errorf("give links to files: %w", err)
	}
	return nil
}
