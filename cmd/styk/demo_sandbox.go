package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"styk"
	"styk/creatio"
	"styk/notice"
	"styk/web"
)

// sandbox is how the people of the demo break and mend what is played around it.
func (w *demoWorld) sandbox() *web.Sandbox {
	leads := func(address *string) func(*styk.Target) bool {
		return func(t *styk.Target) bool { return strings.Contains(fmt.Sprint(t.Settings["url"]), "//"+*address) }
	}
	return &web.Sandbox{Form: demoForm, Simulators: []web.Simulator{
		{
			Name: "crm", RU: "CRM (Creatio)", EN: "The CRM (Creatio)", State: "http://" + w.crm + "/_sim/state", Switches: crmSwitches, Leads: leads(&w.crm),
			Set: faulty(creatio.ParseFault, w.crmSim.Fault), Calm: w.crmSim.Calm,
			Is: func(fault string) bool {
				f, err := creatio.ParseFault(fault)
				on, set := w.crmSim.Faults()[f.Name]
				return err == nil && set && on.Value == f.Value
			},
		},
		{
			Name: "mail", RU: "Почта", EN: "The mail server", State: "http://" + w.mail + "/_sim/state", Switches: mailSwitches,
			Leads: func(t *styk.Target) bool { return t.Name == styk.MailTarget }, // its address is a secret
			Set:   faulty(notice.ParseFault, w.mailSim.Fault), Calm: func() { _ = w.mailSim.Fault(notice.SimFault{Name: "calm"}) },
			Is: func(fault string) bool {
				f, err := notice.ParseFault(fault)
				on, set := w.mailSim.State().Faults[f.Name]
				return err == nil && set && on.Value == f.Value
			},
		},
		{
			Name: "warehouse", RU: "Склад (вебхук)", EN: "The warehouse (webhook)", Switches: stockSwitches, Leads: leads(&w.stock),
			Set: w.stockFault.set, Calm: func() { _ = w.stockFault.set("") }, Is: w.stockFault.is,
		},
	}}
}

// crmSwitches begin with the one click: what makes deliveries fail, so that there
// is something to send again.
var crmSwitches = []web.Switch{
	{
		Fault: "permission=Case", RU: "Нельзя создавать обращения", EN: "No right to make cases",
		MoreRU: "CRM отказывает, и повтор не поможет: доставки ждут человека.", MoreEN: "The CRM refuses and no retry helps: deliveries wait for a person.",
	},
	{
		Fault: "login=code1", RU: "Не пускает по паролю", EN: "Refuses the password",
		MoreRU: "Подключение встаёт на паузу, чтобы учётную запись не заблокировали.", MoreEN: "The connection is paused, or the account would be locked.",
	},
	{
		Fault: "expired=403", RU: "Сеанс и CSRF истекли", EN: "Session and CSRF expired",
		MoreRU: "styk войдёт заново сам, заявка дойдёт.", MoreEN: "styk logs in again, the request arrives.",
	},
	{
		Fault: "expired=302-followed-200-html", RU: "HTML вместо JSON", EN: "HTML instead of JSON",
		MoreRU: "Страница входа с кодом 200. styk её узнаёт.", MoreEN: "A login page with status 200. styk knows it.",
	},
	{
		Fault: "commit-then=timeout:1", RU: "Думает минуту и создаёт", EN: "Thinks for a minute and creates",
		MoreRU: "Один раз: запись есть, ответа нет. Второй записи не будет.", MoreEN: "Once: the record is there, the answer is not. There is no second record.",
	},
	{
		Fault: "commit-then=500", RU: "Создаёт и отвечает ошибкой 500", EN: "Creates and answers 500",
		MoreRU: "Перед повтором styk ищет запись и находит.", MoreEN: "styk looks for the record before it repeats, and finds it.",
	},
	{Fault: "rate=429", RU: "Слишком много запросов, 429", EN: "Too many requests, 429", MoreRU: "Ждём, сколько просят.", MoreEN: "We wait as long as asked."},
	{
		Fault: "file=type-denied", RU: "Не берёт файлы такого типа", EN: "Denies the type of the files",
		MoreRU: "Обращение создано, файл ждёт решения.", MoreEN: "The case is made, the file waits for a decision.",
	},
	{Fault: "latency=5s", RU: "Отвечает по 5 секунд", EN: "Takes 5 seconds to answer", MoreRU: "Посетитель получит наш номер вовремя.", MoreEN: "The visitor gets our number in time."},
}

var mailSwitches = []web.Switch{
	{Fault: "535", RU: "Не пускает по паролю", EN: "Refuses the password", MoreRU: "Письма ждут, заявки идут.", MoreEN: "Letters wait, requests go on."},
	{Fault: "451", RU: "Серый список", EN: "Grey list", MoreRU: "Письмо примут со второго раза, если починить.", MoreEN: "Letters are put off until it is mended."},
	{Fault: "550", RU: "Такого ящика нет", EN: "No such mailbox", MoreRU: "Повтор не поможет: нужен человек.", MoreEN: "No retry helps: a person is needed."},
	{Fault: "quota", RU: "Дневной лимит исчерпан", EN: "The day's quota is used up"},
	{Fault: "slow=5s", RU: "Отвечает по 5 секунд", EN: "Takes 5 seconds to answer"},
}

var stockSwitches = []web.Switch{
	{Fault: "409", RU: "Конфликт, 409", EN: "Conflict, 409", MoreRU: "Получатель отказывает: нужен человек.", MoreEN: "The receiver refuses: a person is needed."},
	{Fault: "500", RU: "Ошибка 500", EN: "Error 500", MoreRU: "Повторяем сами, всё реже.", MoreEN: "Repeated by itself, more and more seldom."},
	{Fault: "401", RU: "Не верит подписи, 401", EN: "Distrusts the signature, 401"},
}

// stockFault makes the warehouse answer with an error of HTTP.
type stockFault struct {
	mu     sync.Mutex
	status string // "": it works
}

func (f *stockFault) set(status string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status = status
	return nil
}

func (f *stockFault) is(status string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status == status
}

func (f *stockFault) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for status, code := range map[string]int{"401": http.StatusUnauthorized, "409": http.StatusConflict, "500": http.StatusInternalServerError} {
			if f.is(status) {
				http.Error(w, "the sandbox says so", code)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
