package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"styk"
)

type causeError struct {
	err  error
	text string
}

func (e *causeError) Error() string { return e.err.Error() }
func (e *causeError) Unwrap() error { return e.err }

// Because gives err a cause in plain Russian that Explain will say. It must be
// the same sentence for the same cause, since failures are grouped by it: no
// ids, no times, nothing the visitor typed. Because(nil, …) is nil.
func Because(err error, text string) error {
	if err == nil {
		return nil
	}
	return &causeError{err, text}
}

// Explain gives the cause of a failed delivery or check in plain Russian, with
// what to do where that is known. Equal causes give equal sentences. Explain(nil)
// is "".
func Explain(err error) string {
	if err == nil {
		return ""
	}
	text := cause(err)
	var masked *maskedError
	if errors.As(err, &masked) {
		text = masked.mask.Text(text)
	}
	return text
}

func cause(err error) string {
	var said *causeError
	if errors.As(err, &said) {
		return said.text
	}
	var ours *styk.Error
	if errors.As(err, &ours) {
		if ours.Text != "" {
			return ours.Text
		}
		if len(ours.Faults) > 0 {
			return ours.Faults[0].Field + ": " + ours.Faults[0].Text
		}
	}
	var status *StatusError
	switch {
	case errors.As(err, &status):
		return explainStatus(status)
	case errors.Is(err, ErrDryRun):
		return "Пробный прогон: запрос показан, но не отправлен."
	case errors.Is(err, ErrAddress):
		return "Этот адрес вызывать нельзя: служебный или внутренний. Проверьте адрес в настройках."
	case errors.Is(err, ErrAnswer):
		return "Система ответила не тем, чего мы ждали: вместо данных пришла другая страница. " +
			"Проверьте адрес, или между нами стоит прокси."
	case errors.Is(err, context.Canceled):
		return "Отправка прервана: программа останавливалась. Отправим снова."
	}
	if text := explainTLS(err); text != "" {
		return text
	}
	if text := explainNetwork(err); text != "" {
		return text
	}
	return "Неизвестная ошибка: " + FirstWords([]byte(err.Error()))
}

func explainStatus(e *StatusError) string {
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return fmt.Sprintf("Система не приняла данные (%d). Проверьте соответствие полей.", e.Status)
	case http.StatusUnauthorized:
		return "Система не узнала нас (401): неверный логин, пароль или ключ."
	case http.StatusPaymentRequired:
		return "Система требует оплаты (402): проверьте лицензию или тариф."
	case http.StatusForbidden:
		return "Нет прав (403): выдайте права пользователю интеграции."
	case http.StatusNotFound:
		return "Такого адреса в системе нет (404). Проверьте адрес в настройках."
	case http.StatusMethodNotAllowed:
		return "Система не принимает такой запрос по этому адресу (405). Проверьте адрес в настройках."
	case http.StatusConflict:
		return "Запись противоречит уже существующей (409)."
	case http.StatusGone:
		return "Адрес закрыт навсегда (410)."
	case http.StatusRequestEntityTooLarge:
		return "Слишком большой запрос или файл (413). Уменьшите предел файла в настройках: больший уйдёт ссылкой."
	case http.StatusUnsupportedMediaType:
		return "Система не принимает такой вид данных или файла (415)."
	case http.StatusTooManyRequests:
		return "Система просит подождать: слишком много запросов (429). Отправим позже."
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Sprintf("Система временно недоступна (%d). Отправим позже.", e.Status)
	}
	switch {
	case e.Status >= 500:
		return fmt.Sprintf("Ошибка внутри системы (%d). Проверим, не записала ли она, и отправим снова.", e.Status)
	case e.Status >= 300 && e.Status < 400:
		return fmt.Sprintf("Система отправляет на другой адрес (%d). Проверьте адрес в настройках: http или https, домен, путь.", e.Status)
	}
	return fmt.Sprintf("Система отказала (%d).", e.Status)
}

func explainTLS(err error) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		verify    *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &authority):
		return "Сертификат сервера выдан неизвестным центром. Добавьте корневой сертификат компании в настройки."
	case errors.As(err, &host):
		return "Сертификат сервера выдан на другое имя. Проверьте адрес в настройках."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "Сертификат сервера истёк или ещё не действует."
	case errors.As(err, &invalid), errors.As(err, &verify):
		return "Сертификат сервера не прошёл проверку."
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "Сервер отвечает без шифрования. Возможно, адрес должен начинаться с http://."
	case errors.As(err, &alert), strings.Contains(err.Error(), "tls: "):
		return "Не удалось договориться о шифровании (TLS)."
	}
	return ""
}

func explainNetwork(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	var network net.Error
	dialing := errors.As(err, &op) && op.Op == "dial"
	slow := errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "Сервер с именем " + dns.Name + " не найден (DNS). Проверьте адрес в настройках."
	case errors.As(err, &dns):
		return "Не удалось узнать адрес сервера " + dns.Name + " (DNS не ответил). Отправим снова."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Сервер не принимает соединения: программа там не запущена, или порт другой."
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "До сервера нет пути по сети."
	case slow && dialing:
		return "Сервер не ответил на соединение вовремя. Отправим снова."
	case slow:
		return "Система не ответила вовремя. Проверим, не записала ли она, и отправим снова."
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "Соединение оборвалось. Проверим, не записала ли система, и отправим снова."
	}
	return ""
}
