package web

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/staff"
	"styk/store"
)

func (a *admin) ticketPage(v *visit, f *ticketFacts) adminTicketPage {
	t := &f.ticket
	row := a.ticketRow(v.lang, &store.TicketRow{ID: t.ID, Number: t.Number, Title: t.Title, Status: t.Status, Created: t.Created})
	p := adminTicketPage{Address: row.Address, Number: row.Number, Subject: row.Title, Status: row.Status, Tone: row.Tone,
		Created: row.Created, Text: t.Text, Warnings: warningWords(t.Warnings), May: v.may(staff.ChangeTickets)}
	p.adminFrame = a.frame(v, "/admin/tickets", row.Number+" · "+row.Title)
	for _, s := range statuses {
		word, _ := statusWord(v.lang, s)
		p.Statuses = append(p.Statuses, adminChoice{s, word, s == t.Status})
	}
	if f.contact != nil {
		p.Customer = customerPanel(v.lang, f.contact, f.account)
		if v.may(staff.SeeCustomers) {
			p.Customer.Address = address("customers", f.contact.ID)
		}
		p.Customer.Cards = f.cards
	}
	for _, o := range f.others {
		if o.ID != t.ID && len(p.Others) < othersShown {
			p.Others = append(p.Others, a.ticketRow(v.lang, o))
		}
	}
	for _, d := range f.deliveries {
		p.Deliveries = append(p.Deliveries, a.ticketDelivery(v, d, f))
	}
	for _, d := range f.documents {
		p.Files = append(p.Files, a.filePanel(v.lang, d, f))
	}
	for _, s := range f.submissions {
		p.Submissions = append(p.Submissions, a.submissionPanel(v.lang, s))
	}
	p.Differing = differing(v.lang, f)
	for _, c := range f.comments {
		p.Notes = append(p.Notes, adminNote{Who: f.users[c.ModifiedBy], When: a.moment(v.lang, c.Created), Text: c.Text})
	}
	p.History = a.historyPanel(v, f)
	p.Talk, p.Owners, p.Spam = a.talk(v, f), ownerChoices(v.lang, f.talk.users, t.Owner), t.Spam
	p.Owner = userNames(f.talk.users)[t.Owner]
	p.Waits, p.WaitsTone = a.waits(v.lang, f.waits)
	return p
}

func warningWords(list []styk.Warning) []string {
	var words []string
	for _, w := range list {
		text := w.Text
		if text == "" {
			text = w.Field + ": " + w.Rule
		}
		words = append(words, text)
	}
	return words
}

func customerPanel(lang string, c *styk.Contact, account string) *adminCustomer {
	p := &adminCustomer{Name: strings.Join(strings.Fields(c.LastName+" "+c.FirstName+" "+c.SecondName), " "), Account: account,
		Warnings: warningWords(c.Warnings)}
	if p.Name == "" {
		p.Name = choose(lang, "Имя не указано", "No name given")
	}
	for _, phone := range []string{c.Mobile, c.Phone} {
		if phone == "" {
			continue
		}
		p.Phones = append(p.Phones, adminReach{phone, template.URL("tel:+" + store.PhoneToken(phone))})
		if p.SearchAll == "" {
			p.SearchAll = ticketsAddress(phone, "", 0)
		}
	}
	if c.Email != "" {
		p.Mails = append(p.Mails, adminReach{c.Email, template.URL("mailto:" + url.PathEscape(c.Email))})
		if p.SearchAll == "" {
			p.SearchAll = ticketsAddress(c.Email, "", 0)
		}
	}
	for _, name := range []string{"inn", "birthday", "address", "telegram_id", "title"} {
		for _, column := range c.Columns() {
			if text := column.Text(); column.Name == name && text != "" {
				label := fieldWord(lang, name)
				if name == "title" {
					label = choose(lang, "Должность", "Position")
				}
				p.Lines = append(p.Lines, adminLine{label, text})
			}
		}
	}
	return p
}

func (a *admin) ticketDelivery(v *visit, d *styk.Delivery, f *ticketFacts) adminTicketDelivery {
	p := adminTicketDelivery{Number: d.Number, Cause: d.Cause, URL: webAddress(d.URL)}
	p.State, p.Tone = stateWord(v.lang, d.State)
	if t := f.targets[d.Target]; t != nil {
		p.Target = t.Name
		if !t.Paused.IsZero() && d.State == styk.Due && p.Cause == "" {
			p.Cause = choose(v.lang, "Цель на паузе", "The target is paused")
		}
	}
	if v.may(staff.SeeDeliveries) {
		p.Address = address("deliveries", d.ID)
	}
	p.When = a.moment(v.lang, d.Finished)
	if d.State == styk.Due {
		p.When = a.moment(v.lang, d.Due)
	}
	if d.State == styk.Delivered {
		p.Cause = ""
	}
	p.Steps = a.stepPanel(v.lang, d, f.steps[d.ID])
	return p
}

// webAddress lets through what a link may lead to.
func webAddress(address string) string {
	if strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://") {
		return address
	}
	return ""
}

func (a *admin) filePanel(lang string, d *styk.Document, f *ticketFacts) adminFile {
	p := adminFile{Title: d.Title, Name: d.FileName, Size: bytesWord(lang, d.Size), Placeholder: d.Placeholder,
		Created: a.moment(lang, d.Created)}
	if d.External {
		p.Size = ""
		return p
	}
	p.Download = address("files", d.ID)
	p.Check, p.CheckTone = f.checkWord(lang, d)
	if p.CheckTone == "bad" && d.Version <= 1 {
		p.Download = ""
	}
	p.Links = a.linkPanel(lang, f.links[d.ID], f.now)
	versions := f.versions[d.ID]
	for i := len(versions) - 1; i >= 0; i-- {
		if w := versions[i]; w.Number != d.Version {
			p.Versions = append(p.Versions, adminFileVersion{w.Number, bytesWord(lang, w.Size), a.moment(lang, w.Created),
				originWord(lang, w.Origin), address("files", d.ID) + "?version=" + strconv.FormatInt(w.Number, 10)})
		}
	}
	return p
}

func (a *admin) submissionPanel(lang string, s *styk.Submission) adminSubmission {
	p := adminSubmission{Form: s.Title, Created: a.moment(lang, s.Created), Address: s.Address, Page: s.Page, Reasons: s.Reasons,
		Withheld: s.Suspicion > 0 && s.OfType(styk.FieldEmail) != ""}
	if p.Form == "" {
		p.Form = s.Form
	}
	for _, field := range s.Fields {
		if field.Value == "" {
			continue
		}
		label := field.Label
		if label == "" {
			label = field.Name
		}
		p.Fields = append(p.Fields, adminLine{label, field.Value})
	}
	for i, c := range s.Consents {
		p.Consents = append(p.Consents, adminConsent{proofAddress(s.ID, i), c.Text, c.Version, a.moment(lang, c.At), c.Address})
	}
	return p
}

// named gives a value as people read it: a firm's name instead of its number.
func (f *ticketFacts) named(field, value string) string {
	if name := f.firms[value]; field == "account_id" && name != "" {
		return name
	}
	return value
}

// differing lists what forms brought for the customer and he does not have.
func differing(lang string, f *ticketFacts) (list []adminDiffering) {
	if f.contact == nil {
		return nil
	}
	has := map[string]string{}
	for _, c := range f.contact.Columns() {
		has[c.Name] = c.Text()
	}
	for _, s := range slices.Backward(f.suggestions) {
		if s.State == store.SuggestionOpen && styk.Fold(s.Value) != styk.Fold(has[s.Field]) {
			list = append(list, adminDiffering{s.ID, fieldWord(lang, s.Field), f.named(s.Field, has[s.Field]), f.named(s.Field, s.Value)})
		}
	}
	return list
}

func (a *admin) historyPanel(v *visit, f *ticketFacts) (list []adminChange) {
	for _, c := range f.history {
		change := adminChange{Tick: c.Tick, What: changeWord(v.lang, c), When: a.moment(v.lang, c.At)}
		change.Who = strings.Join(notEmpty(f.users[c.User], originWord(v.lang, c.Origin)), ", ")
		for _, column := range styk.NewRecord(c.Kind).Columns() {
			if values, ok := c.Fields[column.Name]; ok {
				values = [2]string{f.named(column.Name, values[0]), f.named(column.Name, values[1])}
				change.Fields = append(change.Fields, fieldChange(v.lang, c.Kind, column.Name, values))
			}
		}
		if values, ok := c.Fields["owner_id"]; ok {
			names := userNames(f.talk.users)
			name := func(number string) string { id, _ := strconv.ParseInt(number, 10, 64); return names[styk.ID(id)] }
			change.Fields = append(change.Fields, adminFieldChange{fieldWord(v.lang, "owner_id"), name(values[0]), name(values[1])})
		}
		change.Undo = v.may(staff.ChangeTickets) && c.Op == "update" && len(c.Fields) > 0
		list = append(list, change)
	}
	return list
}

func fieldChange(lang string, kind styk.Kind, name string, values [2]string) adminFieldChange {
	c := adminFieldChange{fieldWord(lang, name), values[0], values[1]}
	if kind == styk.KindContact {
		c.Label = contactWord(lang, name)
	}
	if kind == styk.KindTicket && name == "spam" {
		c.Old, c.New = yesWord(lang, c.Old), yesWord(lang, c.New)
	}
	if kind == styk.KindTicket && name == "status" {
		c.Old, _ = statusWord(lang, c.Old)
		c.New, _ = statusWord(lang, c.New)
	}
	return c
}

func yesWord(lang, flag string) string {
	if flag == "1" {
		return choose(lang, "да", "yes")
	}
	return choose(lang, "нет", "no")
}

func notEmpty(list ...string) (full []string) {
	for _, s := range list {
		if s != "" {
			full = append(full, s)
		}
	}
	return full
}

func changeWord(lang string, c store.Change) string {
	words := map[string][2]string{
		"ticket create": {"Обращение создано", "Ticket created"}, "ticket update": {"Обращение изменено", "Ticket changed"},
		"ticket delete": {"Обращение удалено", "Ticket deleted"}, "ticket undelete": {"Обращение восстановлено", "Ticket restored"},
		"contact create": {"Клиент заведён", "Customer created"}, "contact update": {"Клиент изменён", "Customer changed"},
		"ticket erase": {"Данные удалены", "Data erased"}, "contact delete": {"Клиент удалён", "Customer deleted"}, "contact undelete": {"Клиент восстановлен", "Customer restored"},
	}
	if w, ok := words[string(c.Kind)+" "+c.Op]; ok {
		return choose(lang, w[0], w[1])
	}
	return string(c.Kind) + ": " + c.Op
}
