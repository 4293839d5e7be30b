package web

import (
	"encoding/json"
	"strings"

	"styk"
)

// words are the form's texts by language and key. A form's own "texts" go
// first: "success" for Russian, "en.success" for English.
var words = map[string]map[string]string{
	"ru": {
		"required":        "обязательно",
		"choose":          "Выберите…",
		"send":            "Отправить",
		"sending":         "Отправляем…",
		"uploading":       "Загружаем файл «{name}»: {percent} %",
		"moving":          "Загружаем: {percent} %, {rate}/с",
		"summary":         "Заявка ещё не отправлена. Проверьте поля:",
		"attach":          "Прикрепить файл",
		"drop":            "перетащите сюда или вставьте из буфера",
		"drop_kept":       "убрать",
		"remove":          "Убрать файл {name}",
		"retry":           "Повторить",
		"file_missing":    "Прикрепите файл",
		"too_large":       "Файл «{name}» слишком большой: можно до {limit}",
		"wrong_kind":      "Файл «{name}» не подходит. Можно: {kinds}",
		"too_many":        "Файлов слишком много: можно не больше {n}",
		"not_its_kind":    "Файл «{name}» повреждён или назван не своим именем: внутри не {kind}",
		"upload_cut":      "Связь прервалась, файл не загрузился",
		"limit":           "До {limit}",
		"any_kind":        "любой файл",
		"success":         "Ваша заявка отправлена. Мы свяжемся с вами в рабочее время по мск с 9:00 до 18:00",
		"number":          "Номер обращения",
		"crm_number":      "Номер в CRM:",
		"later":           "Номер в CRM появится на странице обращения.",
		"later_mail":      "Номер в CRM пришлём на почту; он появится и на странице обращения.",
		"copy":            "Скопировать",
		"copied":          "Номер скопирован",
		"ok":              "Хорошо",
		"status_link":     "Следить за обращением",
		"card":            "Открыть вашу карту",
		"offline":         "Нет интернета. Всё введённое сохранено, отправим, как только связь появится",
		"retrying":        "Связь прервалась, пробуем ещё раз — заявка не потеряется",
		"failed":          "Отправить не получилось. Всё введённое на месте: подождите немного и нажмите «Повторить»",
		"inn":             "Похоже, в ИНН опечатка. Проверьте, или отправьте так",
		"inn_hint":        "10 или 12 цифр",
		"consent_text":    "Прочитать текст согласия",
		"consent":         "Согласие на обработку персональных данных",
		"version":         "Версия текста",
		"close":           "Закрыть",
		"trap":            "Оставьте это поле пустым",
		"help":            "Вопросы и помощь:",
		"units":           "Б КБ МБ ГБ",
		"point":           ",",
		"busy":            "Слишком много заявок с вашего адреса. Подождите {n} с и отправьте ещё раз: всё введённое на месте",
		"body_large":      "Заявка слишком большая: всего можно до {limit}",
		"fields_many":     "В заявке слишком много полей",
		"files_many":      "Файлов слишком много: можно не больше {n}",
		"broken":          "Заявка пришла повреждённой. Отправьте её ещё раз",
		"full":            "Сервер не может принять файлы: закончилось место. Заявка не сохранена, попробуйте позже",
		"internal":        "У нас что-то сломалось. Попробуйте ещё раз; если не поможет, назовите нам код {id}",
		"key_used":        "Этот ключ уже пришёл с другими данными",
		"no_form":         "Такой формы нет",
		"no_form_text":    "Возможно, её убрали или в адресе опечатка.",
		"no_ticket":       "Такого обращения нет",
		"type":            "Такой вид запроса форма не принимает: нужен multipart/form-data, application/x-www-form-urlencoded или application/json",
		"ticket":          "Обращение",
		"accepted":        "Заявка принята и сохранена",
		"to_crm":          "Передаём в систему компании",
		"in_crm":          "Зарегистрирована под номером {number}",
		"in_crm_bare":     "Передана в систему компании",
		"in_work":         "В работе",
		"closed":          "Закрыта",
		"delayed":         "Передача в систему компании задерживается. Заявка сохранена, повторять её не нужно",
		"refreshing":      "Страница сама обновится, когда появится номер в CRM.",
		"refresh":         "Обновить",
		"again":           "Отправить ещё одну заявку",
		"lang_other":      "English",
		"embed":           "Форма на сайте",
		"seen":            "Форма на сайте видна: да.",
		"unseen":          "Форма на сайте видна: пока нет. Вставьте код и откройте страницу сайта, потом обновите эту.",
		"ago_seconds":     "{n} с назад",
		"ago_minutes":     "{n} мин назад",
		"ago_hours":       "{n} ч назад",
		"code_copied":     "Код скопирован",
		"way_tag":         "Форма на странице",
		"way_tag_text":    "Код ставится туда, где должна стоять форма. Стили сайта её не портят, она не портит сайт.",
		"way_button":      "Кнопка, по которой форма открывается",
		"way_button_text": "Форма открывается в окне поверх страницы.",
		"way_script":      "Один тег",
		"way_script_text": "Форма появится на месте тега.",
		"way_frame":       "Рамка",
		"way_frame_text":  "Для конструкторов сайтов, где свои теги запрещены. Вторая строка подгоняет высоту; без неё рамка останется как есть.",
		"way_plain":       "Обычная форма без скриптов",
		"way_plain_text":  "Вид задаёте сами; имена полей менять нельзя.",
		"withdraw":        "Отозвать согласие",
		"withdraw_title":  "Отозвать согласие на обработку персональных данных?",
		"withdraw_text":   "Мы передадим отзыв сотрудникам компании. Они прекратят обработку ваших данных или ответят, почему часть из них обязаны хранить.",
		"withdraw_do":     "Отозвать согласие",
		"withdrawn":       "Отзыв согласия принят",
		"withdrawn_text":  "Сотрудники компании рассмотрят его в установленный законом срок.",
		"phone_ask":       "Введите телефон, например +7 900 123-45-67",
	},
	"en": {
		"required":        "required",
		"choose":          "Choose…",
		"send":            "Send",
		"sending":         "Sending…",
		"uploading":       "Uploading “{name}”: {percent}%",
		"moving":          "Uploading: {percent}%, {rate}/s",
		"summary":         "Not sent yet. Please check these fields:",
		"attach":          "Attach a file",
		"drop":            "drop it here or paste it",
		"drop_kept":       "remove",
		"remove":          "Remove file {name}",
		"retry":           "Try again",
		"file_missing":    "Attach a file",
		"too_large":       "“{name}” is too large: up to {limit} is allowed",
		"wrong_kind":      "“{name}” does not fit. Allowed: {kinds}",
		"too_many":        "Too many files: no more than {n}",
		"not_its_kind":    "“{name}” is damaged or misnamed: it does not hold {kind}",
		"upload_cut":      "The connection broke, the file was not uploaded",
		"limit":           "Up to {limit}",
		"any_kind":        "any file",
		"success":         "Your request has been sent. We will contact you during working hours, 9:00 to 18:00 Moscow time",
		"number":          "Your number",
		"crm_number":      "Number in the CRM:",
		"later":           "The number in the CRM will appear on the request’s page.",
		"later_mail":      "The number in the CRM follows by e-mail; it will also appear on the request’s page.",
		"copy":            "Copy",
		"copied":          "Number copied",
		"ok":              "OK",
		"status_link":     "Follow the request",
		"card":            "Open your card",
		"offline":         "No internet. What you typed is kept; we send it as soon as the connection is back",
		"retrying":        "The connection broke, trying again. Your request will not be lost",
		"failed":          "Sending did not work. What you typed is still here: wait a moment and press “Try again”",
		"inn":             "This taxpayer number looks mistyped. Check it, or send it as it is",
		"inn_hint":        "10 or 12 digits",
		"consent_text":    "Read the consent",
		"consent":         "Consent to the processing of personal data",
		"version":         "Version of the text",
		"close":           "Close",
		"trap":            "Leave this field empty",
		"help":            "Questions and help:",
		"units":           "B KB MB GB",
		"point":           ".",
		"busy":            "Too many requests from your address. Wait {n} s and send again: what you typed is still here",
		"body_large":      "The request is too large: up to {limit} in all",
		"fields_many":     "The request has too many fields",
		"files_many":      "Too many files: no more than {n}",
		"broken":          "The request arrived damaged. Please send it again",
		"full":            "The server cannot take files: it is full. Nothing was stored, please try later",
		"internal":        "Something broke here. Please try again; if it does not help, tell us the code {id}",
		"key_used":        "This key came before with other values",
		"no_form":         "There is no such form",
		"no_form_text":    "Perhaps it was removed, or the address is mistyped.",
		"no_ticket":       "There is no such request",
		"type":            "The form takes multipart/form-data, application/x-www-form-urlencoded or application/json",
		"ticket":          "Request",
		"accepted":        "Received and stored",
		"to_crm":          "On its way into the company’s system",
		"in_crm":          "Registered as {number}",
		"in_crm_bare":     "Handed to the company’s system",
		"in_work":         "In work",
		"closed":          "Closed",
		"delayed":         "Handing it to the company’s system takes longer than usual. Your request is safe, do not repeat it",
		"refreshing":      "This page refreshes itself when the number in the CRM is there.",
		"refresh":         "Refresh",
		"again":           "Send another request",
		"lang_other":      "Русский",
		"embed":           "Form on a site",
		"seen":            "The form is seen on a site: yes.",
		"unseen":          "The form is seen on a site: not yet. Put the code in, open the site's page, then reload this one.",
		"ago_seconds":     "{n} s ago",
		"ago_minutes":     "{n} min ago",
		"ago_hours":       "{n} h ago",
		"code_copied":     "Code copied",
		"way_tag":         "The form in a page",
		"way_tag_text":    "Put the code where the form shall stand. The site's styles do not touch it, nor it the site.",
		"way_button":      "A button that opens the form",
		"way_button_text": "The form opens in a window above the page.",
		"way_script":      "One tag",
		"way_script_text": "The form appears where the tag stands.",
		"way_frame":       "A frame",
		"way_frame_text":  "For site builders that forbid tags of one's own. The second line fits the height; without it the frame stays as it is.",
		"way_plain":       "A plain form without scripts",
		"way_plain_text":  "The look is yours; the names of the fields must stay.",
		"withdraw":        "Withdraw consent",
		"withdraw_title":  "Withdraw your consent to the processing of personal data?",
		"withdraw_text":   "We pass this on to the company's people. They stop processing your data, or tell you which of them they are obliged to keep.",
		"withdraw_do":     "Withdraw consent",
		"withdrawn":       "Your withdrawal is received",
		"withdrawn_text":  "The company's people deal with it within the time the law sets.",
	},
}

// scriptWords are the texts that styk.js says by itself, by the name it knows
// them under.
var scriptWords = map[string]string{
	"summary": "summary", "send": "send", "sending": "sending", "uploading": "uploading", "moving": "moving",
	"remove": "remove", "tooLarge": "too_large", "wrongKind": "wrong_kind", "tooMany": "too_many", "uploadCut": "upload_cut",
	"success": "success", "retry": "retry", "offline": "offline", "retrying": "retrying", "failed": "failed", "units": "units", "point": "point",
}

// speech is one form's texts in one language.
type speech struct {
	Lang string
	own  map[string]string
}

func speak(form *styk.Form, lang string) speech {
	s := speech{Lang: lang}
	if form != nil {
		s.own = form.Texts
	}
	return s
}

// T gives a text: the form's own, else ours.
func (s speech) T(key string) string {
	own := key
	if s.Lang != "ru" {
		own = s.Lang + "." + key
	}
	if text := s.own[own]; text != "" {
		return text
	}
	return words[s.Lang][key]
}

// With gives a text with its places filled: "n", "5", …
func (s speech) With(key string, places ...string) string {
	text := s.T(key)
	for i := 0; i+1 < len(places); i += 2 {
		text = strings.ReplaceAll(text, "{"+places[i]+"}", places[i+1])
	}
	return text
}

// script gives what styk.js says, as JSON.
func (s speech) script() string {
	texts := make(map[string]string, len(scriptWords))
	for name, key := range scriptWords {
		texts[name] = s.T(key)
	}
	body, _ := json.Marshal(texts) // strings only
	return string(body)
}

// fault words a fault of Form.Read in the language of the page; Form.Read
// itself speaks Russian.
func (s speech) fault(field *styk.FormField, f styk.Fault) string {
	switch {
	case field != nil && field.Type == styk.FieldFile && f.Rule == "required":
		return s.T("file_missing")
	case s.Lang == "ru" || field == nil:
		return f.Text
	}
	return s.english(field, f)
}

func (s speech) english(field *styk.FormField, f styk.Fault) string {
	label := field.Label
	if label == "" {
		label = field.Name
	}
	switch {
	case f.Rule == "max_length":
		return "Too long"
	case field.Type == styk.FieldPhone:
		return "Enter a phone number, for example +7 900 123-45-67"
	case field.Type == styk.FieldEmail:
		return "Enter an e-mail address, for example anna@firm.ru"
	case field.Type == styk.FieldINN:
		return "Enter the taxpayer number: 10 or 12 digits"
	case field.Type == styk.FieldDate:
		return "Enter a date"
	case field.Type == styk.FieldSelect:
		return "Choose: " + label
	case field.Type == styk.FieldConsent:
		return "Tick the box: we cannot take the request without your consent"
	case field.Type == styk.FieldCheckbox:
		return "Tick the box: " + label
	case field.Type == styk.FieldFile && f.Rule == "max":
		return "Too many files"
	case field.Type == styk.FieldFile:
		return "This file does not fit. Allowed: " + strings.Join(field.Accept, ", ")
	case field.Type == styk.FieldText || field.Type == styk.FieldTextarea:
		return "Fill in “" + label + "”"
	}
	return f.Text
}
