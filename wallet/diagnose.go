package wallet

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"styk"
)

// Finding is one thing that is known of a card on a phone.
type Finding struct {
	Step  Step
	Tone  Tone
	At    time.Time // zero: it has no time
	Text  string    // for a person, Russian
	Words string    // the same in English
}

// Step is where on its way to a phone a change is.
type Step string

// The steps, in their order. State sums up the others and comes first.
const (
	StepState      Step = "state"
	StepRegistered Step = "registered" // the phone told us that it has the card
	StepPushed     Step = "pushed"     // Apple was asked to wake it
	StepAsked      Step = "asked"      // it asked what has changed
	StepFetched    Step = "fetched"    // it fetched the new pass
)

// Tone says how a finding is to be taken.
type Tone string

// The tones.
const (
	Good Tone = "good"
	Wait Tone = "wait" // it mends itself
	Bad  Tone = "bad"  // a person must do something
)

// How long a phone may take before silence means something.
const (
	pushSettles = 2 * time.Minute  // for a push that is due to leave
	phoneAwake  = 10 * time.Minute // for a phone to ask after a push
	phoneLost   = 30 * 24 * time.Hour
)

// Diagnose tells why a phone does or does not show the card's newest revision,
// step by step, the sum first. development: the card's certificate is the
// program's own, which no real iPhone accepts. It has no side effects.
func Diagnose(card *styk.Card, d *styk.CardDevice, now time.Time, development bool) []Finding {
	if d.Platform == styk.OnWeb {
		return diagnoseWeb(d, now)
	}
	g := diagnosis{card: card, d: d, now: now, development: development}
	g.registered()
	if d.PushToken != "" {
		g.pushed()
		g.asked()
		g.fetched()
	}
	return append([]Finding{g.state()}, g.list...)
}

// diagnoseWeb: a web card fetches what is new whenever it is opened.
func diagnoseWeb(d *styk.CardDevice, now time.Time) []Finding {
	f := Finding{StepState, Good, d.Seen, "Веб-карта на экране телефона. Свежий баланс она берёт сама, когда её открывают.",
		"A web card on the home screen. It fetches the balance by itself when it is opened."}
	if !d.Seen.IsZero() && now.Sub(d.Seen) > phoneLost {
		f.Tone = Wait
		f.Text = "Веб-карту давно не открывали: на экране телефона может стоять старый баланс, пока её не откроют."
		f.Words = "The web card was not opened for long: the phone may show an old balance until it is."
	}
	return []Finding{f, {StepRegistered, Good, d.Created, "Поставлена на экран телефона.", "Put on the home screen."}}
}

// diagnosis gathers findings about an iPhone.
type diagnosis struct {
	card        *styk.Card
	d           *styk.CardDevice
	now         time.Time
	development bool
	list        []Finding
}

func (g *diagnosis) add(step Step, tone Tone, at time.Time, text, words string) {
	g.list = append(g.list, Finding{step, tone, at, text, words})
}

// current tells whether the phone has the newest revision. One that came with
// the newest pass and was never called since has it without a fetch.
func (g *diagnosis) current() bool {
	if g.d.FetchedRevision >= g.card.Revision {
		return true
	}
	return g.d.PushDue.IsZero() && g.d.Pushed.IsZero() && g.d.Verdict == ""
}

// state sums up.
func (g *diagnosis) state() Finding {
	worst := Good
	var cause Finding
	for _, f := range g.list {
		if f.Tone == Bad && worst != Bad || f.Tone == Wait && worst == Good {
			worst, cause = f.Tone, f
		}
	}
	switch {
	case g.current() && worst != Bad:
		if !g.card.Deleted.IsZero() {
			return Finding{StepState, Good, g.d.Fetched, "Телефон знает, что карта удалена: она показана недействительной.",
				"The phone knows that the card was deleted: it shows it as void."}
		}
		return Finding{StepState, Good, cmp.Or(g.d.Fetched, g.d.Created), "На телефоне последняя версия карты.", "The phone shows the newest version."}
	case worst == Bad:
		return Finding{StepState, Bad, time.Time{}, "Новое до телефона не дойдёт: " + lower(cause.Text), "What is new will not reach the phone: " + lower(cause.Words)}
	case worst == Wait:
		return Finding{StepState, Wait, time.Time{}, "Обновление в пути: " + lower(cause.Text), "The change is on its way: " + lower(cause.Words)}
	}
	return Finding{StepState, Wait, time.Time{}, "Обновление в пути.", "The change is on its way."}
}

func (g *diagnosis) registered() {
	if g.d.PushToken == "" {
		g.add(StepRegistered, Bad, g.d.Created, "Телефон не дал адреса для push. Удалите карту из Wallet и добавьте снова по ссылке.",
			"The phone gave no address for pushes. Remove the card from Wallet and add it again by its link.")
		return
	}
	g.add(StepRegistered, Good, g.d.Created, "Карта добавлена в Wallet, телефон назвался.", "The card is in Wallet, the phone has registered.")
}

// pushed tells what became of the last call.
func (g *diagnosis) pushed() {
	d := g.d
	reason, words := explain(d.Reason)
	switch {
	case d.Verdict == string(Stopped):
		g.add(StepPushed, Bad, g.d.Pushed, "Push не отправлен. "+reason, "The push was not sent. "+words)
	case d.Verdict == string(Later) && !d.PushDue.IsZero():
		again := length(d.PushDue.Sub(g.now))
		g.add(StepPushed, Wait, d.PushDue, fmt.Sprintf("Push пока не прошёл (неудач подряд: %d). %s Повтор %s.", d.PushTries, reason, again[0]),
			fmt.Sprintf("The push did not go through yet (failures in a row: %d). %s Again %s.", d.PushTries, words, again[1]))
	case !d.PushDue.IsZero() && g.now.Sub(d.PushDue) > pushSettles:
		g.add(StepPushed, Bad, d.PushDue, "Push давно пора отправить, а очередь стоит. Проверьте, что styk serve запущен, и посмотрите его журнал.",
			"The push is overdue: the queue stands. Check that styk serve runs, and look into its log.")
	case !d.PushDue.IsZero():
		g.add(StepPushed, Wait, d.PushDue, "Push уйдёт через пару секунд: частые изменения собираются в один.",
			"The push leaves in seconds: changes in a row become one.")
	case d.Verdict == string(Pruned):
		g.add(StepPushed, Wait, d.Created, "Apple сообщила, что прежний адрес телефона закрыт ("+d.Reason+"), но телефон уже назвался снова.",
			"Apple said that the phone’s former address is closed ("+d.Reason+"), but the phone has registered again.")
	case !d.Pushed.IsZero():
		g.add(StepPushed, Good, d.Pushed, "Apple приняла push.", "Apple took the push.")
	case g.development:
		g.add(StepPushed, Wait, time.Time{}, "Push ещё не понадобился. Карта подписана учебным сертификатом: Apple такие push не принимает.",
			"No push was needed yet. The card is signed by the development certificate: Apple takes no pushes with it.")
	default:
		g.add(StepPushed, Good, time.Time{}, "Push ещё не понадобился: карта не менялась с тех пор, как она на телефоне.",
			"No push was needed yet: the card has not changed since it is on the phone.")
	}
}

// asked: a phone that was woken asks what is new within seconds.
func (g *diagnosis) asked() {
	d := g.d
	if d.Pushed.IsZero() {
		return
	}
	silent := g.now.Sub(d.Pushed)
	switch {
	case !d.Asked.Before(d.Pushed):
		g.add(StepAsked, Good, d.Asked, "Телефон спросил, что изменилось.", "The phone asked what has changed.")
	case g.current(): // it fetched without asking, as one does that shows its pass
	case silent < phoneAwake:
		g.add(StepAsked, Wait, time.Time{}, "Телефон ещё не отозвался: обычно это секунды, без сети или в энергосбережении дольше.",
			"The phone has not answered yet: it takes seconds, longer without a network or when saving power.")
	case silent < phoneLost:
		g.add(StepAsked, Bad, d.Asked, "Телефон не отзывается на push. Он выключен, без интернета, или в Wallet у карты отключено «Автообновление» (карта → «…» → «Сведения о карте»).",
			"The phone does not answer pushes. It is off, offline, or “Automatic Updates” is off for the card in Wallet (card → “…” → “Pass Details”).")
	default:
		g.add(StepAsked, Bad, d.Asked, "Телефон молчит больше месяца: скорее всего, его больше нет. Если адрес закроется, Apple скажет об этом, и он уйдёт из списка сам.",
			"The phone has been silent for more than a month: it is probably gone. Once Apple says so it leaves this list by itself.")
	}
}

// fetched: having asked, it fetches the pass, or is told that its own is new
// enough.
func (g *diagnosis) fetched() {
	d := g.d
	behind := d.Fetched.IsZero() || d.FetchedRevision < g.card.Revision
	switch {
	case !behind:
		g.add(StepFetched, Good, d.Fetched, fmt.Sprintf("Скачал версию %d, она последняя.", d.FetchedRevision),
			fmt.Sprintf("It fetched version %d, the newest.", d.FetchedRevision))
	case d.Pushed.IsZero() || d.Asked.Before(d.Pushed):
		if !d.Fetched.IsZero() {
			g.add(StepFetched, Wait, d.Fetched, fmt.Sprintf("На телефоне версия %d из %d.", d.FetchedRevision, g.card.Revision),
				fmt.Sprintf("The phone has version %d of %d.", d.FetchedRevision, g.card.Revision))
		}
	case g.now.Sub(d.Asked) < pushSettles:
		g.add(StepFetched, Wait, d.Fetched, "Ещё не скачал карту.", "It has not fetched the card yet.")
	case d.PushedRevision < g.card.Revision && !d.PushDue.IsZero():
		g.add(StepFetched, Wait, d.Fetched, "Карта изменилась после последнего push; следующий в очереди.", "The card has changed since the last push; the next one is queued.")
	case d.Fetched.IsZero():
		g.add(StepFetched, Bad, time.Time{}, "Спросил, но карту не скачал ни разу. Либо у него уже эта версия (ответ 304), либо адрес styk недоступен с телефона по HTTPS: откройте ссылку карты на нём.",
			"It asked but never fetched the card. Either it has this version already (answer 304), or it cannot reach styk by HTTPS: open the card’s link on it.")
	default:
		g.add(StepFetched, Bad, d.Fetched, fmt.Sprintf("Спросил, но остался на версии %d из %d: последним ответом было «не изменилось» (304) или связь оборвалась. Нажмите «Разбудить телефоны».", d.FetchedRevision, g.card.Revision),
			fmt.Sprintf("It asked but stayed at version %d of %d: the last answer was “not modified” (304), or the connection broke. Press “Call the phones”.", d.FetchedRevision, g.card.Revision))
	}
}

// reasons are Apple's words in plain ones (spec/passteam.md 3.6).
var reasons = map[string][2]string{
	"": {"Нет связи со службой Apple: проверьте, что сервер выходит наружу на api.push.apple.com, порт 443.",
		"No connection to Apple’s service: check that the server reaches api.push.apple.com, port 443."},
	"DevelopmentCertificate": {"Карта подписана учебным сертификатом: настоящий iPhone её не примет, и Apple push не отправит. Загрузите сертификат Apple.",
		"The card is signed by the development certificate: no real iPhone takes it, and Apple sends no push. Upload a certificate of Apple’s."},
	"NoCertificate":             {"Для шаблона нет годного сертификата. Загрузите его на странице «Сертификаты».", "The template has no usable certificate. Upload one on the page “Certificates”."},
	"BadCertificate":            {"Apple не принимает сертификат: он отозван, просрочен или не для карт Wallet.", "Apple refuses the certificate: revoked, expired, or not one for passes."},
	"BadCertificateEnvironment": {"Сертификат для другой среды Apple. Выпустите Pass Type ID Certificate.", "The certificate is for another environment of Apple’s. Issue a Pass Type ID Certificate."},
	"TopicDisallowed":           {"Сертификат не для этого Pass Type ID: у шаблона указан другой.", "The certificate is not for this Pass Type ID: the template names another."},
	"BadTopic":                  {"Apple не знает такого Pass Type ID.", "Apple does not know this Pass Type ID."},
	"Forbidden":                 {"Apple отказала этому сертификату.", "Apple refuses this certificate."},
	"DeviceTokenNotForTopic":    {"Телефон добавил карту под другим Pass Type ID.", "The phone added the card under another Pass Type ID."},
	"BadDeviceToken":            {"Адрес телефона негоден.", "The phone’s address is not valid."},
	"Unregistered":              {"Телефон больше не принимает push: карта удалена из Wallet или телефон сброшен.", "The phone takes no pushes any more: the card was removed from Wallet or the phone was reset."},
	"ExpiredToken":              {"Адрес телефона устарел.", "The phone’s address is out of date."},
	"TooManyRequests":           {"Слишком много push на этот телефон подряд, Apple просит подождать.", "Too many pushes to this phone in a row, Apple asks to wait."},
	"InternalServerError":       {"У Apple временная неполадка.", "Apple has a passing fault."},
	"ServiceUnavailable":        {"Служба Apple временно недоступна.", "Apple’s service is unavailable for now."},
	"Shutdown":                  {"Сервер Apple перезапускается.", "Apple’s server restarts."},
}

// explain puts a reason into plain words; an unknown one is quoted.
func explain(reason string) (text, words string) {
	if r, ok := reasons[reason]; ok {
		return r[0], r[1]
	}
	return "Apple ответила: " + reason + ".", "Apple answered: " + reason + "."
}

// length words how far off something is, in both languages.
func length(d time.Duration) [2]string {
	switch {
	case d < time.Second:
		return [2]string{"сейчас", "now"}
	case d < time.Minute:
		return [2]string{fmt.Sprintf("через %d с", d/time.Second), fmt.Sprintf("in %d s", d/time.Second)}
	case d < time.Hour:
		return [2]string{fmt.Sprintf("через %d мин", d/time.Minute), fmt.Sprintf("in %d min", d/time.Minute)}
	}
	return [2]string{fmt.Sprintf("через %d ч", d/time.Hour), fmt.Sprintf("in %d h", d/time.Hour)}
}

// lower lets a sentence stand behind a colon, unless a name begins it.
func lower(text string) string {
	if strings.HasPrefix(text, "Apple") || text == "" {
		return text
	}
	r, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToLower(r)) + text[size:]
}
