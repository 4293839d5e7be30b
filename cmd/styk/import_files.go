package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/blob"
	"styk/store"
	"styk/vtiger"
)

// attachment is under which foreign field a document remembers the number of
// its file in the other Vtiger.
const attachment = "imported_attachment"

var fileMissing = styk.Warning{Field: "file", Rule: "file_missing", Text: "файл ещё не перенесён из прежней CRM"}

// expectFile notes that a document's bytes are still to come.
func expectFile(d *styk.Document, values vtiger.Record) {
	if values["filename"] == "" {
		return
	}
	d.FileName = blob.CleanName(values["filename"])
	first, _, _ := strings.Cut(values["imageattachmentids"], ",")
	if d.Extra == nil {
		d.Extra = styk.Extra{}
	}
	d.Extra[attachment] = strings.TrimSpace(first)
	d.Warnings = append(d.Warnings, fileMissing)
}

// files brings the bytes of documents that wait for theirs. It may be run as
// often as wanted: each document that has its bytes is passed over.
func (v *vtigerImport) files(ctx context.Context) error {
	if !slices.ContainsFunc(v.modules, func(m vtiger.Module) bool { return m.Name == vtiger.ModuleDocuments }) {
		return nil
	}
	disk, err := indexStorage(v.Storage)
	if err != nil {
		return err
	}
	got, lacking, reason := 0, 0, ""
	for last := styk.ID(0); ; {
		docs, err := v.waiting(ctx, last)
		if err != nil || len(docs) == 0 {
			v.sayFiles(got, lacking, reason)
			return err
		}
		for _, d := range docs {
			last = d.ID
			err := v.fetch(ctx, d, disk)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				lacking, reason = lacking+1, err.Error()
			default:
				got++
			}
		}
	}
}

func (v *vtigerImport) sayFiles(got, lacking int, reason string) {
	v.s.printf("files: %d stored\n", got)
	if lacking == 0 {
		return
	}
	v.s.printf("files: %d could NOT be read: %s\n", lacking, reason)
	v.s.printf("  the documents are here, marked as waiting for their files. The web service of Vtiger 8.0–8.3 cannot give files:\n" +
		"  copy its storage folder to this machine and run the same command again with --storage DIR\n")
}

// waiting lists documents from there whose bytes are missing.
func (v *vtigerImport) waiting(ctx context.Context, after styk.ID) (docs []*styk.Document, err error) {
	err = v.h.db.View(ctx, func(tx *store.Tx) error {
		docs = nil
		found, err := tx.Select(store.Query{Kind: styk.KindDocument, Limit: importSlice, Where: &store.Cond{Op: "and", Args: []store.Cond{
			{Op: ">", Field: "id", Values: []string{strconv.FormatInt(int64(after), 10)}},
			{Op: "=", Field: "sum", Values: []string{""}},
			{Op: "=", Field: "external", Values: []string{"0"}},
			{Op: "!=", Field: "file_name", Values: []string{""}},
		}}})
		for _, rec := range found {
			docs = append(docs, rec.(*styk.Document))
		}
		return err
	})
	return docs, err
}

// fetch brings the bytes of one document: from the copy of the storage folder
// if it holds them, else by the web service.
func (v *vtigerImport) fetch(ctx context.Context, d *styk.Document, disk map[string]string) error {
	id, err := v.attachmentOf(ctx, d)
	if err != nil {
		return err
	}
	var bytesOf io.ReadCloser
	if path, ok := disk[strconv.FormatInt(int64(id.Record), 10)]; ok {
		if bytesOf, err = os.Open(path); err != nil {
			return err
		}
	} else {
		files, err := v.client.FileContents(ctx, id)
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return errors.New("the answer holds no file")
		}
		bytesOf = io.NopCloser(bytes.NewReader(files[0].Contents))
	}
	defer bytesOf.Close()
	info, err := v.h.intake.Keep(ctx, d.FileName, bytesOf)
	if err != nil {
		return err
	}
	return v.attach(ctx, d.ID, info)
}

// attachmentOf gives the number of the file; a query does not always tell it,
// retrieve does.
func (v *vtigerImport) attachmentOf(ctx context.Context, d *styk.Document) (vtiger.WSID, error) {
	if id, err := vtiger.ParseWSID(d.Extra[attachment]); err == nil {
		return id, nil
	}
	for _, m := range v.modules {
		if m.Name != vtiger.ModuleDocuments {
			continue
		}
		doc, err := vtiger.ParseWSID(m.IDPrefix + "x" + strconv.FormatInt(int64(d.ID), 10))
		if err != nil {
			return vtiger.WSID{}, err
		}
		values, err := v.client.Retrieve(ctx, doc)
		if err != nil {
			return vtiger.WSID{}, err
		}
		first, _, _ := strings.Cut(values["imageattachmentids"], ",")
		return vtiger.ParseWSID(strings.TrimSpace(first))
	}
	return vtiger.WSID{}, errors.New("the number of the file is unknown")
}

// attach gives a document its bytes and its place.
func (v *vtigerImport) attach(ctx context.Context, id styk.ID, info blob.Info) error {
	by := store.By{User: v.owner, Origin: "import"}
	var d *styk.Document
	err := v.h.db.Update(ctx, func(tx *store.Tx) error {
		d = &styk.Document{}
		d.ID = id
		_, err := tx.Edit(d, by, func() error {
			d.Path = blob.NewPath(d.Created.In(v.h.zone), blob.SafeExt(d.FileName, info.Ext))
			d.Sum, d.Size, d.Type, d.Version = info.Sum, info.Size, info.Type, 1
			delete(d.Extra, attachment)
			d.Warnings = slices.DeleteFunc(d.Warnings, func(w styk.Warning) bool { return w.Rule == fileMissing.Rule })
			return nil
		})
		if err != nil {
			return err
		}
		return tx.AddVersion(d, by)
	})
	if err != nil {
		return err
	}
	return v.h.intake.PlaceDocuments(ctx, d)
}

// indexStorage finds the files of a copied storage folder by the number that
// begins each name (spec/vtiger.md 6).
func indexStorage(folder string) (map[string]string, error) {
	files := map[string]string{}
	if folder == "" {
		return files, nil
	}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		if number, _, ok := strings.Cut(entry.Name(), "_"); ok {
			files[number] = path
		}
		return nil
	})
	if err != nil {
		return nil, wrongSetting("", "--storage: %v", err)
	}
	return files, nil
}

// links hangs the documents on the records they belong to.
func (v *vtigerImport) links(ctx context.Context) error {
	count, err := v.countDocuments(ctx)
	if err != nil || count == 0 {
		return err
	}
	for _, m := range v.modules {
		if m.Name == vtiger.ModuleDocuments || m.Name == vtiger.ModuleModComments {
			continue
		}
		part := m.Name + " documents"
		last, done, err := v.state(ctx, part)
		if err != nil {
			return err
		}
		linked := 0
		for !done {
			var n int
			if n, last, done, err = v.linkSlice(ctx, m, part, last); err != nil {
				return fmt.Errorf("link the documents of %s (it continues from here when started again): %w", m.Name, err)
			}
			linked += n
		}
		v.s.printf("%s: %d documents linked\n", m.Name, linked)
	}
	return nil
}

func (v *vtigerImport) countDocuments(ctx context.Context) (n int64, err error) {
	err = v.h.db.View(ctx, func(tx *store.Tx) error {
		n, err = tx.Count(store.Query{Kind: styk.KindDocument})
		return err
	})
	return n, err
}

// linkSlice asks for the documents of a slice of records and links them.
func (v *vtigerImport) linkSlice(ctx context.Context, m vtiger.Module, part string, last styk.ID) (n int, end styk.ID, done bool, err error) {
	records, err := v.client.Query(ctx, "select id from "+m.Name+where(after(m, last))+" order by id limit "+strconv.Itoa(importSlice)+";")
	if err != nil {
		return 0, last, false, err
	}
	pairs := [][2]styk.ID{}
	for _, r := range records {
		docs, err := v.client.RetrieveRelated(ctx, r.ID(), vtiger.ModuleDocuments, vtiger.ModuleDocuments)
		if err != nil {
			return 0, last, false, err
		}
		for _, d := range docs {
			pairs = append(pairs, [2]styk.ID{r.ID().Record, d.ID().Record})
		}
		last = r.ID().Record
	}
	done = len(records) < importSlice
	err = v.h.db.Update(ctx, func(tx *store.Tx) error {
		n = 0
		for _, pair := range pairs {
			if !both(tx, pair) {
				continue // a document or record whose number was taken
			}
			if err := tx.Link(pair[0], pair[1]); err != nil {
				return err
			}
			n++
		}
		return tx.SetImportState(v.source, part, last, done)
	})
	return n, last, done, err
}

func where(condition string) string {
	if condition == "" {
		return ""
	}
	return " where " + condition
}

// both says whether the two numbers are a record and a document here.
func both(tx *store.Tx, pair [2]styk.ID) bool {
	kind, err := tx.KindOf(pair[0])
	doc, err2 := tx.KindOf(pair[1])
	return err == nil && err2 == nil && kind != styk.KindUser && doc == styk.KindDocument
}
