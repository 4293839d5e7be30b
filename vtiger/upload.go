package vtiger

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"

	"styk"
	"styk/blob"
	"styk/intake"
)

// uploads are the files of one request. Parts come in any order, so a file may
// arrive before we know who sends it: it then waits in a temporary file, as in
// PHP, and only settle puts it into the store. Rows that name it are written
// after that, so a row never points at missing bytes.
type uploads struct {
	list    []intake.Upload
	waiting []*os.File // by the index of list; nil when already stored
}

// keep gives the function that takes each file part. known says whether what
// was read so far shows a sender who may store.
func (u *uploads) keep(ctx context.Context, in *intake.Intake, known func(*Request) bool) func(*Request, *FilePart) error {
	return func(req *Request, part *FilePart) error {
		up := intake.Upload{Part: part.Name, FileName: blob.CleanName(part.FileName)}
		if known(req) {
			var err error
			up.Info, err = in.Keep(ctx, up.FileName, part)
			u.add(up, nil)
			return fileFault(part.Name, err)
		}
		f, err := os.CreateTemp("", "styk-upload-*")
		if err != nil {
			return err
		}
		u.add(up, f)
		_, err = io.Copy(f, part)
		return err
	}
}

func (u *uploads) add(up intake.Upload, waiting *os.File) {
	u.list = append(u.list, up)
	u.waiting = append(u.waiting, waiting)
}

// settle stores what waited; the sender is known now.
func (u *uploads) settle(ctx context.Context, in *intake.Intake) error {
	for i, f := range u.waiting {
		if f == nil {
			continue
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		info, err := in.Keep(ctx, u.list[i].FileName, f)
		if err != nil {
			return fileFault(u.list[i].Part, err)
		}
		u.list[i].Info = info
	}
	return nil
}

// all gives the files in the order in which they came.
func (u *uploads) all() []intake.Upload { return u.list }

// named gives the file of a part.
func (u *uploads) named(part string) (intake.Upload, bool) {
	i := slices.IndexFunc(u.list, func(up intake.Upload) bool { return up.Part == part })
	if i < 0 {
		return intake.Upload{}, false
	}
	return u.list[i], true
}

// close removes what waited. Stored bytes that no row came to name go with the
// hourly sweep.
func (u *uploads) close() {
	for _, f := range u.waiting {
		if f != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}
}

// fileFault names the part in what went wrong with its bytes.
func fileFault(part string, err error) error {
	var ours *styk.Error
	if !errors.As(err, &ours) || len(ours.Faults) == 0 {
		return err
	}
	named := *ours
	named.Faults = slices.Clone(ours.Faults)
	for i := range named.Faults {
		if named.Faults[i].Field == "file" {
			named.Faults[i].Field = part
		}
	}
	return &named
}
