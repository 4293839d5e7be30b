package creatio

import (
	"context"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/google/uuid"

	"styk/connect"
)

// sendFiles brings every file to where the settings say. A file that cannot be
// brought does not hold back the others.
func (j *job) sendFiles(ctx context.Context) error {
	var retry, stuck error
	for i, f := range j.ticket.Files {
		err := j.sendFile(ctx, "file."+strconv.Itoa(i+1), f)
		switch {
		case err == nil:
		case ctx.Err() != nil || connect.IsStop(err):
			return err
		case connect.IsPermanent(err):
			stuck = errors.Join(stuck, err)
		case retry == nil:
			retry = err
		}
	}
	if retry != nil {
		return retry // what may still be mended goes first
	}
	return stuck
}

func (j *job) sendFile(ctx context.Context, step string, f connect.File) error {
	up := j.upload(step, f)
	linkID := j.id(step + ".link")
	asLink := j.t.set.Text("files") == filesLink || f.Size > j.t.set.Size("max_file")
	find := func(ctx context.Context) (connect.Done, error) { return j.findFile(ctx, up, linkID, f.URL) }
	_, err := j.p.Step(ctx, step, find, func(ctx context.Context) (connect.Done, error) {
		if asLink {
			return j.link(ctx, linkID, f)
		}
		err := j.n.Upload(ctx, up)
		var refused *FileRefused
		if errors.As(err, &refused) && f.URL != "" {
			j.p.Warn("CRM не приняла файл «%s» (%s): послана ссылка.", up.Name, refused.Text)
			return j.link(ctx, linkID, f)
		}
		if refused != nil {
			err = connect.Because(connect.Permanent(err), "CRM не приняла файл: размер или тип не по её настройкам.")
		}
		return connect.Done{ID: up.ID.String()}, err
	})
	return err
}

func (j *job) upload(step string, f connect.File) Upload {
	up := Upload{
		ID: j.id(step), Entity: entCaseFile, Parent: entCase, Record: j.caseID,
		Name: tidyName(f.Name), MIME: f.MIME, Size: f.Size, Open: f.Open,
	}
	if j.t.set.Text("files") == filesMessage {
		up.Entity, up.Parent, up.Record = entFeedFile, entFeed, j.messageID
		if j.t.set.Text("message") == messagePortal {
			up.Entity, up.Parent = entPortalFile, entPortal
		}
	}
	return up
}

// link puts the address of our own copy on the case. The bytes stay with us.
func (j *job) link(ctx context.Context, id uuid.UUID, f connect.File) (connect.Done, error) {
	if f.URL == "" || utf8.RuneCountInString(f.URL) > 250 {
		return connect.Done{}, connect.Because(connect.Permanentf("no link for file of %d bytes", f.Size),
			"Файл слишком велик для CRM, а ссылки на него нет или она длиннее 250 знаков: задайте public-url.")
	}
	row, _, err := j.n.Create(ctx, entCaseFile, map[string]any{
		"Id": id, "Name": f.URL, "CaseId": j.caseID, "TypeId": fileTypeLink,
	}, "Id")
	return connect.Done{ID: row.GUID("Id").String()}, err
}

// findFile looks up a file whose sending is in doubt. A record with fewer bytes
// than the file has is half a file: it counts as absent, since sending from the
// start rewrites it.
func (j *job) findFile(ctx context.Context, up Upload, linkID uuid.UUID, url string) (connect.Done, error) {
	row, err := j.n.Get(ctx, entCaseFile, linkID, "Id")
	if err == nil {
		return connect.Done{ID: row.GUID("Id").String()}, nil
	}
	if !errors.Is(err, connect.NotFound) {
		return connect.Done{}, err
	}
	row, err = j.n.Get(ctx, up.Entity, up.ID, "Id", "Size")
	if err == nil && row.Int("Size") == up.Size {
		return connect.Done{ID: up.ID.String()}, nil
	}
	if err != nil && !errors.Is(err, connect.NotFound) && !connect.IsPermanent(err) {
		return connect.Done{}, err
	}
	if !j.t.client.idsOff() || url == "" {
		return connect.Done{}, connect.NotFound
	}
	rows, err := j.n.List(ctx, entCaseFile, Query{
		Select: []string{"Id"}, Filter: And(Eq("Case/Id", j.caseID), Eq("Name", url)), Top: 1,
	})
	if err != nil {
		return connect.Done{}, err
	}
	if len(rows) == 0 {
		return connect.Done{}, connect.NotFound
	}
	return connect.Done{ID: rows[0].GUID("Id").String()}, nil
}
