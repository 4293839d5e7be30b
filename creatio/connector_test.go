package creatio

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"styk/connect"
)

// The seed's order for a visitor whom the CRM does not know: search, account,
// contact tied to it, case, message, files.
func TestOrderNewVisitor(t *testing.T) {
	t.Parallel()
	for _, platform := range []Platform{Framework, Net, BPMSoft} {
		t.Run(string(platform), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, platform, nil)
			p := ticket(1)
			m := s.mustDeliver(p)
			login := []string{"POST " + loginPath, "GET CaseStatus"}
			if platform == Framework { // first tried without /0
				login = append(login, "GET CaseStatus")
			}
			want := slices.Concat(login, []string{
				"GET Contact", "GET ContactCommunication",
				"GET Account", "POST Account", "POST Contact",
				"GET ServiceItem", "POST Case", "POST SocialMessage",
				"POST " + uploadPath, "POST " + uploadPath})
			if got := s.calls(0); !slices.Equal(got, want) {
				t.Errorf("calls\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			row := s.sim.casesOf(p.Ticket.Number)[0]
			contact := s.sim.State().Entities["Contact"][0]
			if row["ContactId"] != contact["Id"] || row["AccountId"] != contact["AccountId"] || contact["AccountId"] == zeroGUID {
				t.Errorf("case %v, contact %v", row, contact)
			}
			if m.Number() != "SR00000001" || row["Number"] != "SR00000001" {
				t.Errorf("number %q", m.Number())
			}
			s.whole(p)
			s.unbroken()
		})
	}
}

// A found contact makes no account and is not changed, whatever the form says.
func TestFoundContactStaysAsItIs(t *testing.T) {
	t.Parallel()
	for _, phone := range []string{"+7 (900) 123-45-67", "8 900 123-45-67", "79001234567", "+7(900)123-45-67", ""} {
		t.Run(phone, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, Net, nil)
			row := map[string]any{"Name": "Иванова А. А.", "MobilePhone": phone}
			if phone == "" {
				row["Email"] = "anna@firm.ru"
			}
			id := s.sim.Put("Contact", row)
			p := ticket(1)
			s.mustDeliver(p)
			st := s.sim.State()
			if posts := only(s.calls(0), "POST "); slices.Contains(posts, "POST Account") || slices.Contains(posts, "POST Contact") {
				t.Errorf("calls: %v", posts)
			}
			if len(st.Entities["Contact"]) != 1 || len(st.Entities["Account"]) != 1 { // the shipped partner
				t.Errorf("contacts %v accounts %v", st.Entities["Contact"], st.Entities["Account"])
			}
			if got := s.sim.casesOf(p.Ticket.Number)[0]; got["ContactId"] != id || got["AccountId"] != zeroGUID {
				t.Errorf("case %v", got)
			}
			s.whole(p)
			s.unbroken()
		})
	}
}

// A number that is kept only among a contact's further numbers counts.
func TestFoundByFurtherNumber(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	account := s.sim.Put("Account", map[string]any{"Name": "ООО «Ромашка»"})
	id := s.sim.Put("Contact", map[string]any{"Name": "Анна", "AccountId": account})
	s.sim.Put("ContactCommunication", map[string]any{"ContactId": id, "Number": "8 (900) 123 45 67", "SearchNumber": "76543210098"})
	p := ticket(1)
	s.mustDeliver(p)
	if got := s.sim.casesOf(p.Ticket.Number)[0]; got["ContactId"] != id || got["AccountId"] != account {
		t.Errorf("case %v", got)
	}
}

// Without rights on further numbers the search goes on without them.
func TestNoRightsOnFurtherNumbers(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	s.fault("permission=ContactCommunication")
	for i := range 3 {
		s.mustDeliver(visitor(i + 1))
	}
	if n := len(only(s.calls(0), "GET ContactCommunication")); n != 2 { // with a fresh login between them
		t.Errorf("asked %d times", n)
	}
	if n := len(s.warns); n != 1 {
		t.Errorf("warnings %q", s.warns)
	}
}

// Several contacts: phone before e-mail, then the one with an account, then the
// latest; the case says so.
func TestSeveralContacts(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	account := s.sim.Put("Account", map[string]any{"Name": "ООО «Ромашка»"})
	old := s.now().AddDate(-1, 0, 0)
	s.sim.Put("Contact", map[string]any{"Name": "по почте", "Email": "anna@firm.ru", "AccountId": account})
	s.sim.Put("Contact", map[string]any{"Name": "без контрагента", "MobilePhone": "+79001234567"})
	s.sim.Put("Contact", map[string]any{"Name": "старый", "MobilePhone": "89001234567", "AccountId": account, "ModifiedOn": old.AddDate(-1, 0, 0)})
	want := s.sim.Put("Contact", map[string]any{"Name": "верный", "Phone": "9001234567", "AccountId": account, "ModifiedOn": old})
	p := ticket(1)
	s.mustDeliver(p)
	row := s.sim.casesOf(p.Ticket.Number)[0]
	if row["ContactId"] != want {
		t.Errorf("took %v, want %v", row["ContactId"], want)
	}
	if text := row["Symptoms"].(string); !strings.HasSuffix(text, "В CRM найдено похожих контактов: 3; взят «верный».") {
		t.Errorf("symptoms: %s", text)
	}
}

// A hundred tickets of one new visitor at once make one contact and one account.
func TestHundredAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, BPMSoft, nil)
	var wait sync.WaitGroup
	for i := range 100 {
		wait.Go(func() {
			p, m := ticket(i+1), &connect.Memory{}
			p.Ticket.Files = nil
			if err := s.attempt(p, m); err != nil {
				t.Errorf("ticket %d: %v", i+1, err)
			}
		})
	}
	wait.Wait()
	st := s.sim.State()
	if n := len(st.Entities["Contact"]); n != 1 {
		t.Errorf("%d contacts", n)
	}
	if n := len(st.Entities["Account"]); n != 2 { // and the shipped partner
		t.Errorf("%d accounts", n)
	}
	if n := len(st.Entities["Case"]); n != 100 {
		t.Errorf("%d cases", n)
	}
	if st.Logins != 1 {
		t.Errorf("%d logins", st.Logins)
	}
	s.unbroken()
}

// An id of ours whose record has become another person's is not reused.
func TestTakenContactID(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	id := idFor(entContact, "phone/9001234567").String()
	s.sim.Put("Contact", map[string]any{"Id": id, "Name": "Прежний владелец номера", "MobilePhone": "+79990000000"})
	p := ticket(1)
	s.mustDeliver(p)
	if got := s.sim.casesOf(p.Ticket.Number)[0]["ContactId"]; got == id {
		t.Error("the case went to the former owner of the number")
	}
	if n := len(s.sim.State().Entities["Contact"]); n != 2 {
		t.Errorf("%d contacts", n)
	}
}

// What happens to the contact between two attempts: the case still says that
// several were found; a merged contact is found again; a deleted one is told.
func TestContactBetweenAttempts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(s *site, id string)
		want   outcome
	}{
		"stays":   {func(*site, string) {}, delivered},
		"merged":  {func(s *site, id string) { s.remove("Contact", id) }, delivered},
		"deleted": {func(s *site, _ string) { s.remove("Contact", "") }, permanent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, Net, nil)
			s.sim.Put("Contact", map[string]any{"Name": "б", "MobilePhone": "89001234567", "ModifiedOn": s.now().AddDate(-1, 0, 0)})
			id := s.sim.Put("Contact", map[string]any{"Name": "а", "MobilePhone": "+79001234567"})
			p, m := ticket(1), &connect.Memory{}
			s.fault("permission=Case")
			if got := outcomeOf(s.attempt(p, m)); got != permanent {
				t.Fatalf("got %s", got)
			}
			s.sim.Calm()
			c.change(s, id)
			if got := outcomeOf(s.attempt(p, m)); got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
			if c.want != delivered {
				return
			}
			row := s.sim.casesOf(p.Ticket.Number)[0]
			said := strings.Contains(row["Symptoms"].(string), "похожих контактов: 2")
			if (row["ContactId"] == id) != (name == "stays") || said != (name == "stays") {
				t.Errorf("case %v", row)
			}
			s.whole(p)
		})
	}
}

// remove deletes a row as an operator would; "" deletes all.
func (s *site) remove(entity, id string) {
	s.sim.mu.Lock()
	defer s.sim.mu.Unlock()
	table := s.sim.tables[entity]
	table.rows = slices.DeleteFunc(table.rows, func(r simRow) bool { return id == "" || r["Id"] == id })
	clear(table.byID)
	clear(table.index)
	for _, r := range table.rows {
		table.byID[r["Id"].(string)] = r
		for column := range r {
			table.note(column, r)
		}
	}
}

func TestCaseText(t *testing.T) {
	t.Parallel()
	s := newSite(t, Framework, map[string]any{
		"origin": "Сайт", "status": "New", "priority": "нет такого",
		"partner": map[string]any{"code": "PARTNER-1", "column": "UsrPartnerId"},
		"columns": map[string]any{"case": map[string]any{"UsrSource": "сайт"}},
	})
	p := ticket(1)
	p.Ticket.Fields[0].Value = "Другое"
	s.mustDeliver(p)
	row := s.sim.casesOf(p.Ticket.Number)[0]
	want := "Коммерческий сервис: Другое\nТема обращения: Не печатает касса\nОрганизация: ООО «Ромашка»\nИНН: 7707083893\n" +
		"Имя: Анна Иванова\nТелефон: +7 (900) 123-45-67\nE-mail: anna@firm.ru\nОписание: Добрый день!\nКасса молчит, помогите 🙏\n" +
		"Файл: договор № 1.pdf\nФайл: пусто.txt\n\nВ справочнике ServiceItem нет «Другое»: поле оставлено пустым."
	if row["Symptoms"] != want {
		t.Errorf("symptoms\n%s\nwant\n%s", row["Symptoms"], want)
	}
	for column, value := range map[string]string{
		"Subject": "Не печатает касса", "UsrSource": "сайт", "UsrPartnerId": seedID("partner"),
		"ServiceItemId": zeroGUID, "OriginId": seedID("CaseOriginСайт"), "RegisteredOn": "2026-11-21T09:30:00.0000000Z",
	} {
		if row[column] != value {
			t.Errorf("%s = %v, want %s", column, row[column], value)
		}
	}
	message := s.sim.State().Entities["SocialMessage"][0]
	if message["Message"] != "<p>Добрый день!<br>Касса молчит, помогите 🙏</p>" {
		t.Errorf("message %v", message["Message"])
	}
	if len(s.warns) != 2 {
		t.Errorf("warnings: %q", s.warns)
	}
	s.unbroken()
}

func TestBlankCompanyMakesNoAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	p := ticket(1)
	p.Ticket.Fields[2].Value = " "
	s.mustDeliver(p)
	if n := len(s.sim.State().Entities["Account"]); n != 1 {
		t.Errorf("%d accounts, want the shipped one", n)
	}
	s.unbroken()
}

// An account is found by ИНН where there is a column, whatever its name.
func TestAccountByINN(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, map[string]any{"account_inn_column": "UsrINN", "contact_inn_column": "UsrINN"})
	id := s.sim.Put("Account", map[string]any{"Name": "Ромашка, ООО", "UsrINN": "7707083893"})
	s.mustDeliver(ticket(1))
	contact := s.sim.State().Entities["Contact"][0]
	if contact["AccountId"] != id || contact["UsrINN"] != "7707083893" {
		t.Errorf("contact %v", contact)
	}
}

func TestWhereFilesGo(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"case": "CaseFile SR", "message": "FeedFile SR", "link": "link", "portal": "PortalMessageFile SR",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := map[string]any{"files": name}
			if name == "portal" {
				settings = map[string]any{"files": "message", "message": "portal"}
			}
			s := newSite(t, Net, settings)
			p := ticket(1)
			p.Ticket.Files = []connect.File{bigFile(2_500_000)}
			s.mustDeliver(p)
			st := s.sim.State()
			if name == "link" {
				row := st.Entities["CaseFile"][0]
				if row["Name"] != p.Ticket.Files[0].URL || row["TypeId"] != fileTypeLink.String() || len(st.Files) != 0 {
					t.Errorf("row %v", row)
				}
				return
			}
			if len(st.Files) != 1 {
				t.Fatalf("%d files", len(st.Files))
			}
			for _, f := range st.Files {
				if !f.Complete || f.Size != 2_500_000 || f.Name != "план.pdf" || f.Entity != strings.Fields(want)[0] {
					t.Errorf("file %+v", f)
				}
			}
			ranges := 0
			for _, c := range st.Log {
				if c.Range != "" {
					ranges++
				}
			}
			if ranges != 3 {
				t.Errorf("%d chunks, want 3", ranges)
			}
			s.unbroken()
		})
	}
}

func TestPortalMessage(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, map[string]any{"message": "portal"})
	s.mustDeliver(ticket(1))
	st := s.sim.State()
	if len(st.Entities["PortalMessage"]) != 1 || len(st.Entities["SocialMessage"]) != 0 {
		t.Errorf("messages %v", st.Entities["PortalMessage"])
	}
	s.unbroken()
}

// A dry run shows the writes and sends none.
func TestDryRun(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	var shown []string
	transport := *s.http.Transport.(*connect.Transport)
	transport.DryRun = true
	transport.Record = func(x connect.Exchange) {
		if x.DryRun {
			shown = append(shown, x.Step)
		}
	}
	p := ticket(1)
	p.DryRun = true
	if err := s.to.Deliver(t.Context(), p.Bind((&connect.Memory{}).Effects(transport.Client()))); err != nil {
		t.Fatal(err)
	}
	if want := []string{"account", "contact", "case", "message", "file.1", "file.2"}; !slices.Equal(shown, want) {
		t.Errorf("shown %v, want %v", shown, want)
	}
	if n := len(s.sim.State().Entities["Case"]); n != 0 {
		t.Errorf("%d cases", n)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	base := func(more map[string]any) map[string]any {
		values := map[string]any{"url": "http://crm.firm.ru", "user": "u", "password": "pppp"}
		for k, v := range more {
			values[k] = v
		}
		return values
	}
	for name, values := range map[string]map[string]any{
		"no password":   base(map[string]any{"password": ""}),
		"half of OAuth": base(map[string]any{"identity_url": "http://is.firm.ru"}),
		"bad column":    base(map[string]any{"external_id_column": "Usr eq 1"}),
		"bad partner":   base(map[string]any{"partner": map[string]any{"id": "17"}}),
		"typo":          base(map[string]any{"partner": map[string]any{"colum": "X"}}),
		"bad constant":  base(map[string]any{"columns": map[string]any{"case": map[string]any{"a b": 1}}}),
		"unknown":       base(map[string]any{"pasword": "x"}),
	} {
		if _, err := Kind.Open(connect.Settings{Values: values}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := Kind.Open(connect.Settings{Values: base(nil)}); err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings map[string]any
		want     string
	}{
		"fine":          {map[string]any{"status": "New", "partner": map[string]any{"name": "ООО «Партнёр»", "column": "UsrPartnerId"}}, ""},
		"no column":     {map[string]any{"external_id_column": "UsrNumber"}, "Case.UsrNumber"},
		"no status":     {map[string]any{"status": "Свежее"}, "CaseStatus"},
		"no partner":    {map[string]any{"partner": map[string]any{"code": "X"}}, "Code"},
		"oauth":         {map[string]any{"identity_url": "sim", "client_id": "styk", "client_secret": "styk-secret"}, ""},
		"oauth refused": {map[string]any{"identity_url": "sim", "client_id": "styk", "client_secret": "wrong"}, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, Net, nil)
			values := map[string]any{"url": s.url, "user": "api", "password": testPassword}
			for k, v := range c.settings {
				if v == "sim" {
					v = s.url
				}
				values[k] = v
			}
			s.to = s.open(values)
			err := s.to.Check(t.Context())
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			s.unbroken()
		})
	}
}

// With OAuth a token is shared, renewed before its end and once on 401.
func TestOAuth(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	s.to = s.open(map[string]any{
		"url": s.url, "identity_url": s.url, "client_id": "styk", "client_secret": "styk-secret", "external_id_column": "UsrExternalId",
	})
	for i, before := range []func(){func() {}, func() { s.pass(59*60e9 + 31e9) }, s.sim.EndSessions} {
		before()
		p := ticket(i + 1)
		s.mustDeliver(p)
		s.whole(p)
		if got := s.sim.State().Logins; got != i+1 {
			t.Errorf("%d tokens, want %d", got, i+1)
		}
	}
	for _, c := range s.sim.State().Log {
		if c.Note == "token expired" && c.Status != 401 {
			t.Errorf("call %v", c)
		}
	}
	s.unbroken()
}

// After Check has read the model, texts are cut to what the columns take.
func TestLimitsFromModel(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	if err := s.to.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("я", 700)
	p := ticket(1)
	p.Ticket.Fields[1].Value = long
	s.mustDeliver(p)
	if got := len([]rune(s.sim.casesOf(p.Ticket.Number)[0]["Subject"].(string))); got != 500 {
		t.Errorf("subject of %d letters, want 500", got)
	}
}
