package web

import (
	"fmt"
	"testing"
	"time"

	"styk"
	"styk/store"
)

// TestInboxInBrowser plays the inbox in a real Chromium.
func TestInboxInBrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	d := newDesk(t)
	s := d.fill()
	d.withMail()
	d.update(func(tx *store.Tx) error {
		u := &styk.User{Name: "анна", FirstName: "Анна", LastName: "Седова", Role: styk.RoleOwner}
		if err := tx.SaveUser(u); err != nil {
			return err
		}
		return tx.SavePassword(u.ID, deskHash)
	})
	d.letters(s)
	playAdmin(t, "testdata/admin/inbox_test.js", "STYK="+d.url, "FOREIGN="+d.url, fmt.Sprintf("TICKET=/admin/tickets/%d", s.ticket))
}

// letters makes a conversation, and letters that belong nowhere.
func (d *desk) letters(s samples) {
	d.t.Helper()
	thread := d.db.Thread(s.ticket, "1") + "@firm.ru"
	for i, l := range []styk.Letter{
		{Kind: styk.MessageLetter, References: []string{thread}, From: "semyon@firm.example", Name: "Семён Ёлкин", Subject: "Re: Касса",
			Text:   "Добрый день! Перезапустил ещё раз, ошибка та же.\nФото чека прикладываю.",
			Quoted: "21 ноября 2026 г., 10:12, Ромашка пишет:\n> Попробуйте перезапустить кассу.",
			Files:  []styk.LetterFile{{Name: "чек.pdf", Content: []byte("%PDF-1.4\n%%EOF\n")}}},
		{Kind: styk.MessageAuto, References: []string{thread}, From: "semyon@firm.example", Subject: "Автоответ: буду в понедельник", Text: "Меня нет на месте."},
		{Kind: styk.MessageLetter, References: []string{thread}, From: "buh@firm.example", Name: "Бухгалтерия", Text: "Отвечаю за Семёна: номер кассы 00106700345011."},
		{Kind: styk.MessageLetter, From: "unknown@example.ru", Name: "Пётр", Subject: "Вопрос по карте", Text: "Не вижу бонусов на карте, подскажите?"},
	} {
		l.MessageID, l.Date = fmt.Sprintf("letter-%d@example.ru", i), time.Now()
		if err := d.intake.TakeLetter(d.t.Context(), &l, func(*store.Tx) error { return nil }); err != nil {
			d.t.Fatal(err)
		}
	}
	d.update(func(tx *store.Tx) error {
		t := &styk.Ticket{}
		list, err := tx.Tickets(store.TicketFilter{Limit: 1})
		if err != nil {
			return err
		}
		t.ID = list[0].ID
		_, err = tx.Edit(t, store.By{}, func() error { t.Spam = true; return nil })
		return err
	})
}
