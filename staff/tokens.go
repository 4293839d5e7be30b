package staff

import (
	"context"
	"slices"
	"strings"

	"styk"
	"styk/store"
)

// mostPerMinute bounds the pace that a token of the card API can be given.
const mostPerMinute = 100_000

// Tokens lists those of the card API that people made, and the card templates
// they can be narrowed to.
func (s *Staff) Tokens(ctx context.Context) (list []*styk.CardToken, templates []*styk.CardTemplate, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if list, err = tx.CardTokens(); err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(t *styk.CardToken) bool { return t.User != 0 })
		templates, err = tx.CardTemplates()
		return err
	})
	return list, templates, err
}

// CardToken gives a token of the card API by number.
func (s *Staff) CardToken(ctx context.Context, id styk.ID) (t *styk.CardToken, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		t, err = tokenOf(tx, id)
		return err
	})
	return t, err
}

func tokenOf(tx *store.Tx, id styk.ID) (*styk.CardToken, error) {
	list, err := tx.CardTokens()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(t *styk.CardToken) bool { return t.ID == id && t.User == 0 })
	if i < 0 {
		return nil, styk.Failed(styk.NotFound, "there is no such token")
	}
	return list[i], nil
}

// AddToken makes a token of the card API and gives its text, which is never
// shown again. Faults name the fields name, templates and per_minute.
func (s *Staff) AddToken(ctx context.Context, by *styk.User, t *styk.CardToken) (secret string, err error) {
	secret = MadeKey()
	t.Name = strings.TrimSpace(t.Name)
	return secret, s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := holder(tx, by, ManageKeys); err != nil {
			return err
		}
		if err := checkToken(tx, t); err != nil {
			return err
		}
		list, err := tx.CardTokens()
		if err != nil {
			return err
		}
		if slices.ContainsFunc(list, func(o *styk.CardToken) bool { return o.Name == t.Name }) {
			return styk.FieldError(styk.Conflict, "name", "unique", "Токен с таким именем уже есть")
		}
		if err := tx.SaveCardToken(t, secret); err != nil {
			return err
		}
		return tx.Audit(by.ID, ActionToken, t.ID, 0)
	})
}

func checkToken(tx *store.Tx, t *styk.CardToken) error {
	e := &styk.Error{Code: styk.Invalid}
	wrong := func(field, rule, text string) {
		e.Faults = append(e.Faults, styk.Fault{Field: field, Rule: rule, Text: text})
	}
	if !validName(t.Name) {
		wrong("name", "name", "Имя: от 1 до 64 знаков без пробелов")
	}
	if t.PerMinute < 0 || t.PerMinute > mostPerMinute {
		wrong("per_minute", "range", "Целое число от 1 до 100000, пусто — обычный темп")
	}
	for _, id := range t.Templates {
		if _, err := tx.CardTemplate(id); styk.CodeOf(err) == styk.NotFound {
			wrong("templates", "known", "Такого шаблона карты нет")
		} else if err != nil {
			return err
		}
	}
	if len(e.Faults) > 0 {
		return e
	}
	return nil
}

// ChangeToken changes what a token may do; its name and text stay. Faults as for
// AddToken.
func (s *Staff) ChangeToken(ctx context.Context, by *styk.User, want *styk.CardToken) error {
	return s.onToken(ctx, by, want.ID, ActionTokenSet, func(tx *store.Tx, t *styk.CardToken) error {
		t.Templates, t.Always200, t.PerMinute = want.Templates, want.Always200, want.PerMinute
		if err := checkToken(tx, t); err != nil {
			return err
		}
		return tx.SaveCardToken(t, "")
	})
}

// RenewToken gives a token another text, never shown again; the earlier one ends.
func (s *Staff) RenewToken(ctx context.Context, by *styk.User, id styk.ID) (secret string, err error) {
	secret = MadeKey()
	return secret, s.onToken(ctx, by, id, ActionTokenText, func(tx *store.Tx, t *styk.CardToken) error {
		return tx.SaveCardToken(t, secret)
	})
}

// RevokeToken makes a token useless at once; RestoreToken takes that back.
func (s *Staff) RevokeToken(ctx context.Context, by *styk.User, id styk.ID) error {
	return s.onToken(ctx, by, id, ActionRevoke, func(tx *store.Tx, t *styk.CardToken) error {
		t.Disabled = true
		return tx.SaveCardToken(t, "")
	})
}

// RestoreToken makes a revoked token work again, with the text it had.
func (s *Staff) RestoreToken(ctx context.Context, by *styk.User, id styk.ID) error {
	return s.onToken(ctx, by, id, ActionRestore, func(tx *store.Tx, t *styk.CardToken) error {
		t.Disabled = false
		return tx.SaveCardToken(t, "")
	})
}

func (s *Staff) onToken(ctx context.Context, by *styk.User, id styk.ID, action string, do func(*store.Tx, *styk.CardToken) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := holder(tx, by, ManageKeys); err != nil {
			return err
		}
		t, err := tokenOf(tx, id)
		if err != nil {
			return err
		}
		if err := do(tx, t); err != nil {
			return err
		}
		return tx.Audit(by.ID, action, id, 0)
	})
}
