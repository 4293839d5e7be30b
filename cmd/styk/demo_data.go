package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"styk"
	"styk/intake"
	"styk/store"
)

// demoFilled marks a folder whose sample data are complete.
const demoFilled = "demo_data"

// fillDemo brings the sample data into an empty folder; a second start finds
// them there. A start that was cut begins again, without doubles.
func fillDemo(ctx context.Context, h *house) error {
	var done string
	err := h.db.View(ctx, func(tx *store.Tx) (err error) {
		done, err = tx.Meta(demoFilled)
		return err
	})
	if err != nil || done != "" {
		return err
	}
	uploads, err := demoUploads(ctx, h)
	if err != nil {
		return err
	}
	var docs []*styk.Document
	err = h.db.Update(ctx, func(tx *store.Tx) (err error) {
		d := &demo{Tx: tx, h: h, random: rand.New(rand.NewPCG(1, 2))}
		if docs, err = d.fill(uploads); err != nil {
			return err
		}
		return tx.SetMeta(demoFilled, "1")
	})
	if err != nil {
		return err
	}
	return h.intake.PlaceDocuments(ctx, docs...)
}

// demoUploads stores the bytes of the three placeholders.
func demoUploads(ctx context.Context, h *house) (list [3]intake.Upload, err error) {
	for i, name := range []string{"Договор № 17-2023.pdf", "Чек об оплате.pdf", "Личный кабинет.pdf"} {
		pdf := placeholderPDF(fmt.Sprintf("placeholder %d of 3", i+1))
		info, err := h.intake.Keep(ctx, name, bytes.NewReader(pdf))
		if err != nil {
			return list, err
		}
		list[i] = intake.Upload{FileName: name, Info: info}
	}
	return list, nil
}

// demo makes the sample data in one transaction; the same at every run.
type demo struct {
	*store.Tx
	h      *house
	random *rand.Rand
	by     store.By
}

func (d *demo) fill(uploads [3]intake.Upload) ([]*styk.Document, error) {
	user := &styk.User{Name: "api", Role: styk.RoleAPI, AccessKey: demoKey, LastName: "Сайт"}
	if err := d.SaveUser(user); err != nil {
		return nil, err
	}
	d.by = store.By{User: user.ID, Origin: "demo"}
	form := demoWebform
	if err := d.SaveWebform(&form); err != nil {
		return nil, err
	}
	docs, err := d.seedPair(uploads)
	if err != nil {
		return nil, err
	}
	accounts, err := d.accounts()
	if err != nil {
		return nil, err
	}
	return docs, d.customers(accounts)
}

// seedPair is the customer whose three files the first document lists.
func (d *demo) seedPair(uploads [3]intake.Upload) ([]*styk.Document, error) {
	c := &styk.Contact{FirstName: "Сергей", SecondName: "Павлович", LastName: "Орлов", Mobile: "+7 (949) 555-01-17",
		Email: "s.orlov@example.ru", Birthday: "1984-03-09", Birthplace: "г. Саратов", Address: "г. Саратов, ул. Чапаева, д. 12",
		INN: demoINN}
	c.Owner, c.Source = d.by.User, "Webform"
	if err := d.Insert(c, d.by); err != nil {
		return nil, err
	}
	var docs []*styk.Document
	for i, up := range uploads {
		doc := &styk.Document{Title: demoTitles[i], Placeholder: true}
		doc.Owner, doc.Source = d.by.User, "Webform"
		if err := d.h.intake.AddDocument(d.Tx, d.by, doc, up, c.ID); err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	return docs, d.SaveCode(demoINN, demoSMS, c.ID, 0, true)
}

func (d *demo) accounts() (ids []styk.ID, err error) {
	for i, name := range demoFirms {
		a := &styk.Account{Name: name, Address: "г. " + pick(d, demoCities) + ", ул. " + pick(d, demoStreets) + ", д. " + fmt.Sprint(1+d.random.IntN(90)),
			Email: fmt.Sprintf("office%d@example.ru", i+1), Website: fmt.Sprintf("https://firm%d.example.ru", i+1),
			Phone: fmt.Sprintf("+7 (495) 555-%02d-%02d", i, d.random.IntN(100)), INN: demoFirmINN(i), OGRN: demoOGRN(i)}
		a.Owner, a.Source = d.by.User, "WEBSERVICE"
		intake.Warn(a)
		if err := d.Insert(a, d.by); err != nil {
			return nil, err
		}
		ids = append(ids, a.ID)
	}
	return ids, nil
}

const demoCustomers = 36

func (d *demo) customers(accounts []styk.ID) error {
	now := d.Now()
	for i, at := range demoTimes(rand.New(rand.NewPCG(5, 6)), d.h.zone, now.Add(-2*demoWeek), now.Add(-demoWeek), demoCustomers) {
		c := d.person(i)
		c.Created = at
		if i%4 == 0 {
			c.Account = accounts[i%len(accounts)]
			c.Title = pick(d, []string{"директор", "главный бухгалтер", "юрист", "менеджер"})
		}
		if err := d.Insert(c, d.by); err != nil {
			return err
		}
		if i%2 == 0 {
			if err := d.project(c, accounts[d.random.IntN(len(accounts))]); err != nil {
				return err
			}
		}
		if i%3 != 1 {
			if err := d.ticket(c, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// person is an invented customer: the numbers are ones that nobody has.
func (d *demo) person(i int) *styk.Contact {
	woman := i%2 == 1
	first, second, last := pick(d, demoMen), pick(d, demoFathers), demoFamilies[i%len(demoFamilies)]
	if woman {
		first, second, last = pick(d, demoWomen), second[:len(second)-len("ич")]+"на", last+"а"
	}
	city := pick(d, demoCities)
	c := &styk.Contact{FirstName: first, SecondName: second, LastName: last,
		Mobile:     fmt.Sprintf("+7 (949) 555-%02d-%02d", 20+i, d.random.IntN(100)),
		Email:      fmt.Sprintf("client%02d@example.ru", i+1),
		TelegramID: fmt.Sprint(100000000 + d.random.IntN(900000000)),
		Birthday:   styk.Date(fmt.Sprintf("%d-%02d-%02d", 1958+d.random.IntN(46), 1+d.random.IntN(12), 1+d.random.IntN(28))),
		Birthplace: "г. " + pick(d, demoCities), Address: "г. " + city + ", ул. " + pick(d, demoStreets) + ", д. " + fmt.Sprint(1+d.random.IntN(120)),
		INN: demoPersonINN(i)}
	c.Owner, c.Source = d.by.User, "WEBSERVICE"
	return c
}

func (d *demo) project(c *styk.Contact, offender styk.ID) error {
	price := int64(8000+1000*d.random.IntN(120)) * 100
	start := d.Now().AddDate(0, 0, -d.random.IntN(200))
	p := &styk.Project{Name: "Обращение: " + c.LastName + " " + c.FirstName, Contact: c.ID, Offender: offender, Region: pick(d, demoCities),
		Category: pick(d, []string{"Туризм", "Онлайн-обучение", "Ремонт", "Доставка"}), Direction: "Возврат средств",
		AgrPrice: styk.Money{Kopecks: price, Set: true}, Subject: "Договор оказания услуг",
		AgrDate: styk.Date(start.Format(time.DateOnly)), StartDate: styk.Date(start.AddDate(0, 0, 5).Format(time.DateOnly)),
		FinishDate: styk.Date(start.AddDate(0, 2, 0).Format(time.DateOnly)), Loss: styk.Money{Kopecks: price / 4, Set: true},
		ServiceCost: styk.Money{Kopecks: price / 2, Set: true}, Progress: fmt.Sprint(5 * d.random.IntN(20)), Country: "Россия",
		Transport: styk.No, Insurance: styk.Yes, Independent: styk.No, Status: pick(d, []string{"initiated", "in progress", "completed"})}
	p.Owner, p.Source, p.Created = d.by.User, "с сайта", c.Created
	return d.Insert(p, d.by)
}

func (d *demo) ticket(c *styk.Contact, i int) error {
	t := &styk.Ticket{Title: demoTopics[i%len(demoTopics)], Status: pick(d, []string{"Open", "In Progress", "Wait For Response", "Closed"}),
		Priority: pick(d, []string{"Low", "Normal", "High"}), Severity: "Minor", Category: "Other Problem",
		Contact: c.ID, Account: c.Account, Text: "Здравствуйте! " + demoTopics[i%len(demoTopics)] + ". Подскажите, пожалуйста, что делать?"}
	t.Owner, t.Source, t.Created = d.by.User, "WEBSERVICE", c.Created.Add(time.Duration(1+d.random.IntN(40))*time.Minute)
	return d.Insert(t, d.by)
}

func pick(d *demo, list []string) string { return list[d.random.IntN(len(list))] }

var (
	demoMen      = []string{"Александр", "Дмитрий", "Михаил", "Андрей", "Иван", "Николай", "Артём", "Тимур", "Ренат", "Фёдор"}
	demoWomen    = []string{"Анна", "Мария", "Елена", "Ольга", "Татьяна", "Наталья", "Алёна", "Гузель", "Ксения", "Юлия"}
	demoFathers  = []string{"Александрович", "Иванович", "Петрович", "Николаевич", "Андреевич", "Михайлович", "Олегович"}
	demoFamilies = []string{"Кузнецов", "Соколов", "Попов", "Лебедев", "Козлов", "Новиков", "Морозов", "Волков", "Зайцев", "Павлов",
		"Семёнов", "Голубев", "Виноградов", "Богданов", "Воробьёв", "Фёдоров", "Беляев", "Тарасов"}
	demoCities  = []string{"Москва", "Казань", "Самара", "Пермь", "Тверь", "Омск", "Калининград", "Владивосток", "Екатеринбург"}
	demoStreets = []string{"Ленина", "Мира", "Садовая", "Лесная", "Школьная", "Гагарина", "Набережная"}
	demoFirms   = []string{"ООО «Три бобра»", "ООО «Дальние берега»", "АО «Онлайн-школа Старт»", "ООО «Ремонт под ключ»", "ИП Сидоров А. В.",
		"ООО «Быстрая доставка»", "ООО «Тур-Экспресс»", "ЗАО «Мебель и дом»"}
	demoTopics = []string{"Не приходит чек", "Возврат денег за тур", "Ошибка в договоре", "Не открывается личный кабинет",
		"Касса не печатает", "Перенос даты поездки", "Нет ответа на претензию"}
)

// demoFirmINN, demoPersonINN and demoOGRN are invented numbers whose check
// digits hold; their inspection 9999 does not exist.
func demoFirmINN(i int) string { return completed(fmt.Sprintf("99990%04d", 1000+i), 10, styk.CheckINN) }

func demoPersonINN(i int) string {
	return completed(fmt.Sprintf("999900%04d", 2000+i), 12, styk.CheckINN)
}

func demoOGRN(i int) string { return completed(fmt.Sprintf("102990%06d", 3000+i), 13, styk.CheckOGRN) }

// completed finds the check digits that make a number of the wanted length.
func completed(head string, length int, check func(string) string) string {
	for n := range 100 {
		tail := fmt.Sprintf("%0*d", length-len(head), n)
		if len(tail) == length-len(head) && check(head+tail) == "" {
			return head + tail
		}
	}
	return head
}
