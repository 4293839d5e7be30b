package web

import (
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminFrame is what every page of the people has around it.
type adminFrame struct {
	Lang    string
	Title   string
	Nav     []adminNav // empty: nobody is logged in
	Person  string
	Role    string
	Token   string // of the forms
	Said    string // what the last post did
	Sought  string // what the header's search was asked for
	Switch  string // the same page in the other language
	Version string
	Demo    bool
}

// adminNav is one line of the menu.
type adminNav struct {
	Address string
	Icon    string
	Text    string
	Here    bool
	Count   string // "" for none
	Hint    string // what the count counts
}

// T chooses between the languages.
func (f adminFrame) T(ru, en string) string { return choose(f.Lang, ru, en) }

func choose(lang, ru, en string) string {
	if lang == "en" {
		return en
	}
	return ru
}

// frame makes the frame of a page. here is the address of its line of the menu.
func (a *admin) frame(v *visit, here, title string) adminFrame {
	f := adminFrame{Lang: v.lang, Title: title, Version: a.Version, Demo: a.Demo}
	if v.secret != "" {
		f.Token = a.Staff.Token(v.secret)
	}
	f.Switch = switchAddress(v)
	f.Said = a.said(v)
	if v.session == nil {
		return f
	}
	u := v.session.User
	f.Person, f.Role = u.Name, roleWord(v.lang, u.Role)
	if full := (&styk.Contact{FirstName: u.FirstName, LastName: u.LastName}).Label(); full != "" {
		f.Person = full
	}
	add := func(address, icon, ru, en string) *adminNav {
		f.Nav = append(f.Nav, adminNav{Address: address, Icon: icon, Text: f.T(ru, en), Here: address == here})
		return &f.Nav[len(f.Nav)-1]
	}
	add("/admin/", "home", "Обзор", "Overview")
	if v.may(staff.SeeTickets) {
		add("/admin/tickets", "inbox", "Обращения", "Tickets")
	}
	if v.may(staff.SeeCustomers) {
		add("/admin/customers", "person", "Клиенты", "Customers")
	}
	if v.may(staff.SeeDeliveries) {
		n := add("/admin/deliveries", "route", "Доставки", "Deliveries")
		if failed := a.failedCount(v); failed > 0 {
			n.Count, n.Hint = capped(failed), f.T("ждут решения", "need a person")
		}
	}
	if v.may(staff.SeeConnections) {
		add("/admin/connections", "plug", "Подключения", "Connections")
	}
	if v.may(staff.SeeTickets) {
		add("/admin/files", "file", "Файлы", "Files")
	}
	add("/admin/forms", "form", "Формы", "Forms")
	if v.may(staff.SeeAPILog) {
		add("/admin/calls", "log", "Журнал API", "API log")
	}
	if a.Cards != nil && v.may(staff.SeeCards) {
		add("/admin/cards", "card", "Карты", "Cards")
	}
	if a.Cards != nil && v.may(staff.SetUpCards) {
		add("/admin/templates", "look", "Шаблоны", "Templates")
	}
	if a.maySandbox(v) {
		add("/admin/sandbox", "flask", "Песочница", "Sandbox")
	}
	if v.may(staff.SeeStaff) {
		add("/admin/staff", "people", "Сотрудники", "People")
	}
	return f
}

// failedCount counts what waits for a person; a page is shown also when it
// cannot be counted.
func (a *admin) failedCount(v *visit) (n int64) {
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		n, err = tx.CountDeliveries(styk.NeedsHand, 0, countUpTo)
		return err
	})
	if err != nil {
		a.Log.Warn("admin page", "op", "count", "err", err)
	}
	return n
}

// countUpTo is how far lists are counted: who needs to know more looks closer.
const countUpTo = 1000

func capped(n int64) string {
	if n >= countUpTo {
		return strconv.Itoa(countUpTo) + "+"
	}
	return strconv.FormatInt(n, 10)
}

// switchAddress is the address of this page in the other language.
func switchAddress(v *visit) string {
	q := v.r.URL.Query()
	q.Del("said")
	q.Set("lang", choose(v.lang, "en", "ru"))
	path := v.r.URL.EscapedPath()
	if v.r.Method != "GET" {
		path = "/admin/"
	}
	return path + "?" + q.Encode()
}

// sayings are what a post may have done, by the word in the address.
var sayings = map[string][2]string{
	"merged":       {"Клиенты объединены. Разъединить можно ниже, в «Объединён с».", "The customers were merged. Part them again below, at “Merged with”."},
	"parted":       {"Клиенты снова порознь.", "The customers are two again."},
	"apart":        {"Запомнили: это разные люди.", "Noted: they are two people."},
	"erased":       {"Данные удалены.", "The data were erased."},
	"erasing":      {"Удаление начато, но ещё не завершено. Продолжите его через минуту.", "The erasure has begun but is not finished. Go on with it in a minute."},
	"version":      {"Версия возвращена, прежние остались.", "The version was brought back, the others stay."},
	"retried":      {"Отправляем снова. Обновите страницу через несколько секунд.", "Sending again. Reload the page in a few seconds."},
	"none-chosen":  {"Ничего не отмечено.", "Nothing was selected."},
	"broken":       {"Сломано. Отправьте заявку и посмотрите, что с ней станет.", "Broken. Send a request and see what becomes of it."},
	"mended":       {"Починено. Всё, что ждало и не ушло, отправляется снова.", "Mended. All that waited or failed is sent again."},
	"paused":       {"Цель на паузе: заявки принимаются и ждут.", "The target is paused: requests are taken and wait."},
	"resumed":      {"Цель снова работает.", "The target runs again."},
	"status":       {"Состояние изменено.", "The status was changed."},
	"nothing":      {"Ничего не изменилось.", "Nothing was changed."},
	"answered":     {"Ответ отправляется клиенту.", "The answer is on its way to the customer."},
	"owner":        {"Ответственный сменён.", "The assignee was changed."},
	"spam":         {"Отмечено как спам. Доставка в CRM идёт как обычно.", "Marked as spam. Deliveries go on as usual."},
	"notspam":      {"Отметка «спам» снята.", "It is no longer marked as spam."},
	"put":          {"Письмо добавлено к обращению.", "The letter was put to the ticket."},
	"settled":      {"Письмо убрано из списка.", "The letter was taken off the list."},
	"noted":        {"Заметка добавлена.", "The note was added."},
	"accepted":     {"Значение перенесено клиенту.", "The value was taken over."},
	"dropped":      {"Оставлено как было.", "Left as it was."},
	"closed":       {"Ссылка закрыта: по ней файл больше не открыть.", "The link is closed: it no longer leads to the file."},
	"opened":       {"Ссылка снова открывает файл.", "The link leads to the file again."},
	"undone":       {"Изменение отменено.", "The change was undone."},
	"card":         {"Карта сохранена. Телефоны узнают об этом через пару секунд.", "The card was saved. Phones will hear of it in seconds."},
	"same":         {"Ничего не изменилось.", "Nothing was different."},
	"called":       {"Телефоны вызваны. Обновите страницу через полминуты и посмотрите, кто отозвался.", "The phones were called. Reload the page in half a minute and see who answered."},
	"nophones":     {"Звать некого: карты нет ни на одном телефоне.", "Nobody to call: the card is on no phone."},
	"pushed":       {"Текст стоит на карте и уходит на телефоны.", "The text is on the card and on its way to the phones."},
	"letter":       {"Письмо со ссылкой поставлено в очередь.", "A letter with the link is on its way."},
	"card-deleted": {"Карта удалена.", "The card was deleted."},
	"template":     {"Шаблон сохранён. Телефоны получат новый вид карт.", "The template was saved. Phones will get the new look."},
	"made":         {"Шаблон создан. Теперь вставьте листинг в 1С.", "The template was made. Now paste the listing into 1C."},
	"picture":      {"Картинка сохранена.", "The picture was saved."},
	"no-picture":   {"Картинка убрана.", "The picture was taken away."},
	"certificate":  {"Сертификат проверен и сохранён.", "The certificate was checked and saved."},
	"password":     {"Пароль изменён. Остальные сеансы завершены.", "The password was changed. All other sessions ended."},
	"ended":        {"Сеанс завершён.", "The session was ended."},
	"welcome":      {"Готово. Теперь вы входите по имени и паролю.", "Done. From now on you log in by name and password."},
	"others":       {"Остальные сеансы завершены.", "All other sessions were ended."},
	"nocodes":      {"Вход по коду выключен.", "Codes are switched off."},
	"ruled":        {"Правило сохранено.", "The rule was saved."},
	"saved":        {"Сохранено.", "Saved."},
	"uninvited":    {"Приглашение отозвано, ссылка не работает.", "The invitation was taken back, its link is dead."},
	"mailed":       {"Приглашение отправлено письмом.", "The invitation was sent by e-mail."},
	"disabled":     {"Доступ закрыт, все сеансы завершены.", "Access is closed, all sessions ended."},
	"enabled":      {"Доступ снова открыт.", "Access is open again."},
	"revoked":      {"Токен отозван: запросы с ним отклоняются.", "The token was revoked: calls with it are refused."},
	"reset":        {"Вход по коду снят: человек входит по паролю и может настроить код заново.", "The second factor was removed: the person logs in by password and may set it up anew."},
	"bye":          {"Вы вышли.", "You have logged out."},
}

func (a *admin) said(v *visit) string {
	word := v.r.URL.Query().Get("said")
	if s, ok := sayings[word]; ok {
		return choose(v.lang, s[0], s[1])
	}
	sent, left, _ := strings.Cut(word, ".")
	if n, err := strconv.Atoi(sent); err == nil && n >= 0 { // how many were sent again, and how many not
		text := choose(v.lang, "Отправляем снова: ", "Sending again: ") + strconv.Itoa(n)
		if n, err := strconv.Atoi(left); err == nil && n > 0 {
			text += choose(v.lang, ". Уже в пути или доставлено: ", ". Under way or delivered already: ") + strconv.Itoa(n)
		}
		return text
	}
	return ""
}

func (a *admin) now() time.Time { return a.Now().In(a.Zone) }
