package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/staff"
	"styk/store"
)

// customerRoutes are the addresses of customers' pages.
var customerRoutes = []adminRoute{
	{pattern: "GET /admin/customers", right: staff.SeeCustomers, handle: (*admin).showCustomers},
	{pattern: "GET /admin/customers/{id}", right: staff.SeeCustomers, handle: (*admin).showCustomer},
	{pattern: "GET /admin/files/{id}/view", right: staff.SeeCustomers, handle: (*admin).viewFile},
	{pattern: "POST /admin/customers/{id}/settle", right: staff.ChangeCustomers, handle: (*admin).settleCustomer},
	{pattern: "POST /admin/customers/{id}/undo", right: staff.ChangeCustomers, handle: (*admin).undoCustomer},
	{pattern: "POST /admin/customers/{id}/apart", right: staff.ChangeCustomers, handle: (*admin).keepApart},
	{pattern: "GET /admin/customers/{id}/merge", right: staff.ChangeCustomers, handle: (*admin).showMerge},
	{pattern: "POST /admin/customers/{id}/merge", right: staff.ChangeCustomers, handle: (*admin).merge},
	{pattern: "POST /admin/customers/{id}/unmerge", right: staff.ChangeCustomers, handle: (*admin).unmerge},
	{pattern: "GET /admin/customers/{id}/export", right: staff.ExportPerson, handle: (*admin).showExport},
	{pattern: "POST /admin/customers/{id}/export", right: staff.ExportPerson, handle: (*admin).export},
	{pattern: "GET /admin/customers/{id}/erase", right: staff.ErasePerson, handle: (*admin).showErase},
	{pattern: "POST /admin/customers/{id}/erase", right: staff.ErasePerson, handle: (*admin).erase},
	{pattern: "GET /admin/erasures", right: staff.ErasePerson, handle: (*admin).showErasures},
	{pattern: "POST /admin/erasures/{id}/resume", right: staff.ErasePerson, handle: (*admin).resumeErasure},
}

// adminCustomerPage is one person with all that belongs to him.
type adminCustomerPage struct {
	adminFrame
	Address     string
	Number      string
	Name        string
	Gone        bool // deleted
	Created     moment
	Source      string
	Customer    *adminCustomer
	Account     []adminLine
	Warnings    []string // but for doubles
	Doubles     []adminCustomerRow
	Merged      []adminMerged
	May         bool // change him
	Differing   []adminDiffering
	Tickets     []adminTicketRow
	AllTickets  string // address of all, "" when they are here
	Projects    []adminCustomerProject
	Files       []adminCustomerFile
	Submissions []adminSubmission
	Deliveries  []adminTicketDelivery
	Cards       []adminCustomerCard
	Consents    []adminConsent
	History     []adminChange
	Export      string // addresses, "" when the person may not
	Erase       string
}

type adminMerged struct {
	ID   styk.ID
	Name string
	Who  string
	When moment
}

type adminCustomerProject struct {
	Number string
	Name   string
	Lines  []adminLine
}

// adminCustomerFile is a file with what of it can be looked at.
type adminCustomerFile struct {
	adminFile
	Address string // of the view, "" for what no browser shows safely
	Picture bool
}

type adminCustomerCard struct {
	Address string // "" when the person may not look there
	Code    string
	Balance string
	State   string
	Tone    string
}

// customerFacts are what the page is made of, read in one view of the database.
type customerFacts struct {
	ticketFacts
	account   *styk.Account
	doubles   []*store.CustomerRow
	merged    []*store.Merged
	losers    map[styk.ID]*styk.Contact
	projects  []*styk.Project
	captures  []map[string]string
	titles    map[string]string
	cards     []*styk.Card
	templates map[string]*styk.CardTemplate
}

// shownOf bounds each list of the page.
const shownOf = 12

func (a *admin) showCustomer(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	facts := &customerFacts{}
	to := ""
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		if to, err = insteadOf(tx, v, id); err != nil || to != "" {
			return err
		}
		return facts.read(tx, id)
	})
	if err != nil {
		return err
	}
	if to != "" {
		return v.redirect(to, v.r.URL.Query().Get("said"))
	}
	v.w.Header().Set("Content-Security-Policy", v.w.Header().Get("Content-Security-Policy")+"; frame-src 'self'")
	return a.show(v, http.StatusOK, "admin_customer.html", a.customerPage(v, facts))
}

// insteadOf gives where one who is no more is found.
func insteadOf(tx *store.Tx, v *visit, id styk.ID) (to string, err error) {
	if erased, err := tx.Erased(id); err != nil || erased {
		if err == nil && !v.may(staff.ErasePerson) {
			err = styk.Failed(styk.NotFound, "")
		}
		return "/admin/erasures", err
	}
	m, err := tx.MergedInto(id)
	if err == nil {
		return address("customers", m.Winner), nil
	}
	if styk.CodeOf(err) == styk.NotFound {
		err = nil
	}
	return "", err
}

func (f *customerFacts) read(tx *store.Tx, id styk.ID) (err error) {
	*f = customerFacts{losers: map[styk.ID]*styk.Contact{}, templates: map[string]*styk.CardTemplate{}}
	f.steps, f.versions, f.now = map[styk.ID][]styk.Step{}, map[styk.ID][]store.Version{}, tx.Now()
	if f.contact, err = tx.Customer(id); err != nil {
		return err
	}
	for _, part := range []func(*store.Tx) error{f.readPeople, f.readWork, f.readDeliveries, f.readDocuments, f.readCards, f.readNames} {
		if err := part(tx); err != nil {
			return err
		}
	}
	return nil
}

// readPeople learns who the customer is, and who he may be.
func (f *customerFacts) readPeople(tx *store.Tx) (err error) {
	c := f.contact
	if c.Account != 0 {
		f.account = &styk.Account{}
		f.account.ID = c.Account
		if err := tx.Load(f.account); styk.CodeOf(err) == styk.NotFound {
			f.account = nil
		} else if err != nil {
			return err
		}
	}
	if f.doubles, err = tx.Doubles(c); err != nil {
		return err
	}
	if f.merged, err = tx.MergedFrom(c.ID); err != nil {
		return err
	}
	for _, m := range f.merged {
		if f.losers[m.Loser], err = tx.Customer(m.Loser); err != nil {
			return err
		}
	}
	if f.suggestions, err = tx.Suggestions(c.ID); err != nil {
		return err
	}
	f.history, err = tx.History(c.ID, 0, historyShown)
	return err
}

func (f *customerFacts) readWork(tx *store.Tx) (err error) {
	if f.others, err = tx.Tickets(store.TicketFilter{Contact: f.contact.ID, Limit: shownOf + 1}); err != nil {
		return err
	}
	if f.projects, err = tx.ProjectsOf(f.contact.ID, shownOf); err != nil {
		return err
	}
	if f.submissions, f.captures, err = tx.SubmissionsOf(f.contact.ID, shownOf); err != nil {
		return err
	}
	f.titles, err = tx.FormTitles()
	return err
}

func (f *customerFacts) readDeliveries(tx *store.Tx) error {
	for _, s := range f.submissions {
		list, err := tx.DeliveriesOf(styk.SubjectTicket, s.ID)
		if err != nil {
			return err
		}
		f.deliveries = append(f.deliveries, list...)
	}
	f.deliveries = f.deliveries[:min(len(f.deliveries), shownOf)]
	for _, d := range f.deliveries {
		var err error
		if f.steps[d.ID], err = tx.Steps(d.ID); err != nil {
			return err
		}
	}
	return nil
}

func (f *customerFacts) readDocuments(tx *store.Tx) (err error) {
	records := []styk.ID{f.contact.ID}
	for _, t := range f.others {
		records = append(records, t.ID)
	}
	for _, p := range f.projects {
		records = append(records, p.ID)
	}
	seen := map[styk.ID]bool{}
	for _, id := range records {
		list, err := tx.DocumentsOf(id)
		if err != nil {
			return err
		}
		for _, d := range list {
			if !seen[d.ID] {
				seen[d.ID] = true
				f.documents = append(f.documents, d)
			}
		}
	}
	slices.SortFunc(f.documents, func(a, b *styk.Document) int { return int(b.ID - a.ID) })
	for _, d := range f.documents {
		if f.versions[d.ID], err = tx.Versions(d.ID); err != nil {
			return err
		}
	}
	return f.readFiles(tx)
}

func (f *customerFacts) readCards(tx *store.Tx) (err error) {
	if f.cards, err = tx.Cards(store.CardQuery{Contact: f.contact.ID, Limit: shownOf}); err != nil {
		return err
	}
	for _, c := range f.cards {
		if f.templates[c.Template] == nil {
			if f.templates[c.Template], err = tx.CardTemplate(c.Template); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *admin) customerPage(v *visit, f *customerFacts) adminCustomerPage {
	c := f.contact
	p := adminCustomerPage{Address: address("customers", c.ID), Number: strconv.FormatInt(int64(c.ID), 10), Gone: !c.Deleted.IsZero(),
		Created: a.moment(v.lang, c.Created), Source: sourceWord(v.lang, c.Source)}
	p.May = v.may(staff.ChangeCustomers) && !p.Gone
	p.Customer = customerPanel(v.lang, c, "")
	p.Name = p.Customer.Name
	p.adminFrame = a.frame(v, "/admin/customers", p.Name)
	if v.may(staff.ExportPerson) {
		p.Export = p.Address + "/export"
	}
	if v.may(staff.ErasePerson) {
		p.Erase = p.Address + "/erase"
	}
	for _, name := range []string{"birthplace", "requisites", "text"} {
		for _, column := range c.Columns() {
			if text := column.Text(); column.Name == name && text != "" {
				p.Customer.Lines = append(p.Customer.Lines, adminLine{fieldWord(v.lang, name), text})
			}
		}
	}
	p.Warnings = warningWords(slices.DeleteFunc(slices.Clone(c.Warnings), isDouble))
	for _, d := range f.doubles {
		p.Doubles = append(p.Doubles, a.customerRow(v.lang, d))
	}
	for _, m := range f.merged {
		p.Merged = append(p.Merged, adminMerged{m.Loser, fullName(f.losers[m.Loser]), f.users[m.User], a.moment(v.lang, m.At)})
	}
	p.Differing = differing(v.lang, &f.ticketFacts)
	a.customerWork(v, f, &p)
	p.History = a.historyPanel(v, &f.ticketFacts)
	return p
}

// sourceWord says where a customer came from.
func sourceWord(lang, source string) string {
	switch source {
	case "Webform":
		return originWord(lang, "form")
	case "WEBSERVICE":
		return originWord(lang, "webservice")
	case "IMPORT":
		return originWord(lang, "import")
	}
	return source
}

func fullName(c *styk.Contact) string {
	if c == nil {
		return ""
	}
	return strings.Join(strings.Fields(c.LastName+" "+c.FirstName+" "+c.SecondName), " ")
}

// customerWork fills in what the person has asked, sent and holds.
func (a *admin) customerWork(v *visit, f *customerFacts, p *adminCustomerPage) {
	if firm := f.account; firm != nil {
		for _, c := range firm.Columns() {
			if text := c.Text(); text != "" && c.Name != "text" {
				p.Account = append(p.Account, adminLine{accountWord(v.lang, c.Name), text})
			}
		}
		p.Customer.Account = firm.Name
	}
	for _, t := range f.others {
		p.Tickets = append(p.Tickets, a.ticketRow(v.lang, t))
	}
	if len(p.Tickets) > shownOf {
		p.Tickets, p.AllTickets = p.Tickets[:shownOf], p.Customer.SearchAll
	}
	for _, project := range f.projects {
		p.Projects = append(p.Projects, projectPanel(v.lang, project))
	}
	for _, d := range f.documents {
		file := adminCustomerFile{adminFile: a.filePanel(v.lang, d, &f.ticketFacts)}
		if kind := viewable(d); kind != "" && file.Download != "" && v.may(staff.SeeCustomers) {
			file.Address, file.Picture = address("files", d.ID)+"/view", strings.HasPrefix(kind, "image/")
		}
		p.Files = append(p.Files, file)
	}
	for i, s := range f.submissions {
		panel := a.submissionPanel(v.lang, s)
		if title := f.titles[s.Form]; title != "" {
			panel.Form = title
		}
		if len(panel.Fields) == 0 {
			panel.Fields = captureLines(f.captures[i])
		}
		p.Submissions = append(p.Submissions, panel)
		p.Consents = append(p.Consents, panel.Consents...)
	}
	for _, d := range f.deliveries {
		p.Deliveries = append(p.Deliveries, a.ticketDelivery(v, d, &f.ticketFacts))
	}
	for _, card := range f.cards {
		p.Cards = append(p.Cards, a.customerCard(v, card, f.templates[card.Template]))
	}
}

func captureLines(values map[string]string) (list []adminLine) {
	for name, value := range values {
		if value != "" {
			list = append(list, adminLine{name, value})
		}
	}
	slices.SortFunc(list, func(a, b adminLine) int { return strings.Compare(a.Label, b.Label) })
	return list
}

func accountWord(lang, name string) string {
	switch name {
	case "name":
		return choose(lang, "Название", "Name")
	case "phone":
		return choose(lang, "Телефон", "Phone")
	case "website":
		return choose(lang, "Сайт", "Website")
	case "ogrn":
		return choose(lang, "ОГРН", "OGRN")
	case "kpp":
		return choose(lang, "КПП", "KPP")
	}
	return fieldWord(lang, name)
}

func projectPanel(lang string, p *styk.Project) adminCustomerProject {
	panel := adminCustomerProject{Number: strconv.FormatInt(int64(p.ID), 10), Name: p.Name}
	for _, c := range p.Columns() {
		words, known := projectWords[c.Name]
		if text := c.Text(); known && text != "" {
			panel.Lines = append(panel.Lines, adminLine{choose(lang, words[0], words[1]), text})
		}
	}
	return panel
}

// projectWords are the fields of a project that tell most.
var projectWords = map[string][2]string{"subject": {"Предмет", "Subject"}, "status": {"Состояние", "Status"}, "progress": {"Готово, %", "Done, %"},
	"agr_price": {"Сумма договора, ₽", "Contract, ₽"}, "agr_date": {"Дата договора", "Contract date"}, "start_date": {"Начало", "Start"},
	"finish_date": {"Окончание", "Finish"}, "loss": {"Убытки, ₽", "Loss, ₽"}, "returned": {"Возвращено, ₽", "Returned, ₽"}}

func (a *admin) customerCard(v *visit, card *styk.Card, t *styk.CardTemplate) adminCustomerCard {
	c := adminCustomerCard{Code: card.Code, Balance: t.Value(card, styk.MeansBalance)}
	if c.Code == "" {
		c.Code = t.Name
	}
	c.Balance = grouped(c.Balance)
	c.State, c.Tone = choose(v.lang, "не на телефоне", "on no phone"), "wait"
	if !card.Installed.IsZero() {
		c.State, c.Tone = choose(v.lang, "на телефоне", "on a phone"), "good"
	}
	if a.Cards != nil && v.may(staff.SeeCards) {
		c.Address = "/admin/cards/" + card.Number
	}
	return c
}

// grouped sets a number out in thousands.
func grouped(number string) string {
	whole, rest, fraction := strings.Cut(number, ".")
	for i := len(whole) - 3; i > len(whole)-len(strings.TrimLeft(whole, "-")); i -= 3 {
		whole = whole[:i] + "\u00a0" + whole[i:]
	}
	if fraction {
		whole += "," + rest
	}
	return whole
}
