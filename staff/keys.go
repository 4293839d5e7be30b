package staff

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"styk"
	"styk/store"
)

// Programs says what the CRM service knows, for narrowing what a key may do.
type Programs struct {
	Operations []string // names of operations, as people write them
	Seed       []string // those of them that a site's form needs
	Modules    []string
}

// Program is a user of the CRM service.
type Program struct {
	User *styk.User
	Seen time.Time // last call; zero: none that is remembered
}

// MadeKey makes 24 letters and digits, about 142 bits.
func MadeKey() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	key := make([]byte, 0, 24)
	var random [64]byte
	for len(key) < cap(key) {
		_, _ = rand.Read(random[:]) // never fails: crypto/rand
		for _, b := range random {
			if int(b) < 256/len(letters)*len(letters) && len(key) < cap(key) { // no letter likelier than another
				key = append(key, letters[int(b)%len(letters)])
			}
		}
	}
	return string(key)
}

// ListPrograms lists the users of the CRM service by number.
func (s *Staff) ListPrograms(ctx context.Context) (list []Program, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		list = nil
		users, err := tx.Users()
		if err != nil {
			return err
		}
		seen, err := tx.SessionsSeen()
		for _, u := range users {
			if u.Role == styk.RoleAPI {
				list = append(list, Program{u, seen[u.ID]})
			}
		}
		return err
	})
	return list, err
}

// AddProgram makes a user of the CRM service and gives its key, which is never
// shown again. Faults name the fields name, operations, networks and modules.
func (s *Staff) AddProgram(ctx context.Context, by *styk.User, u *styk.User) (key string, err error) {
	u.Name = strings.TrimSpace(u.Name)
	if err := s.checkProgram(u); err != nil {
		return "", err
	}
	u.Role, u.AccessKey = styk.RoleAPI, MadeKey()
	return u.AccessKey, s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := holder(tx, by, ManageKeys); err != nil {
			return err
		}
		u.ID = 0
		if err := tx.SaveUser(u); err != nil {
			return inRussian(err)
		}
		return tx.Audit(by.ID, ActionProgram, u.ID, 0)
	})
}

// checkProgram tidies what a program is narrowed to and says what is wrong.
func (s *Staff) checkProgram(u *styk.User) error {
	e := &styk.Error{Code: styk.Invalid}
	wrong := func(field, rule, text string) {
		e.Faults = append(e.Faults, styk.Fault{Field: field, Rule: rule, Text: text})
	}
	if !validName(u.Name) {
		wrong("name", "name", "Имя: от 1 до 64 знаков без пробелов")
	}
	for i, name := range u.Operations {
		known := slices.ContainsFunc(s.Programs.Operations, func(k string) bool { return strings.EqualFold(k, name) })
		if u.Operations[i] = strings.ToLower(name); !known {
			wrong("operations", "known", fmt.Sprintf("Операции %q нет", name))
		}
	}
	for _, name := range u.Modules {
		if !slices.Contains(s.Programs.Modules, name) {
			wrong("modules", "known", fmt.Sprintf("Модуля %q нет", name))
		}
	}
	for i, text := range u.Networks {
		network, ok := readNetwork(text)
		if u.Networks[i] = network; !ok {
			wrong("networks", "network", fmt.Sprintf("%q — не адрес. Пишите так: 203.0.113.7 или 10.0.0.0/8", text))
		}
	}
	slices.Sort(u.Operations)
	if len(e.Faults) > 0 {
		return e
	}
	return nil
}

// readNetwork reads an address or a network; what it is not comes back as it was.
func readNetwork(text string) (string, bool) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()).String(), true
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return text, false
	}
	return p.Masked().String(), true
}

// ChangeProgram narrows or widens what a program may do. Faults as for AddProgram.
func (s *Staff) ChangeProgram(ctx context.Context, by *styk.User, want *styk.User) error {
	if err := s.checkProgram(want); err != nil {
		return err
	}
	return s.onProgram(ctx, by, want.ID, ActionLimits, func(tx *store.Tx, u *styk.User) error {
		u.Operations, u.Networks, u.Modules = want.Operations, want.Networks, want.Modules
		return tx.SaveUser(u)
	})
}

// NewKey gives a program another key, never shown again; its sessions end.
func (s *Staff) NewKey(ctx context.Context, by *styk.User, id styk.ID) (key string, err error) {
	key = MadeKey()
	return key, s.onProgram(ctx, by, id, ActionKey, func(tx *store.Tx, u *styk.User) error {
		u.AccessKey = key
		if err := tx.SaveUser(u); err != nil {
			return err
		}
		return tx.EndSessionsOf(u.ID)
	})
}

// DisableProgram lets a program in no more, and ends its sessions.
func (s *Staff) DisableProgram(ctx context.Context, by *styk.User, id styk.ID) error {
	return s.onProgram(ctx, by, id, ActionDisable, shutOut)
}

// EnableProgram lets a program in again, with the key it had.
func (s *Staff) EnableProgram(ctx context.Context, by *styk.User, id styk.ID) error {
	return s.onProgram(ctx, by, id, ActionEnable, func(tx *store.Tx, u *styk.User) error {
		u.Disabled = false
		return tx.SaveUser(u)
	})
}

func (s *Staff) onProgram(ctx context.Context, by *styk.User, id styk.ID, action string, do func(*store.Tx, *styk.User) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := holder(tx, by, ManageKeys); err != nil {
			return err
		}
		u, err := tx.User(id)
		if err != nil {
			return err
		}
		if u.Role != styk.RoleAPI {
			return styk.Failed(styk.NotFound, "there is no such program")
		}
		u.AccessKey = ""
		if err := do(tx, u); err != nil {
			return err
		}
		return tx.Audit(by.ID, action, id, 0)
	})
}
