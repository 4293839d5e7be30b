package vtiger

import (
	"errors"
	"net/http"
	"strings"

	"styk/connect"
)

// explained gives an error of the client its meaning for the courier
// (spec/vtiger.md 10): what a retry may mend has no mark, a refusal is
// Permanent, and what stops every parcel is Stop.
func explained(err error) error {
	var refused *RemoteError
	var none *AnswerError
	switch {
	case errors.As(err, &refused):
		return explainRefusal(err, refused)
	case errors.As(err, &none):
		return explainAnswer(err, none)
	}
	return err
}

func explainRefusal(err error, e *RemoteError) error {
	switch {
	case e.Code == CodeInvalidCredentials, e.Code == CodeAccessKeyUndefined,
		e.Operation == OpGetChallenge && e.Code == CodeAccessDenied:
		return connect.Because(connect.Stop(err), "Vtiger не пускает: неверный пользователь или ключ доступа.")
	case e.Code == CodeInvalidToken:
		return connect.Because(err, "Токен входа перехватила другая программа с тем же пользователем. Заведите styk отдельного.")
	case e.Code == CodeUnknownOperation:
		return connect.Because(connect.Stop(err), "В этой CRM нет нужной операции: установите операции CreateContact, CreateAccount, CreateProject и GetFilesList.")
	case e.Retryable():
		return connect.Because(err, "Внутренняя ошибка CRM. Проверим, не записала ли она, и отправим снова.")
	}
	return connect.Because(connect.Permanent(err), refusalCause(e))
}

// refusalCause words a refusal; equal causes give equal sentences, so the CRM's
// own text stays in the error.
func refusalCause(e *RemoteError) string {
	switch e.Code {
	case CodeMandatoryMissing:
		field, _, _ := strings.Cut(e.Message, " ")
		return "CRM требует поле " + field + ": сопоставьте его с полем формы или задайте в defaults."
	case CodeAccessDenied:
		if e.Operation == OpQuery {
			return "Нет прав на операцию query или такой колонки: дайте право, поправьте имена колонок или выберите known: update."
		}
		return "Нет прав: дайте пользователю интеграции доступ к контактам, контрагентам, проектам и документам."
	case CodeReferenceInvalid, CodeInvalidID:
		return "CRM не нашла запись, на которую ссылается обращение: контакт или контрагент удалён."
	case CodeInvalidValue:
		return "CRM не приняла значение поля. Проверьте соответствие полей."
	case CodeQuerySyntax:
		return "CRM не поняла запрос: проверьте имена колонок."
	case CodeDuplicate:
		return "CRM отказала: такая запись уже есть (включён запрет дублей)."
	}
	if e.Operation == opCapture {
		return "Веб-форма CRM отказала: проверьте publicid, её обязательные поля и капчу."
	}
	return "CRM отказала: " + connect.FirstWords([]byte(e.Code))
}

func explainAnswer(err error, e *AnswerError) error {
	switch {
	case e.Asked && (e.Status == http.StatusTooManyRequests || e.Status >= 500):
		return connect.After(e.Wait, status(err, e))
	case e.Status == http.StatusTooManyRequests:
		return connect.After(e.Wait, status(err, e))
	case e.Status >= 500 && e.Head == "":
		return connect.Because(status(err, e), "CRM упала без ответа (500). Если так каждый раз, в ней нет этой операции; причину знает её журнал PHP.")
	case e.Status >= 500, e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooEarly:
		return status(err, e)
	case e.Operation == opPut && e.Status == http.StatusUnsupportedMediaType:
		return connect.Because(connect.Permanent(status(err, e)), "CRM хранит под этим именем файл другого типа и не даёт его сменить.")
	case e.Operation == opPut && (e.Status == http.StatusForbidden || e.Status == http.StatusMethodNotAllowed):
		return connect.Because(connect.Permanent(status(err, e)), "CRM не даёт перезаписать файл: выберите другой способ (overwrite) или files: link.")
	case e.Status >= 300 && e.Status < 400, e.Status == http.StatusNotFound && e.Operation != opPut:
		return connect.Stop(status(err, e))
	case e.Status >= 400:
		return connect.Permanent(status(err, e))
	}
	return connect.Because(err, "CRM ответила не тем, чего мы ждали: вместо данных пришла страница или пустота. Отправим снова.")
}

// status puts the answer's status where connect looks for it.
func status(err error, e *AnswerError) error {
	return &answered{err, &connect.StatusError{Status: e.Status}}
}

// answered is an error that is also a StatusError.
type answered struct {
	err    error
	status *connect.StatusError
}

func (e *answered) Error() string   { return e.err.Error() }
func (e *answered) Unwrap() []error { return []error{e.err, e.status} }
