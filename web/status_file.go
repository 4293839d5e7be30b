package web

import (
	"strconv"

	"styk"
	"styk/store"
)

// fileNews is what a visitor may know of the check of his files: how many, not
// which, since this page tells nothing of what was sent.
type fileNews struct {
	all, unchecked, refused int
	scanning                bool
}

func readFileNews(tx *store.Tx, submission styk.ID) (n fileNews, err error) {
	checks, err := tx.FileChecks(submission)
	if err != nil || len(checks) == 0 {
		return n, err
	}
	how, err := tx.Scanning()
	n.all, n.scanning = len(checks), how.On()
	for _, c := range checks {
		switch {
		case c.Checked.IsZero():
			n.unchecked++
		case c.Refused != "":
			n.refused++
		}
	}
	return n, err
}

// checking says whether a file is still to be looked at before it goes on.
func (st status) checking() bool { return st.files.scanning && st.files.unchecked > 0 && st.pending() }

func (s speech) checking() string {
	return choose(s.Lang, "Проверяем файл…", "Checking the file…")
}

// refused says that files stay behind; "" when none do.
func (s speech) refused(n fileNews) string {
	switch {
	case n.refused == 0:
		return ""
	case n.all == 1:
		return choose(s.Lang, "Файл не прошёл проверку на вирусы и не передан: пришлите другой", "The file did not pass the virus check and was left out: send another one")
	}
	count := strconv.Itoa(n.refused) + choose(s.Lang, " из ", " of ") + strconv.Itoa(n.all)
	return choose(s.Lang, "Не прошли проверку на вирусы и не переданы файлы: ", "Files that did not pass the virus check and were left out: ") + count
}
