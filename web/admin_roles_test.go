package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"styk"
)

// mayUse says of every address who gets through, written down apart from the
// routes: a page that is not here fails, and so does one that lets others in.
// "open": anybody at all; "person": whoever is logged in; else the roles,
// op(erator) int(egrator) adm(in) own(er) aud(itor).
const mayUse = `
GET  /admin/login                            open
POST /admin/login                            open
GET  /admin/login/code                       open
POST /admin/login/code                       open
GET  /admin/link/{secret}                    open
POST /admin/link/{secret}                    open

GET  /admin/{$}                              person
GET  /admin/me                               person
POST /admin/me/password                      person
POST /admin/me/sessions/{id}/end             person
POST /admin/me/sessions/end                  person
GET  /admin/me/codes                         person
POST /admin/me/codes                         person
POST /admin/me/codes/recovery                person
POST /admin/me/codes/off                     person
POST /admin/logout                           person

GET  /admin/staff                            adm own aud
GET  /admin/staff/invite                     adm own
POST /admin/staff/invite                     adm own
POST /admin/staff/invitations/{id}/renew     adm own
POST /admin/staff/invitations/{id}/drop      adm own
POST /admin/staff/rule                       own
GET  /admin/staff/people/{id}                adm own aud
POST /admin/staff/people/{id}                adm own
POST /admin/staff/people/{id}/disable        adm own
POST /admin/staff/people/{id}/enable         adm own
POST /admin/staff/people/{id}/link           adm own
POST /admin/staff/people/{id}/sessions/end   adm own
POST /admin/staff/people/{id}/sessions/{session}/end  adm own
POST /admin/staff/people/{id}/codes/off      own

GET  /admin/keys                             adm own aud
GET  /admin/keys/programs/new                adm own
POST /admin/keys/programs/new                adm own
GET  /admin/keys/programs/{id}               adm own aud
POST /admin/keys/programs/{id}               adm own
POST /admin/keys/programs/{id}/key           adm own
POST /admin/keys/programs/{id}/disable       adm own
POST /admin/keys/programs/{id}/enable        adm own
GET  /admin/keys/tokens/new                  adm own
POST /admin/keys/tokens/new                  adm own
GET  /admin/keys/tokens/{id}                 adm own aud
POST /admin/keys/tokens/{id}                 adm own
POST /admin/keys/tokens/{id}/renew           adm own
POST /admin/keys/tokens/{id}/revoke          adm own
POST /admin/keys/tokens/{id}/restore         adm own

GET  /admin/audit                            own aud

GET  /admin/tickets                          op adm own aud
GET  /admin/tickets/{id}                     op adm own aud
GET  /admin/search                           person
GET  /admin/files                            op adm own aud
GET  /admin/files/{id}/about                 op adm own aud
POST /admin/files/{id}/about                 op adm own
GET  /admin/files/{id}                       op adm own aud
GET  /admin/tickets/csv                      op adm own aud
POST /admin/tickets/bulk                     op adm own
POST /admin/tickets/undo                     op adm own
POST /admin/tickets/{id}/answer              op adm own
POST /admin/tickets/{id}/owner               op adm own
POST /admin/tickets/{id}/spam                op adm own
GET  /admin/mail                             op adm own aud
POST /admin/mail/{id}/put                    op adm own
POST /admin/mail/{id}/settle                 op adm own
POST /admin/tickets/{id}/status              op adm own
POST /admin/tickets/{id}/note                op adm own
POST /admin/tickets/{id}/settle              op adm own
GET  /admin/consents/{submission}/{n}        op adm own aud
POST /admin/tickets/{id}/link                op adm own
POST /admin/tickets/{id}/undo                op adm own

GET  /admin/customers                        op adm own aud
GET  /admin/customers/{id}                   op adm own aud
GET  /admin/files/{id}/view                  op adm own aud
POST /admin/customers/{id}/settle            op adm own
POST /admin/customers/{id}/undo              op adm own
POST /admin/customers/{id}/apart             op adm own
GET  /admin/customers/{id}/merge             op adm own
POST /admin/customers/{id}/merge             op adm own
POST /admin/customers/{id}/unmerge           op adm own
GET  /admin/customers/{id}/export            adm own
POST /admin/customers/{id}/export            adm own
GET  /admin/customers/{id}/erase             own
POST /admin/customers/{id}/erase             own
GET  /admin/erasures                         own
POST /admin/erasures/{id}/resume             own

GET  /admin/forms                            person
GET  /admin/forms/{form}                     person
GET  /admin/forms/{form}/look/{state}        person

GET  /admin/calls                            int adm own aud
GET  /admin/calls/rows                       int adm own aud
GET  /admin/calls/{id}                       int adm own aud

GET  /admin/deliveries                       op int adm own aud
GET  /admin/deliveries/{id}                  op int adm own aud
POST /admin/deliveries/{id}/retry            op int adm own
GET  /admin/deliveries/{id}/edit             op int adm own
POST /admin/deliveries/{id}/edit             op int adm own
POST /admin/deliveries/again                 op int adm own
GET  /admin/replay                           int adm own
POST /admin/replay                           int adm own
POST /admin/targets/{name}/pause             int adm own
POST /admin/targets/{name}/resume            int adm own

POST /admin/path/off                         person
GET  /admin/sandbox                          int adm own
POST /admin/sandbox/{name}/break             int adm own
POST /admin/sandbox/{name}/mend              int adm own

GET  /admin/connections                      int adm own aud
GET  /admin/connections/new                  int adm own
POST /admin/connections/new                  int adm own
GET  /admin/connections/{name}               int adm own aud
POST /admin/connections/{name}               int adm own
POST /admin/connections/{name}/secret/{field}  int adm own

GET  /admin/cards                            op adm own aud
GET  /admin/cards/{number}                   op adm own aud
POST /admin/cards/{number}/values            op adm own
POST /admin/cards/{number}/call              op adm own
POST /admin/cards/{number}/push              op adm own
POST /admin/cards/{number}/letter            op adm own
POST /admin/cards/{number}/delete            op adm own
GET  /admin/templates                        int adm own
GET  /admin/templates/{id}                   int adm own
POST /admin/templates/{id}                   int adm own
POST /admin/templates/{id}/preview           int adm own
POST /admin/templates/{id}/picture           int adm own
GET  /admin/templates/{id}/picture/{name}    int adm own
GET  /admin/templates/{id}/listing           int adm own
GET  /admin/certificates                     int adm own
POST /admin/certificates                     int adm own
`

var roleShort = map[string]styk.Role{"op": styk.RoleOperator, "int": styk.RoleIntegrator, "adm": styk.RoleAdmin,
	"own": styk.RoleOwner, "aud": styk.RoleAuditor}

// usersOf reads mayUse: by route, who gets through.
func usersOf(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for line := range strings.Lines(mayUse) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		route := words[0] + " " + words[1]
		if len(words) < 3 || all[route] != nil {
			t.Errorf("the table's line %q", line)
		}
		for _, w := range words[2:] {
			if w != "open" && w != "person" && roleShort[w] == "" {
				t.Errorf("the table's line %q: nobody is called %q", line, w)
			}
		}
		all[route] = words[2:]
	}
	return all
}

// TestEveryRouteStandsInTheTable is quick and says what is missing.
func TestEveryRouteStandsInTheTable(t *testing.T) {
	t.Parallel()
	users := usersOf(t)
	for _, route := range adminRoutes {
		if users[route.pattern] == nil {
			t.Errorf("write down in mayUse who may use\n%s", route.pattern)
		}
		delete(users, route.pattern)
	}
	for pattern := range users {
		t.Errorf("%s is no route any more", pattern)
	}
}

// walker fills the addresses of routes with things that are there.
type walker struct {
	s    samples
	card string // number
}

func (k walker) address(pattern string) (method, path string) {
	fit := strings.NewReplacer("{secret}", "nonsense", "{$}", "", "{name}", "crm", "{form}", "feedback", "{state}", "success",
		"{session}", "999999", "{number}", k.card, "/templates/{id}", "/templates/"+deskTemplate)
	method, path, _ = strings.Cut(fit.Replace(pattern), " ")
	id := k.s.ticket
	switch {
	case strings.Contains(path, "/files/"):
		id = k.s.document
	case strings.Contains(path, "/deliveries/"):
		id = k.s.failed
	case strings.Contains(path, "/sessions/"):
		id = 999999
	}
	return method, strings.ReplaceAll(path, "{id}", fmt.Sprint(int64(id)))
}

// TestEveryRouteAsksForItsRole goes with every role, and with none, to every
// address there is.
func TestEveryRouteAsksForItsRole(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := walker{s: d.fill(), card: d.fillCards().number}
	users := usersOf(t)
	for short, role := range roleShort {
		walkAs(t, d.person(role), k, short, users)
	}
	walkAs(t, d.person(""), k, "", users)
}

func walkAs(t *testing.T, b *browser, k walker, short string, users map[string][]string) {
	t.Helper()
	for _, route := range adminRoutes {
		if strings.HasSuffix(route.pattern, "/logout") {
			continue // it would end the walk
		}
		method, path := k.address(route.pattern)
		var a answered
		if method == http.MethodPost {
			a = b.send(path, "status", "Closed", "text", "Заметка", "tick", "0")
		} else {
			a = b.get(path)
		}
		who, name := users[route.pattern], fmt.Sprintf("%s as %q", route.pattern, short)
		toLogin := a.status == http.StatusSeeOther && strings.HasPrefix(a.header.Get("Location"), "/admin/login")
		refused := strings.Contains(a.body, "Это не для вашей роли")
		switch {
		case a.status >= 500:
			t.Errorf("%s: %d\n%s", name, a.status, a.body)
		case slices.Contains(who, "open"):
			if refused {
				t.Errorf("%s: %d is not open", name, a.status)
			}
		case short == "":
			if !toLogin {
				t.Errorf("%s: got %d, want the way to the login", name, a.status)
			}
		case slices.Contains(who, "person") || slices.Contains(who, short):
			if toLogin || a.status == http.StatusForbidden {
				t.Errorf("%s: got %d %s", name, a.status, a.header.Get("Location"))
			}
		case a.status != http.StatusForbidden || !refused:
			t.Errorf("%s: got %d, want 403", name, a.status)
		}
		if short != "" && !slices.Contains(who, "open") && a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept by caches", name)
		}
	}
}
