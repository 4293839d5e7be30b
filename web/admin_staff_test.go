package web

import (
	"encoding/base32"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

// samplePrograms is what the CRM service knows, for keys.
var samplePrograms = staff.Programs{Operations: []string{"GetFilesList", "CreateContact", "CreateAccount", "query"},
	Seed: []string{"GetFilesList", "CreateContact"}, Modules: []string{"Contacts", "Accounts", "Project"}}

// named adds somebody who can log in, and gives his number.
func (d *desk) named(name string, role styk.Role) styk.ID {
	d.t.Helper()
	u := &styk.User{Name: name, Role: role}
	d.update(func(tx *store.Tx) error {
		u.ID = 0
		if err := tx.SaveUser(u); err != nil {
			return err
		}
		return tx.SavePassword(u.ID, deskHash)
	})
	return u.ID
}

func find(t *testing.T, page, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("%s is not in\n%s", pattern, page)
	}
	return found[1]
}

// TestInvitedColleague: from the invitation to the closed door.
func TestInvitedColleague(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.person(styk.RoleOwner)
	a := b.send("/admin/staff/invite", "name", "two words", "first_name", "Борис", "email", "nowhere", "role", "operator")
	for _, want := range []string{"от 1 до 64 знаков без пробелов", "Проверьте адрес", `value="two words"`, `value="Борис"`, `value="nowhere"`, `id="name-fault"`, `id="email-fault"`} {
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, want) {
			t.Errorf("%d: the refused form lacks %s", a.status, want)
		}
	}
	a = b.send("/admin/staff/invite", "name", "boris", "first_name", "Борис", "role", "operator")
	link := strings.TrimPrefix(find(t, a.body, `id="secret"[^>]*>([^<]+)<`), d.url)
	if page := b.get("/admin/staff").body; !strings.Contains(page, "boris") || strings.Contains(page, link) {
		t.Error("the invitation is not listed, or its secret is")
	}
	guest := d.person("")
	if a = guest.get(link); a.status != http.StatusOK || !strings.Contains(a.body, "Ваша роль: оператор") {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a = guest.send(link, "password", deskPassword); a.status != http.StatusSeeOther || a.header.Get("Location") != "/admin/?said=welcome" {
		t.Fatalf("%d %v\n%s", a.status, a.header, a.body)
	}
	if a = guest.get("/admin/tickets"); a.status != http.StatusOK {
		t.Errorf("he is not in: %d", a.status)
	}
	if a = d.person("").get(link); a.status != http.StatusGone {
		t.Errorf("the link works again: %d", a.status)
	}
	him := find(t, b.get("/admin/staff").body, `href="(/admin/staff/people/\d+)">Борис<`)
	if a = b.send(him, "role", "auditor", "first_name", "Борис", "email", "x"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Проверьте адрес") {
		t.Errorf("%d", a.status)
	}
	if a = b.send(him, "role", "auditor", "first_name", "Борис"); a.status != http.StatusSeeOther {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if a = guest.get("/admin/audit"); a.status != http.StatusOK || !strings.Contains(a.body, "новая роль:") {
		t.Errorf("the auditor does not see who made him one: %d", a.status)
	}
	end := find(t, b.get(him).body, `action="(/admin/staff/people/\d+/sessions/\d+/end)"`)
	if a = b.send(end); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
	if a = guest.get("/admin/me"); a.status != http.StatusSeeOther {
		t.Errorf("his session lives: %d", a.status)
	}
	if a = b.send(him + "/disable"); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
	if a = guest.send("/admin/login", "name", "boris", "password", deskPassword); a.status != http.StatusForbidden {
		t.Errorf("he is in again: %d", a.status)
	}
}

func TestNobodyLocksHimselfOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	admin, owner := d.person(styk.RoleAdmin), d.person(styk.RoleOwner)
	boss := d.named("boss", styk.RoleOwner)
	self := find(t, owner.get("/admin/staff").body, `href="(/admin/staff/people/\d+)">owner-person<`)
	for _, deed := range []string{self + "/disable", self + "/sessions/end"} {
		if a := owner.send(deed); a.status != http.StatusConflict {
			t.Errorf("%s: %d", deed, a.status)
		}
	}
	for _, deed := range []string{"", "/disable", "/link", "/sessions/end"} {
		if a := admin.send(colleagueAddress(boss)+deed, "role", "operator"); a.status != http.StatusForbidden {
			t.Errorf("an admin does %q to an owner: %d", deed, a.status)
		}
	}
	if a := admin.send("/admin/staff/invite", "name", "third", "role", "owner"); a.status != http.StatusForbidden {
		t.Errorf("an admin invites an owner: %d", a.status)
	}
	if a := owner.get("/admin/staff/people/99999"); a.status != http.StatusNotFound {
		t.Errorf("%d", a.status)
	}
}

// codeOf is what a phone shows that knows the secret of the page.
func codeOf(t *testing.T, page string, steps int) string {
	t.Helper()
	text := strings.ReplaceAll(find(t, page, `id="secret">([A-Z2-7 ]+)<`), " ", "")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return staff.CodeAt(secret, time.Now().Add(time.Duration(steps)*30*time.Second))
}

func TestCodesByTheRule(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner, op := d.person(styk.RoleOwner), d.person(styk.RoleOperator)
	if a := owner.send("/admin/staff/rule", "role", "operator"); a.status != http.StatusSeeOther {
		t.Fatalf("%d", a.status)
	}
	for _, path := range []string{"/admin/tickets", "/admin/", "/admin/forms"} {
		if a := op.get(path); a.header.Get("Location") != "/admin/me/codes" {
			t.Errorf("%s: %d %s", path, a.status, a.header.Get("Location"))
		}
	}
	page := op.get("/admin/me/codes").body
	if a := op.send("/admin/me/codes", "code", "123"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `id="code-fault"`) {
		t.Errorf("%d", a.status)
	}
	used := codeOf(t, page, 0)
	a := op.send("/admin/me/codes", "code", used)
	_, listed, _ := strings.Cut(a.body, "<pre")
	listed, _, _ = strings.Cut(listed, "</pre>")
	codes := regexp.MustCompile(`\b[a-z2-9]{5}-[a-z2-9]{5}\b`).FindAllString(listed, -1)
	if a.status != http.StatusOK || len(codes) != 10 {
		t.Fatalf("%d %v\n%s", a.status, codes, a.body)
	}
	if a = op.get("/admin/tickets"); a.status != http.StatusOK {
		t.Errorf("%d", a.status)
	}
	again := d.person("")
	a = again.send("/admin/login", "name", "operator-person", "password", deskPassword, "next", "/admin/deliveries")
	code := a.header.Get("Location")
	if code != "/admin/login/code?next=%2Fadmin%2Fdeliveries" {
		t.Fatalf("%d %s", a.status, code)
	}
	if a = again.get("/admin/tickets"); a.status != http.StatusSeeOther {
		t.Errorf("half a session opens a page: %d", a.status)
	}
	again.get(code)
	send := func(field, value string) answered {
		return again.do(http.MethodPost, "/admin/login/code", "_token="+again.token+"&next=/admin/deliveries&"+field+"="+value)
	}
	for _, pair := range [][2]string{{"code", used}, {"recovery", "abcde-fghij"}} {
		if a = send(pair[0], pair[1]); a.status != http.StatusForbidden {
			t.Errorf("%v: %d", pair, a.status)
		}
	}
	if a = send("recovery", codes[0]); a.header.Get("Location") != "/admin/deliveries" {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if page := again.get("/admin/me").body; !strings.Contains(page, `осталось: <span class="num">9</span>`) && !strings.Contains(page, ">9<") {
		t.Error("nobody is told how many are left")
	}
	him := find(t, owner.get("/admin/staff").body, `href="(/admin/staff/people/\d+)">operator-person<`)
	if a = owner.send(him + "/codes/off"); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
	if a = again.get("/admin/me"); a.status != http.StatusSeeOther {
		t.Errorf("his sessions live: %d", a.status)
	}
}

func TestKeysOfPrograms(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.staff.Programs = samplePrograms
	b := d.person(styk.RoleAdmin)
	a := b.send("/admin/keys/programs/new", "name", "site", "scope", "list", "networks", "10.0.0.0/8\nsomewhere")
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Отметьте хотя бы одну операцию") || !strings.Contains(a.body, "somewhere") {
		t.Errorf("%d", a.status)
	}
	a = b.send("/admin/keys/programs/new", "name", "site", "scope", "seed", "networks", "10.0.0.0/8\nsomewhere")
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `id="networks-fault"`) || !strings.Contains(a.body, `value="site"`) {
		t.Errorf("%d", a.status)
	}
	a = b.send("/admin/keys/programs/new", "name", "site", "scope", "seed", "networks", "203.0.113.7")
	key := find(t, a.body, `id="secret"[^>]*>([A-Za-z0-9]{24})<`)
	page := b.get("/admin/keys").body
	if !strings.Contains(page, "только операции сайта · с адресов 203.0.113.7") || strings.Contains(page, key) {
		t.Errorf("%s", page)
	}
	site := find(t, page, `href="(/admin/keys/programs/\d+)"`)
	if a = b.send(site, "scope", "all"); a.status != http.StatusSeeOther {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if a = b.send(site + "/key"); find(t, a.body, `id="secret"[^>]*>([A-Za-z0-9]{24})<`) == key {
		t.Error("the key stays")
	}
	if a = b.send(site + "/disable"); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
	if page = b.get("/admin/keys").body; !strings.Contains(page, "отключён") {
		t.Error("it does not look disabled")
	}

	a = b.send("/admin/keys/tokens/new", "name", "1c", "per_minute", "много", "always_200", "1")
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `value="много"`) || !strings.Contains(a.body, `id="per_minute-fault"`) {
		t.Errorf("%d", a.status)
	}
	a = b.send("/admin/keys/tokens/new", "name", "1c", "per_minute", "120", "always_200", "1")
	find(t, a.body, `id="secret"[^>]*>([A-Za-z0-9]{24})<`)
	page = b.get("/admin/keys").body
	if !strings.Contains(page, "120 вызовов в минуту · всегда HTTP 200") {
		t.Errorf("%s", page)
	}
	token := find(t, page, `href="(/admin/keys/tokens/\d+)"`)
	for _, deed := range []string{"/revoke", "/restore"} {
		if a = b.send(token + deed); a.status != http.StatusSeeOther {
			t.Errorf("%s: %d", deed, a.status)
		}
	}
	for _, path := range []string{"/admin/keys/programs/1", "/admin/keys/tokens/77", "/admin/keys/tokens/x"} {
		if a = b.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if page = d.person(styk.RoleAuditor).get(site).body; strings.Contains(page, "Сменить ключ") || !strings.Contains(page, "Что можно") {
		t.Error("an auditor should see, and find nothing to press")
	}
}

func TestTheTrailGoesOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.person(styk.RoleOwner)
	d.update(func(tx *store.Tx) error {
		for i := range 2*auditPageSize + 5 {
			if err := tx.Audit(0, fmt.Sprintf("strange.%03d", i), 7, 3); err != nil {
				return err
			}
		}
		return nil
	})
	seen := map[string]bool{}
	for path, pages := "/admin/audit", 0; path != "" && pages < 9; pages++ {
		page := b.get(path).body
		for _, word := range regexp.MustCompile(`strange\.\d+`).FindAllString(page, -1) {
			if seen[word] {
				t.Errorf("%s stands on two pages", word)
			}
			seen[word] = true
		}
		path = ""
		if found := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(page); found != nil {
			path = found[1]
		}
	}
	if len(seen) != 2*auditPageSize+5 {
		t.Errorf("%d were shown", len(seen))
	}
	for _, bad := range []string{"x", "-5", "99999999999999999999"} {
		if a := b.get("/admin/audit?before=" + bad); a.status != http.StatusOK {
			t.Errorf("%s: %d", bad, a.status)
		}
	}
}

// TestEveryDeedHasWords: what staff notes is told in words, not in its own.
func TestEveryDeedHasWords(t *testing.T) {
	t.Parallel()
	for _, action := range []string{staff.ActionLogin, staff.ActionMissed, staff.ActionLogout, staff.ActionPassword, staff.ActionLink, staff.ActionEnd,
		staff.ActionCodeMissed, staff.ActionCodeOn, staff.ActionCodeOff, staff.ActionRecovery, staff.ActionRecoveries, staff.ActionCodeRule,
		staff.ActionInvite, staff.ActionUninvite, staff.ActionCame, staff.ActionRole, staff.ActionChanged, staff.ActionDisable, staff.ActionEnable,
		staff.ActionEndAll, staff.ActionProgram, staff.ActionLimits, staff.ActionKey, staff.ActionToken, staff.ActionTokenSet,
		staff.ActionTokenText, staff.ActionRevoke, staff.ActionRestore, actionFile, actionReplay, actionRetry, actionPause,
		actionResume, actionStatus, actionNote, actionUndo, actionSettle, actionLinkClosed, actionLinkOpened} {
		if w := actionWords[action]; w.ru == "" || w.en == "" {
			t.Errorf("%s has no words", action)
		}
	}
}

// FuzzSplitWords: whatever is typed falls into words without a sign that parts
// them.
func FuzzSplitWords(f *testing.F) {
	for _, seed := range []string{"", "10.0.0.0/8\r\n203.0.113.7", "a,b;c", "\u00a0\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, word := range splitWords(text) {
			if word == "" || strings.ContainsAny(word, " \r\n,;") {
				t.Errorf("%q gave %q", text, word)
			}
		}
	})
}
