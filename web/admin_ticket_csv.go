package web

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"styk"
	"styk/store"
)

// csvMost is how many tickets one file holds.
const csvMost = 50000

const actionCSV = "tickets.csv"

// ticketsCSV gives the list as a file that a Russian Excel opens right: UTF-8
// with its mark, semicolons, and lines that end as on Windows.
func (a *admin) ticketsCSV(v *visit) error {
	f, _ := a.ticketFilter(v, v.r.URL.Query())
	f.Limit = 500
	users, err := a.users(v.r.Context())
	if err != nil {
		return err
	}
	names := userNames(users)
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="tickets-%s.csv"`, a.now().Format("2006-01-02")))
	_, _ = io.WriteString(v.w, "\ufeff")
	w := csv.NewWriter(v.w)
	w.Comma, w.UseCRLF = ';', true
	_ = w.Write(strings.Split(choose(v.lang, "Номер;Тема;Клиент;Телефон;E-mail;Организация;Состояние;Ответственный;Пришло;Ждёт ответа с;Спам;Номер в CRM;Доставка",
		"Number;Subject;Customer;Phone;E-mail;Firm;Status;Assignee;Came;Waits since;Spam;Number in the CRM;Delivery"), ";"))
	var count int64
	for count < csvMost {
		var rows []*store.TicketRow
		err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) { rows, err = tx.Tickets(f); return err })
		if err != nil {
			a.Log.Warn("admin page", "op", "csv", "err", err) // the head has gone already
			return nil
		}
		for _, r := range rows {
			_ = w.Write(a.csvRow(v.lang, r, names)) // what the reader broke off is nobody's fault
		}
		w.Flush()
		count += int64(len(rows))
		if len(rows) < f.Limit || w.Error() != nil {
			break
		}
		f.Before = rows[len(rows)-1].ID
	}
	return a.DB.Update(v.r.Context(), func(tx *store.Tx) error { return tx.Audit(v.session.User.ID, actionCSV, 0, count) })
}

func (a *admin) csvRow(lang string, r *store.TicketRow, names map[styk.ID]string) []string {
	row := a.ticketRow(lang, r)
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(a.Zone).Format("02.01.2006 15:04")
	}
	cells := []string{row.Number, r.Title, r.Name, r.Mobile, r.Email, r.Account, row.Status, names[r.Owner], at(r.Created), at(r.Waits), row.Spam,
		row.Foreign, row.Delivery}
	for i, c := range cells {
		cells[i] = defused(c)
	}
	return cells
}

// defused keeps a spreadsheet from reading a cell as a formula.
func defused(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
