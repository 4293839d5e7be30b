package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"styk"
)

// moment is a time as a page shows it.
type moment struct {
	Stamp string // for machines
	Text  string // short: how long ago, or the day
	Full  string // to the second
}

var months = map[string][]string{
	"ru": {"янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"},
	"en": {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
}

// moment words a time; the zero time is "".
func (a *admin) moment(lang string, t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	t = t.In(a.Zone)
	now := a.now()
	day := fmt.Sprintf("%d %s", t.Day(), months[lang][t.Month()-1])
	m := moment{Stamp: t.Format(time.RFC3339), Full: fmt.Sprintf("%s %d, %s", day, t.Year(), t.Format("15:04:05"))}
	ago := now.Sub(t)
	switch {
	case ago < 0 && ago > -12*time.Hour:
		m.Text = choose(lang, "через ", "in ") + length(lang, -ago)
	case ago >= 0 && ago < time.Minute:
		m.Text = choose(lang, "только что", "just now")
	case ago >= 0 && ago < time.Hour:
		m.Text = length(lang, ago) + choose(lang, " назад", " ago")
	case t.Format("2006-01-02") == now.Format("2006-01-02"):
		m.Text = choose(lang, "сегодня, ", "today, ") + t.Format("15:04")
	case t.Format("2006-01-02") == now.AddDate(0, 0, -1).Format("2006-01-02"):
		m.Text = choose(lang, "вчера, ", "yesterday, ") + t.Format("15:04")
	case t.Year() == now.Year():
		m.Text = day + ", " + t.Format("15:04")
	default:
		m.Text = fmt.Sprintf("%s %d", day, t.Year())
	}
	return m
}

// length words a length of time roughly.
func length(lang string, d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(max(1, int(d/time.Second))) + choose(lang, " с", " s")
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + choose(lang, " мин", " min")
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + choose(lang, " ч", " h")
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + choose(lang, " дн", " days")
}

// took words how long something lasted, to three digits.
func took(lang string, d time.Duration) string {
	switch {
	case d < 10*time.Millisecond && d%time.Millisecond != 0:
		text := strconv.FormatFloat(max(float64(d)/float64(time.Millisecond), 0.1), 'f', 1, 64)
		return strings.Replace(text, ".", choose(lang, ",", "."), 1) + choose(lang, " мс", " ms")
	case d < time.Second:
		return strconv.Itoa(int(d/time.Millisecond)) + choose(lang, " мс", " ms")
	case d < 100*time.Second:
		text := strconv.FormatFloat(d.Seconds(), 'f', 1, 64)
		return strings.Replace(text, ".", choose(lang, ",", "."), 1) + choose(lang, " с", " s")
	}
	return length(lang, d)
}

// bytesWord words a size.
func bytesWord(lang string, n int64) string {
	units := choose(lang, "Б КБ МБ ГБ", "B KB MB GB")
	size, unit := float64(n), 0
	list := strings.Fields(units)
	for size >= 1000 && unit < len(list)-1 {
		size, unit = size/1024, unit+1
	}
	text := strconv.FormatFloat(size, 'f', 0, 64)
	if unit > 0 && size < 10 {
		text = strings.Replace(strconv.FormatFloat(size, 'f', 1, 64), ".", choose(lang, ",", "."), 1)
	}
	return text + "\u00a0" + list[unit]
}

// plural chooses the Russian form of a counted word, or the English one.
func plural(lang string, n int64, one, few, many, enOne, enMany string) string {
	if lang == "en" {
		if n == 1 {
			return enOne
		}
		return enMany
	}
	switch {
	case n%10 == 1 && n%100 != 11:
		return one
	case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
		return few
	}
	return many
}

// stateWord is a delivery's state in words, with the tone it is shown in.
func stateWord(lang string, s styk.DeliveryState) (word, tone string) {
	switch s {
	case styk.Due:
		return choose(lang, "Ждёт", "Waiting"), "wait"
	case styk.Leased:
		return choose(lang, "В пути", "On its way"), "move"
	case styk.Delivered:
		return choose(lang, "Доставлена", "Delivered"), "good"
	case styk.NeedsHand:
		return choose(lang, "Нужно решение", "Needs a person"), "bad"
	}
	return string(s), "wait"
}

// arrivalWord says of a request whether it arrived where it must go.
func arrivalWord(lang string, worst styk.DeliveryState) (word, tone string) {
	switch worst {
	case styk.Due:
		return choose(lang, "ещё не доставлено", "not delivered yet"), "wait"
	case styk.Leased:
		return choose(lang, "доставляется", "being delivered"), "move"
	case styk.Delivered:
		return choose(lang, "доставлено", "delivered"), "good"
	}
	return choose(lang, "не доставлено", "not delivered"), "bad"
}

// outcomeWord is an attempt's outcome in words, with its tone.
func outcomeWord(lang string, o styk.AttemptOutcome) (word, tone string) {
	switch o {
	case styk.AttemptDone:
		return choose(lang, "удалась", "succeeded"), "good"
	case styk.AttemptRetry:
		return choose(lang, "будет повторена", "will be repeated"), "wait"
	case styk.AttemptFailed:
		return choose(lang, "не удалась", "failed"), "bad"
	case styk.AttemptStopped:
		return choose(lang, "цель остановлена", "the target was stopped"), "bad"
	case styk.AttemptInterrupted:
		return choose(lang, "прервана остановкой программы", "interrupted: the program was ending"), "wait"
	case styk.AttemptLost:
		return choose(lang, "оборвалась вместе с программой", "cut off with the program"), "wait"
	}
	return string(o), "wait"
}

// statuses are those of a ticket, in the order of its life.
var statuses = []string{"Open", "In Progress", "Wait For Response", "Closed"}

// statusWord is a ticket's status in words, with its tone.
func statusWord(lang, status string) (word, tone string) {
	switch status {
	case "Open", "":
		return choose(lang, "Новое", "New"), "move"
	case "In Progress":
		return choose(lang, "В работе", "In progress"), "move"
	case "Wait For Response":
		return choose(lang, "Ждём ответа", "Awaiting reply"), "wait"
	case "Closed":
		return choose(lang, "Закрыто", "Closed"), "good"
	}
	return status, "wait"
}

func roleWord(lang string, r styk.Role) string {
	switch r {
	case styk.RoleOperator:
		return choose(lang, "оператор", "operator")
	case styk.RoleIntegrator:
		return choose(lang, "интегратор", "integrator")
	case styk.RoleAdmin:
		return choose(lang, "администратор", "administrator")
	case styk.RoleOwner:
		return choose(lang, "владелец", "owner")
	case styk.RoleAuditor:
		return choose(lang, "аудитор", "auditor")
	}
	return string(r)
}

// stepWords name the steps that connectors take, by the part of the name before
// its first full stop or colon.
var stepWords = map[string][2]string{
	"contact.find": {"Поиск контакта", "Contact search"},
	"account":      {"Организация", "Account"},
	"contact":      {"Контакт", "Contact"},
	"partner":      {"Партнёр", "Partner"},
	"case":         {"Обращение", "Case"},
	"project":      {"Проект", "Project"},
	"number":       {"Номер", "Number"},
	"message":      {"Сообщение", "Message"},
	"file":         {"Файл", "File"},
	"files":        {"Файлы", "Files"},
	"event":        {"Событие", "Event"},
	"mail":         {"Письмо", "Mail"},
	"login":        {"Вход", "Login"},
}

func stepWord(lang, name string) string {
	if w, ok := stepWords[name]; ok {
		return choose(lang, w[0], w[1])
	}
	i := strings.IndexAny(name, ".:/ ")
	if i < 0 {
		return name
	}
	if w, ok := stepWords[name[:i]]; ok {
		rest := name[i+1:]
		if len(rest) > 8 { // a hash or a UUID tells a person nothing
			rest = rest[:6] + "…"
		}
		return choose(lang, w[0], w[1]) + " " + rest
	}
	return name
}

// fieldWords name the columns of records in words.
var fieldWords = map[string][2]string{
	"first_name": {"Имя", "First name"}, "second_name": {"Отчество", "Second name"}, "last_name": {"Фамилия", "Last name"},
	"mobile": {"Телефон", "Phone"}, "phone": {"Рабочий телефон", "Office phone"}, "email": {"E-mail", "E-mail"},
	"telegram_id": {"Telegram", "Telegram"}, "birthday": {"Дата рождения", "Birthday"}, "birthplace": {"Место рождения", "Birthplace"},
	"address": {"Адрес", "Address"}, "inn": {"ИНН", "INN"}, "requisites": {"Реквизиты", "Bank details"}, "account_id": {"Организация", "Account"},
	"title": {"Тема", "Subject"}, "text": {"Текст", "Text"}, "status": {"Состояние", "Status"}, "priority": {"Важность", "Priority"},
	"severity": {"Серьёзность", "Severity"}, "category": {"Категория", "Category"}, "contact_id": {"Клиент", "Customer"},
	"spam":     {"Спам", "Spam"},
	"solution": {"Решение", "Solution"}, "number": {"Номер", "Number"}, "owner_id": {"Ответственный", "Assignee"}, "source": {"Источник", "Source"},
}

func fieldWord(lang, name string) string {
	if w, ok := fieldWords[name]; ok {
		return choose(lang, w[0], w[1])
	}
	return strings.TrimPrefix(name, "extra:")
}

// originWord says through what a change came.
func originWord(lang, origin string) string {
	if strings.HasPrefix(origin, bulkOrigin) {
		return choose(lang, "сразу для многих", "for many at once")
	}
	switch origin {
	case "admin":
		return ""
	case "mail":
		return choose(lang, "письмо клиента", "letter of the customer")
	case "undo":
		return choose(lang, "отмена", "undo")
	case "merge":
		return choose(lang, "объединение", "merge")
	case "erase":
		return choose(lang, "удаление данных", "erasure")
	case "capture", "form":
		return choose(lang, "форма сайта", "site form")
	case "webservice":
		return choose(lang, "веб-сервис", "web service")
	case "import":
		return choose(lang, "перенос данных", "import")
	case "scan":
		return choose(lang, "проверка файла", "file check")
	case "put", "disk":
		return choose(lang, "замена файла", "file overwritten")
	}
	return origin
}
