package notice

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"styk/connect"
)

// replyError is a refusal by the mail server.
type replyError struct {
	stage    stage
	code     int
	enhanced string // "5.1.1", or "" (RFC 3463)
	text     string
}

func (e *replyError) Error() string { return fmt.Sprintf("%s: %d %s", e.stage, e.code, e.text) }

var enhancedCode = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

func newReply(at stage, e *textproto.Error) *replyError {
	text := flatten(e.Msg)
	return &replyError{at, e.Code, enhancedCode.FindString(text), shorten(text, 300)}
}

// The waits of what is refused for now. A grey list lets pass after some
// minutes; a full mailbox or a used-up quota takes longer.
const (
	waitGrey  = 5 * time.Minute
	waitSpace = 15 * time.Minute
	waitQuota = time.Hour
)

// fail says what an error at the present stage means; nil stays nil.
func (s *session) fail(err error) error {
	if err == nil {
		return nil
	}
	if ended := s.ctx.Err(); ended != nil {
		return fmt.Errorf("%s: %w", s.at, ended)
	}
	var refused *textproto.Error
	if errors.As(err, &refused) {
		reply := newReply(s.at, refused)
		s.talk.add("S: " + strconv.Itoa(reply.code) + " " + reply.text)
		return reply.judge()
	}
	return connect.Because(fmt.Errorf("%s: %w", s.at, err), s.explain(err))
}

// judge marks the refusal and words it.
func (e *replyError) judge() error {
	switch {
	case e.code < 400 || e.code > 599:
		return connect.Because(e, "Сервер ответил не тем, чего мы ждали: возможно, это не почтовый сервер. Проверьте адрес и порт.")
	case e.enhanced == "5.4.5":
		return connect.After(waitQuota, connect.Because(e, "Дневной предел писем исчерпан. Отправим позже."))
	case e.code >= 500:
		return e.refused()
	case e.code == 450 || e.code == 451:
		return connect.After(waitGrey, connect.Because(e,
			fmt.Sprintf("Почтовый сервер просит зайти позже (%d): так он проверяет новых отправителей. Отправим снова.", e.code)))
	case e.code == 452:
		return connect.After(waitSpace, connect.Because(e, "У почтового сервера или ящика кончилось место (452). Отправим позже."))
	}
	return connect.Because(e, fmt.Sprintf("Почтовый сервер временно не принимает писем (%d). Отправим снова.", e.code))
}

// refused words an answer of 5xx. What would refuse every letter stops the
// target; what refuses this one waits for a person.
func (e *replyError) refused() error {
	code := strconv.Itoa(e.code)
	tooBig := e.enhanced == "5.3.4" || e.enhanced == "5.2.3"
	switch {
	case e.code == 552 && !tooBig && e.stage != stageAuth:
		return connect.After(waitQuota, connect.Because(e, "Ящик получателя переполнен (552). Отправим позже."))
	case e.code == 552:
		return connect.Permanent(connect.Because(e, "Письмо слишком велико для сервера (552). Уменьшите предел вложений: большие файлы уйдут ссылкой."))
	case e.stage == stageAuth:
		return connect.Stop(connect.Because(e,
			"Почтовый сервер не принял логин и пароль ("+code+"). Для почты Яндекса, Mail.ru и Google нужен пароль приложения."))
	case e.stage == stageFrom && e.code == 530:
		return connect.Stop(connect.Because(e, "Почтовый сервер требует входа или шифрования (530). Укажите логин и пароль."))
	case e.stage == stageFrom:
		return connect.Stop(connect.Because(e, "Почтовый сервер не принимает отправителя ("+code+"). Адрес «от кого» должен принадлежать этому логину."))
	case e.stage == stageTo:
		return connect.Permanent(connect.Because(e, "Почтовый сервер не принимает получателя ("+code+"). Проверьте адрес."))
	case e.stage == stageData || e.stage == stageEnd:
		return connect.Permanent(connect.Because(e, "Почтовый сервер отказался принять письмо ("+code+"): возможно, счёл его нежелательным."))
	}
	return connect.Stop(connect.Because(e, "Почтовый сервер не хочет с нами говорить ("+code+"). Возможно, наш адрес в чёрном списке."))
}

// explain words an error that is no answer; "" leaves it to connect.Explain.
func (s *session) explain(err error) string {
	var plain tls.RecordHeaderError
	var protocol textproto.ProtocolError
	var slow net.Error
	late := errors.As(err, &slow) && slow.Timeout()
	switch {
	case s.at == stageEnd:
		return "Письмо передано, но сервер не подтвердил приём. Отправим снова с тем же Message-ID: второй экземпляр почта обычно узнаёт."
	case errors.Is(err, errNoStartTLS):
		return "Почтовый сервер не предлагает шифрования (STARTTLS). Проверьте порт; если это ваша внутренняя сеть, выберите «если предлагает»."
	case errors.Is(err, errNoUTF8):
		return "Почтовый сервер не умеет писать на адреса, где имя не латиницей."
	case errors.Is(err, errNoAuth):
		return "Почтовый сервер не предлагает входа по паролю (PLAIN или LOGIN). Проверьте порт и шифрование."
	case errors.Is(err, smtp.ErrUnencrypted):
		return "Пароль не отправлен: соединение не зашифровано. Нужен smtps:// или шифрование STARTTLS."
	case errors.As(err, &plain):
		return "На этом порту сервер говорит без шифрования. Для портов 587 и 25 адрес начинается с smtp://, для 465 — с smtps://."
	case late && s.at == stageGreeting && !s.c.server.TLS:
		return "Почтовый сервер молчит. Если это порт 465, адрес должен начинаться с smtps://."
	case errors.As(err, &protocol):
		return "Сервер отвечает не как почтовый (SMTP). Проверьте адрес и порт."
	}
	return connect.Explain(err)
}

// statusOf gives the SMTP code inside err, or 0 when the server said none.
func statusOf(err error) int {
	var reply *replyError
	if errors.As(err, &reply) {
		return reply.code
	}
	return 0
}
