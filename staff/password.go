package staff

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"

	"styk"
)

// What one hash costs: about 30 ms and 12 MiB. hashesAtOnce of them leave the
// memory of a small machine alone whoever tries to log in.
var cost = &argon2id.Params{Memory: 12 << 10, Iterations: 3, Parallelism: 1, SaltLength: 16, KeyLength: 32} // Memory in KiB

const hashesAtOnce = 2

// The bounds of a password, in letters.
const (
	minPassword = 10
	maxPassword = 200
)

// common are what is tried first, whatever digits are put behind it.
var common = []string{"", "password", "passwort", "qwerty", "qwertyuiop", "йцукен", "йцукенгшщз", "пароль", "парольпароль",
	"parol", "parolparol", "admin", "administrator", "administrat0r", "letmein", "welcome", "qazwsxedc", "zaqxswcde", "1q2w3e4r5t"}

// CheckPassword says what is wrong with a password that somebody has chosen. The
// fault is of the field "password".
func CheckPassword(name, password string) error {
	password = norm.NFC.String(password)
	folded := styk.Fold(password)
	wrong := func(rule, text string) error { return styk.FieldError(styk.Invalid, "password", rule, text) }
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return wrong("min_length", fmt.Sprintf("Слишком короткий: нужно не меньше %d знаков", minPassword))
	case n > maxPassword:
		return wrong("max_length", fmt.Sprintf("Слишком длинный: не больше %d знаков", maxPassword))
	}
	word := strings.TrimRight(folded, "0123456789!.@#$-_")
	letters := slices.Compact(slices.Sorted(slices.Values([]rune(folded))))
	if slices.Contains(common, word) || slices.Contains(common, folded) || len(letters) < 4 {
		return wrong("common", "Такой пароль подберут первым. Возьмите, например, четыре слова подряд")
	}
	if rest := strings.ReplaceAll(folded, styk.Fold(name), ""); name != "" && utf8.RuneCountInString(rest) < 6 {
		return wrong("name", "В пароле почти одно имя. Возьмите, например, четыре слова подряд")
	}
	return nil
}

// place waits for one of the few places where hashes are made. Whoever leaves
// last gives the memory back: nobody else would for minutes, and a hash needs
// more than all the rest of a quiet process.
func (s *Staff) place(ctx context.Context) (leave func(), err error) {
	select {
	case s.hashing <- struct{}{}:
		return func() {
			<-s.hashing
			if len(s.hashing) == 0 {
				debug.FreeOSMemory()
			}
		}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash makes what is kept of a password. Letters are put into one form first:
// "й" is one sign on one system and two on another.
func (s *Staff) hash(ctx context.Context, password string) (string, error) {
	leave, err := s.place(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return argon2id.CreateHash(norm.NFC.String(password), cost)
}

// nobody's hash is compared with when there is none, so that an unknown name
// takes as long as a wrong password.
const nobody = "$argon2id$v=19$m=12288,t=3,p=1$c3R5ay1ub2JvZHktMDAwMA$QmVzaWRlIHRoZSBwb2ludCwgYnV0IGNvc3RseS4uLi4"

// fits compares a password with a hash; "" fits nothing.
func (s *Staff) fits(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = nobody
	}
	if utf8.RuneCountInString(password) > maxPassword {
		password = "" // never was one
	}
	leave, err := s.place(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	ok, err := argon2id.ComparePasswordAndHash(norm.NFC.String(password), hash)
	return ok && known, err
}
