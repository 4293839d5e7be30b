package web

import (
	"net/http"
	"strconv"
	"strings"

	"styk"
	"styk/staff"
)

// adminKeysPage lists what programs come in with: users of the CRM service and
// tokens of the card API.
type adminKeysPage struct {
	adminFrame
	Tabs      []adminTab
	Programs  []adminKey
	Tokens    []adminKey
	MayManage bool
}

// adminKey is one of them.
type adminKey struct {
	Address string
	Name    string
	Limits  string // in words
	Seen    moment
	State   string
	Tone    string
}

func (a *admin) showKeys(v *visit) error {
	p := adminKeysPage{Tabs: a.staffTabs(v, "/admin/keys"), MayManage: v.may(staff.ManageKeys)}
	p.adminFrame = a.frame(v, "/admin/staff", choose(v.lang, "Ключи", "Keys"))
	programs, err := a.Staff.ListPrograms(v.r.Context())
	if err != nil {
		return err
	}
	for _, one := range programs {
		k := adminKey{Address: programAddress(one.User.ID), Name: one.User.Name, Limits: programLimits(v.lang, a.Staff.Programs, one.User),
			Seen: a.moment(v.lang, one.Seen), State: choose(v.lang, "работает", "works"), Tone: "good"}
		if one.User.Disabled {
			k.State, k.Tone = choose(v.lang, "отключён", "disabled"), "bad"
		}
		p.Programs = append(p.Programs, k)
	}
	tokens, templates, err := a.Staff.Tokens(v.r.Context())
	if err != nil {
		return err
	}
	for _, t := range tokens {
		k := adminKey{Address: tokenAddress(t.ID), Name: t.Name, Limits: tokenLimits(v.lang, t, templates), Seen: a.moment(v.lang, t.Seen)}
		k.State, k.Tone = a.tokenState(v.lang, t)
		p.Tokens = append(p.Tokens, k)
	}
	return a.show(v, http.StatusOK, "admin_keys.html", p)
}

func programAddress(id styk.ID) string {
	return "/admin/keys/programs/" + strconv.FormatInt(int64(id), 10)
}
func tokenAddress(id styk.ID) string { return "/admin/keys/tokens/" + strconv.FormatInt(int64(id), 10) }

func (a *admin) tokenState(lang string, t *styk.CardToken) (word, tone string) {
	switch {
	case t.Disabled:
		return choose(lang, "отозван", "revoked"), "bad"
	case !t.Expires.IsZero() && !a.Now().Before(t.Expires):
		return choose(lang, "истёк", "expired"), "wait"
	}
	return choose(lang, "работает", "works"), "good"
}

// isSeed says whether a program may do just what a site's form needs.
func isSeed(known staff.Programs, operations []string) bool {
	if len(operations) == 0 || len(operations) != len(known.Seed) {
		return false
	}
	for _, name := range known.Seed {
		if !has(operations, name) {
			return false
		}
	}
	return true
}

func has(list []string, name string) bool {
	for _, one := range list {
		if strings.EqualFold(one, name) {
			return true
		}
	}
	return false
}

func programLimits(lang string, known staff.Programs, u *styk.User) string {
	var parts []string
	switch n := int64(len(u.Operations)); {
	case n == 0:
		parts = append(parts, choose(lang, "все операции", "all operations"))
	case isSeed(known, u.Operations):
		parts = append(parts, choose(lang, "только операции сайта", "a site's operations only"))
	default:
		parts = append(parts, strconv.FormatInt(n, 10)+" "+plural(lang, n, "операция", "операции", "операций", "operation", "operations"))
	}
	if len(u.Modules) > 0 {
		parts = append(parts, strings.Join(u.Modules, ", "))
	}
	if len(u.Networks) > 0 {
		parts = append(parts, choose(lang, "с адресов ", "from ")+strings.Join(shortNetworks(u.Networks), ", "))
	}
	return strings.Join(parts, " · ")
}

// shortNetworks writes a single address without its length.
func shortNetworks(list []string) []string {
	short := make([]string, len(list))
	for i, n := range list {
		short[i] = strings.TrimSuffix(n, "/32")
		if strings.Contains(n, ":") {
			short[i] = strings.TrimSuffix(n, "/128")
		}
	}
	return short
}

func tokenLimits(lang string, t *styk.CardToken, templates []*styk.CardTemplate) string {
	parts := []string{choose(lang, "все шаблоны карт", "all card templates")}
	if len(t.Templates) > 0 {
		var names []string
		for _, known := range templates {
			if has(t.Templates, known.ID) {
				names = append(names, known.Name)
			}
		}
		parts[0] = strings.Join(names, ", ")
	}
	if t.PerMinute > 0 {
		parts = append(parts, strconv.Itoa(t.PerMinute)+choose(lang, " вызовов в минуту", " calls a minute"))
	}
	if t.Always200 {
		parts = append(parts, choose(lang, "всегда HTTP 200", "always HTTP 200"))
	}
	return strings.Join(parts, " · ")
}

// splitWords reads a field in which each word is a value.
func splitWords(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r <= ' ' || r == '\u00a0' })
}
