package api

import (
	"net/http"
	"regexp"
	"slices"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

// What is noted of keys.
const (
	actionKeyMade    = "apikey.made"
	actionKeyRevoked = "apikey.revoked"
)

var keyOperations = []operation{
	{id: "listKeys", method: "GET", path: "/keys", rights: []staff.Right{staff.SeeStaff, staff.ManageKeys}, tag: "keys",
		says: words{"Ключи этого API", "Keys of this API"}, answer: all[key]{}, handle: (*call).listKeys},
	{id: "makeKey", method: "POST", path: "/keys", rights: []staff.Right{staff.ManageKeys}, tag: "keys",
		says:  words{"Сделать ключ", "Make a key"},
		about: "It may hold no scope that the asking key has not, acts in the same person's name, and is shown this once.",
		body:  keyNew{}, answer: keyMade{}, status: http.StatusCreated, handle: (*call).makeKey},
	{id: "revokeKey", method: "DELETE", path: "/keys/{id}", rights: []staff.Right{staff.ManageKeys}, tag: "keys",
		says: words{"Отозвать ключ", "Revoke a key"}, handle: (*call).revokeKey},
	{id: "listPrograms", method: "GET", path: "/programs", rights: []staff.Right{staff.SeeStaff, staff.ManageKeys}, tag: "keys",
		says: words{"Пользователи веб-службы CRM", "Users of the CRM service"}, answer: all[program]{}, handle: (*call).listPrograms},
	{id: "listCardTokens", method: "GET", path: "/card-tokens", rights: []staff.Right{staff.SeeStaff, staff.ManageKeys}, tag: "keys",
		says: words{"Токены API карт", "Tokens of the card API"}, answer: all[cardToken]{}, handle: (*call).listTokens},
}

type key struct {
	ID        styk.ID   `json:"id" eg:"1"`
	Name      string    `json:"name" eg:"shop"`
	Scopes    []string  `json:"scopes" eg:"tickets:read,tickets:write"`
	Networks  []string  `json:"networks" doc:"Addresses it may come from; empty: any." eg:"10.0.0.0/8"`
	User      styk.ID   `json:"user,omitempty" doc:"In whose name it acts."`
	PerMinute int       `json:"per_minute" doc:"0: the usual pace." eg:"0"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires,omitzero"`
	Seen      time.Time `json:"seen,omitzero" doc:"Last use, to the minute."`
	Revoked   time.Time `json:"revoked,omitzero"`
}

func showKey(k *store.APIKey) key {
	return key{k.ID, k.Name, append([]string{}, k.Scopes...), append([]string{}, k.Networks...), k.User, k.PerMinute, k.Created, k.Expires,
		k.Seen, k.Revoked}
}

func (c *call) listKeys() (any, error) {
	var list []*store.APIKey
	err := c.view(func(tx *store.Tx) (err error) {
		list, err = tx.APIKeys()
		return err
	})
	return allOf(list, showKey), err
}

type keyNew struct {
	Name      string    `json:"name" doc:"Latin letters, digits, - and _; never used before." eg:"shop"`
	Scopes    []string  `json:"scopes" eg:"tickets:read"`
	Networks  []string  `json:"networks,omitempty"`
	PerMinute int       `json:"per_minute,omitempty"`
	Expires   time.Time `json:"expires,omitzero"`
}

type keyMade struct {
	key
	Secret string `json:"secret" doc:"The key itself, shown this once." eg:"styk_0123456789abcdefghijklmn"`
}

var keyName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// CheckKey says all that is wrong with a new key, and brings its networks into
// CIDR form.
func CheckKey(k *store.APIKey, now time.Time) (err error) {
	if !keyName.MatchString(k.Name) {
		return styk.FieldError(styk.Invalid, "name", "name", "Имя из малых латинских букв, цифр, - и _, не длиннее 64")
	}
	if k.PerMinute < 0 || k.PerMinute > 100_000 {
		return styk.FieldError(styk.Invalid, "per_minute", "range", "От 1 до 100 000; 0 — обычный темп")
	}
	if !k.Expires.IsZero() && !k.Expires.After(now) {
		return styk.FieldError(styk.Invalid, "expires", "past", "Этот срок уже прошёл")
	}
	if err := CheckScopes(k.Scopes); err != nil {
		return err
	}
	k.Scopes = slices.Compact(slices.Sorted(slices.Values(k.Scopes)))
	k.Networks, err = CheckNetworks(k.Networks)
	return err
}

func (c *call) makeKey() (any, error) {
	in := c.in.(*keyNew)
	k := &store.APIKey{Name: in.Name, Scopes: in.Scopes, Networks: in.Networks, PerMinute: in.PerMinute, Expires: in.Expires, User: c.key.User}
	if err := CheckKey(k, c.s.DB.Now()); err != nil {
		return nil, err
	}
	for _, scope := range k.Scopes {
		if i := slices.IndexFunc(Scopes, func(s Scope) bool { return s.Name == scope }); !c.may(Scopes[i].Right) {
			return nil, styk.FieldError(styk.Forbidden, "scopes", "scope", "Ключ не может дать больше, чем может сам: "+scope)
		}
	}
	if len(k.Networks) == 0 {
		k.Networks = c.key.Networks // nor may it come from more places
	} else if wider := outside(k.Networks, c.key.Networks); wider != "" {
		return nil, styk.FieldError(styk.Forbidden, "networks", "wider", wider+": оттуда не пускают и сам этот ключ")
	}
	secret := NewKey()
	err := c.s.DB.Update(c, func(tx *store.Tx) error {
		if err := tx.AddAPIKey(k, secret); err != nil {
			return err
		}
		return tx.Audit(c.key.User, actionKeyMade, k.ID, 0)
	})
	if err != nil {
		return nil, err
	}
	return keyMade{showKey(k), secret}, nil
}

func (c *call) revokeKey() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	return nil, c.change(actionKeyRevoked, id, func(tx *store.Tx) error {
		if _, err := tx.APIKeyByID(id); err != nil {
			return err
		}
		return tx.RevokeAPIKey(id)
	})
}

type program struct {
	ID         styk.ID   `json:"id" eg:"3"`
	Name       string    `json:"name" eg:"api"`
	Operations []string  `json:"operations" doc:"Empty: all." eg:"createcontact"`
	Networks   []string  `json:"networks" doc:"Empty: any."`
	Modules    []string  `json:"modules" doc:"Empty: all."`
	Disabled   bool      `json:"disabled"`
	Seen       time.Time `json:"seen,omitzero"`
}

func (c *call) listPrograms() (any, error) {
	list, err := c.s.Staff.ListPrograms(c)
	return allOf(list, func(p staff.Program) program {
		u := p.User
		return program{u.ID, u.Name, append([]string{}, u.Operations...), append([]string{}, u.Networks...), append([]string{}, u.Modules...),
			u.Disabled, p.Seen}
	}), err
}

type cardToken struct {
	ID        styk.ID   `json:"id" eg:"1"`
	Name      string    `json:"name" eg:"1c"`
	Templates []string  `json:"templates" doc:"Empty: all."`
	Always200 bool      `json:"always_200"`
	PerMinute int       `json:"per_minute" doc:"0: the usual pace."`
	Disabled  bool      `json:"disabled"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires,omitzero"`
	Seen      time.Time `json:"seen,omitzero"`
}

func (c *call) listTokens() (any, error) {
	list, _, err := c.s.Staff.Tokens(c)
	return allOf(list, func(t *styk.CardToken) cardToken {
		return cardToken{t.ID, t.Name, append([]string{}, t.Templates...), t.Always200, t.PerMinute, t.Disabled, t.Created, t.Expires, t.Seen}
	}), err
}
