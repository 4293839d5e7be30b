package blob

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// root of every path of a working copy.
const storage = "storage"

var months = func() (names []string) {
	for m := time.January; m <= time.December; m++ {
		names = append(names, m.String())
	}
	return names
}()

// NewPath makes an unguessable path for a new stored file, as
// storage/2026/July/week3/<32 hex>.pdf. now is already in the company's zone;
// ext comes from SafeExt.
func NewPath(now time.Time, ext string) string {
	var secret [16]byte
	rand.Read(secret[:]) // never fails: crypto/rand
	week := (now.Day()-1)/7 + 1
	return fmt.Sprintf("%s/%04d/%s/week%d/%s.%s", storage, now.Year(), now.Month(), week, hex.EncodeToString(secret[:]), ext)
}

// ValidPath tells whether p has the shape that NewPath gives, and no other. What
// passes has no "..", no empty part, no backslash and no extension that runs.
func ValidPath(p string) bool {
	parts := strings.Split(p, "/")
	if len(parts) != 5 || parts[0] != storage || !validFolders(parts[1:4]) {
		return false
	}
	name, ext, ok := strings.Cut(parts[4], ".")
	return ok && len(name) == 32 && lowerHex(name) && SafeExt("."+ext, "") == ext
}

// validFolders tells whether parts begin as year, month, week; fewer are fine.
func validFolders(parts []string) bool {
	for i, part := range parts {
		ok := false
		switch i {
		case 0:
			ok = len(part) == 4 && strings.Trim(part, "0123456789") == ""
		case 1:
			ok = slices.Contains(months, part)
		case 2:
			ok = len(part) == 5 && strings.HasPrefix(part, "week") && part[4] >= '1' && part[4] <= '5'
		}
		if !ok {
			return false
		}
	}
	return true
}
