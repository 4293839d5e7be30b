// Package cookie is the generic connector: it brings tickets to any CRM that
// signs in by an auth cookie and a CSRF token. What that CRM looks like — login,
// cookies, expiry, steps, where ids lie in answers — is described in the
// settings (README.md), so it knows no CRM by name.
package cookie

import (
	"errors"
	"net/url"

	"styk"
	"styk/connect"
)

// Kind is the connector's description.
var Kind = connect.Kind{
	Name:  "cookie",
	Title: "Любая CRM с cookie и CSRF-токеном",
	Fields: []connect.Field{
		{Name: "url", Label: "Адрес CRM", Type: connect.URL, Required: true},
		{Name: "user", Label: "Логин", Type: connect.Text},
		{Name: "password", Label: "Пароль", Type: connect.Text, Secret: true},
		{
			Name: "secrets", Label: "Другие секреты", Type: connect.Tree, Secret: true,
			Help: "имя: значение; в рецепте {{.secrets.имя}}",
		},
		{
			Name: "values", Label: "Постоянные значения", Type: connect.Tree,
			Help: "имя: значение; в рецепте {{.values.имя}}",
		},
		{
			Name: "idle", Label: "Сеанс живёт без дела", Type: connect.Duration, Default: "0s",
			Help: "После этого срока войдём заново, не дожидаясь отказа; 0s — ждать отказа.",
		},
		connect.LinkDays,
		{
			Name: "recipe", Label: "Рецепт", Type: connect.Tree, Required: true,
			Help: "Вход, признаки истёкшего сеанса и шаги; пример — в описании коннектора.",
		},
	},
	Mapping: map[string]string{"topic": "topic", "message": "message", "*": "text"},
	New:     open,
}

func open(s connect.Settings) (connect.Connector, error) {
	var r recipe
	if err := s.Tree("recipe", &r); err != nil {
		return nil, styk.FieldError(styk.Invalid, "recipe", "recipe", err.Error())
	}
	base, err := url.Parse(s.Text("url"))
	if err != nil {
		return nil, styk.FieldError(styk.Invalid, "url", "url", "адрес не читается")
	}
	c := &connector{
		base: base, recipe: &r, client: s.Client, now: s.Now, idle: s.Duration("idle"),
		settings: map[string]any{"user": s.Text("user"), "password": s.Text("password")},
		turn:     make(chan struct{}, 1),
	}
	for _, name := range []string{"secrets", "values"} {
		fixed := map[string]string{}
		if err := s.Tree(name, &fixed); err != nil {
			return nil, styk.FieldError(styk.Invalid, name, "map", err.Error())
		}
		c.settings[name] = fixed
	}
	if err := r.compile(c.settings); err != nil {
		var wrong *recipeError
		if errors.As(err, &wrong) {
			return nil, styk.FieldError(styk.Invalid, "recipe."+wrong.where, "recipe", wrong.text)
		}
		return nil, err
	}
	return c, nil
}
