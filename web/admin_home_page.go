package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"styk/staff"
	"styk/store"
)

// adminHomePage is the first thing a person sees: today in one sentence, what
// needs him, how it goes, and whether the house is in order.
type adminHomePage struct {
	adminFrame
	Day      string
	Sentence string
	Calm     bool // nothing needs a person
	Path     *adminPath
	Needs    []adminNeed
	Trend    []adminDay
	Week     string // the trend in words
	Forms    []adminFormCount
	Lights   []adminLight
	Cards    []adminFigure
}

// adminNeed is one thing that waits for a person.
type adminNeed struct {
	Text    string
	More    string
	Address string
	Tone    string
	Icon    string
}

// adminDay is one bar of the trend.
type adminDay struct {
	Name   string // day of the week
	Full   string
	Posts  int64
	Height int // of 100
	Today  bool
}

type adminFormCount struct {
	Title string
	Posts string
	Wide  int // of 100
}

type adminLight struct {
	Tone string // good, wait, bad, off
	Text string
	More string
}

type adminFigure struct{ Number, Text string }

// Health is what the process knows of itself and the pages show.
type Health struct {
	Backup   time.Time // last scheduled backup; zero: none
	Restored time.Time // last one that was restored on trial
	Failed   string    // why the last backup failed
	Planned  bool      // backups are scheduled
	Free     int64     // bytes left for files; negative: not known
}

// trendDays is how far the overview looks back.
const trendDays = 14

// home is where each finds his work.
func (a *admin) home(v *visit) error {
	p := adminHomePage{}
	p.adminFrame = a.frame(v, "/admin/", choose(v.lang, "Обзор", "Overview"))
	now := a.now()
	p.Day = dayWord(v.lang, now)
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		p.Needs, p.Trend, p.Forms, p.Lights, p.Cards, p.Path = nil, nil, nil, nil, nil, nil
		for _, read := range []func(*visit, *store.Tx, *adminHomePage) error{a.homePath, a.homeToday, a.homeNeeds, a.homeCards} {
			if err := read(v, tx, &p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.homeLights(v, &p)
	p.Calm = len(p.Needs) == 0
	return a.show(v, http.StatusOK, "admin_home.html", p)
}

// dayWord is "суббота, 21 ноября".
func dayWord(lang string, t time.Time) string {
	ru := []string{"воскресенье", "понедельник", "вторник", "среда", "четверг", "пятница", "суббота"}
	months := []string{"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"}
	return choose(lang, fmt.Sprintf("%s, %d %s", ru[t.Weekday()], t.Day(), months[t.Month()-1]), t.Format("Monday, 2 January"))
}

// homeToday words the day and draws the last two weeks.
func (a *admin) homeToday(v *visit, tx *store.Tx, p *adminHomePage) error {
	if !v.may(staff.SeeTickets) && !v.may(staff.SeeDeliveries) {
		return nil
	}
	now := a.now()
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	counts, err := tx.PostsByDay(midnight.AddDate(0, 0, 1-trendDays))
	if err != nil {
		return err
	}
	byDay, byForm := map[int]int64{}, map[string]int64{}
	for _, c := range counts {
		byDay[c.Day] += c.Posts
		byForm[c.Form] += c.Posts
	}
	p.trend(v.lang, midnight, byDay)
	if err := p.forms(tx, byForm); err != nil {
		return err
	}
	median, err := tx.MedianDelivery(midnight)
	if err != nil {
		return err
	}
	queues, err := tx.QueueStates()
	if err != nil {
		return err
	}
	var moving, failed int64
	for _, q := range queues {
		moving += q.Waiting + q.UnderWay
		failed += q.Failed
	}
	p.Sentence = todaySentence(v.lang, byDay[trendDays-1], moving, failed, median)
	return nil
}

// todaySentence is «Сегодня 48 заявок, все доставлены. Обычно за 1,8 с».
func todaySentence(lang string, posts, moving, failed int64, median time.Duration) string {
	var b strings.Builder
	if posts == 0 {
		b.WriteString(choose(lang, "Сегодня заявок ещё не было", "No requests yet today"))
	} else {
		fmt.Fprintf(&b, choose(lang, "Сегодня %d %s", "Today %d %s"), posts, plural(lang, posts, "заявка", "заявки", "заявок", "request", "requests"))
	}
	switch {
	case failed > 0:
		fmt.Fprintf(&b, choose(lang, ", %d %s решения человека", ", %d %s a person"), failed,
			plural(lang, failed, "доставка ждёт", "доставки ждут", "доставок ждут", "delivery needs", "deliveries need"))
	case moving > 0:
		fmt.Fprintf(&b, choose(lang, ", в пути %d", ", %d on their way"), moving)
	case posts > 0:
		b.WriteString(choose(lang, ", всё доставлено", ", all delivered"))
	}
	b.WriteString(".")
	if median > 0 {
		fmt.Fprintf(&b, choose(lang, " Обычно заявка доходит за %s.", " A request usually arrives in %s."), took(lang, median))
	}
	return b.String()
}

func (p *adminHomePage) trend(lang string, midnight time.Time, byDay map[int]int64) {
	most, week, before := int64(1), int64(0), int64(0)
	for i := range trendDays {
		most = max(most, byDay[i])
		if i >= trendDays-7 {
			week += byDay[i]
		} else {
			before += byDay[i]
		}
	}
	short := choose(lang, "вс пн вт ср чт пт сб", "Su Mo Tu We Th Fr Sa")
	for i := range trendDays {
		day := midnight.AddDate(0, 0, i+1-trendDays)
		d := adminDay{Name: strings.Fields(short)[day.Weekday()], Full: dayWord(lang, day), Posts: byDay[i], Today: i == trendDays-1}
		d.Height = int(100 * byDay[i] / most)
		if byDay[i] > 0 {
			d.Height = max(d.Height, 4)
		}
		p.Trend = append(p.Trend, d)
	}
	p.Week = fmt.Sprintf(choose(lang, "За 7 дней %d %s, за 7 дней до того %d.", "%d %s in 7 days, %d in the 7 days before."), week,
		plural(lang, week, "заявка", "заявки", "заявок", "request", "requests"), before)
}

// maxHomeForms is how many forms the overview names.
const maxHomeForms = 5

func (p *adminHomePage) forms(tx *store.Tx, byForm map[string]int64) error {
	forms, err := tx.Forms()
	if err != nil {
		return err
	}
	most := int64(1)
	for _, f := range forms {
		most = max(most, byForm[f.Name])
	}
	for _, f := range forms {
		if n := byForm[f.Name]; n > 0 && len(p.Forms) < maxHomeForms {
			p.Forms = append(p.Forms, adminFormCount{f.Title, strconv.FormatInt(n, 10), int(100 * n / most)})
		}
	}
	return nil
}

// homeNeeds lists what waits for this person.
func (a *admin) homeNeeds(v *visit, tx *store.Tx, p *adminHomePage) error {
	need := func(n adminNeed) { p.Needs = append(p.Needs, n) }
	if v.may(staff.SeeDeliveries) {
		targets, err := tx.Targets()
		if err != nil {
			return err
		}
		for _, t := range targets {
			if !t.Paused.IsZero() && !t.Disabled {
				need(adminNeed{Text: fmt.Sprintf(choose(v.lang, "Система «%s» остановлена", "%s is paused"), t.Name), More: t.PausedWhy,
					Address: deliveriesAddress("", t.Name, "", 0), Tone: "wait", Icon: "pause"})
			}
		}
		causes, err := tx.FailedByCause()
		if err != nil {
			return err
		}
		for i, c := range causes {
			if i == maxHomeForms {
				break
			}
			cause := c.Cause
			if cause == "" {
				cause = choose(v.lang, "причина не названа", "no cause given")
			}
			need(adminNeed{Text: cause, More: fmt.Sprintf("%s · %d %s", c.TargetName, c.Count, deliveriesWord(v.lang, c.Count)),
				Address: deliveriesAddress("failed", c.TargetName, c.Cause, 0), Tone: "bad", Icon: "alert"})
		}
	}
	if v.may(staff.SeeTickets) {
		open, err := tx.OpenTickets(countUpTo)
		if err != nil {
			return err
		}
		if open > 0 {
			need(adminNeed{Text: choose(v.lang, "Открытых обращений: ", "Open tickets: ") + capped(open),
				More: choose(v.lang, "ждут ответа", "wait for an answer"), Address: "/admin/tickets?show=open", Icon: "inbox"})
		}
	}
	return nil
}

func deliveriesWord(lang string, n int64) string {
	return plural(lang, n, "доставка", "доставки", "доставок", "delivery", "deliveries")
}

func (a *admin) homeCards(v *visit, tx *store.Tx, p *adminHomePage) error {
	if !v.may(staff.SeeCards) && !v.may(staff.SetUpCards) {
		return nil
	}
	const most = 100_000
	issued, err := tx.CountCardsTo(false, most)
	if err != nil || issued == 0 {
		return err
	}
	installed, err := tx.CountCardsTo(true, most)
	if err != nil {
		return err
	}
	word := func(n int64) string {
		if n >= most {
			return strconv.Itoa(most) + "+"
		}
		return strconv.FormatInt(n, 10)
	}
	p.Cards = []adminFigure{
		{word(issued), choose(v.lang, "карт выпущено", "cards issued")}, {word(installed), choose(v.lang, "на телефонах", "on phones")},
	}
	certificates, err := tx.CardCertificates()
	for _, c := range certificates {
		if days := int(c.Expires.Sub(a.now()).Hours() / 24); days <= 60 {
			tone := "wait"
			if days <= 7 {
				tone = "bad"
			}
			p.Needs = append(p.Needs, adminNeed{Text: fmt.Sprintf(choose(v.lang, "Сертификат %s: осталось дней %d", "Certificate %s: %d days left"), c.PassType, max(days, 0)),
				Address: "/admin/certificates", Tone: tone, Icon: "alert"})
		}
	}
	return err
}

// oldBackup is when a backup no longer lets anybody sleep.
const oldBackup = 48 * time.Hour

// lowSpace is when files are about to have no room, in bytes.
const lowSpace = 2 << 30

func (a *admin) homeLights(v *visit, p *adminHomePage) {
	if a.Health == nil || !v.may(staff.SeeConnections) {
		return
	}
	h, now := a.Health(), a.now()
	light := func(tone, text, more string) { p.Lights = append(p.Lights, adminLight{tone, text, more}) }
	switch {
	case h.Failed != "":
		light("bad", choose(v.lang, "Резервная копия не удалась", "The backup failed"), h.Failed)
	case !h.Planned:
		light("off", choose(v.lang, "Резервные копии по расписанию выключены", "No backups are scheduled"), "styk serve --backup-dir …")
	case h.Backup.IsZero():
		light("wait", choose(v.lang, "Первой резервной копии ещё не было", "No backup was made yet"), "")
	case now.Sub(h.Backup) > oldBackup:
		light("bad", choose(v.lang, "Резервной копии больше двух дней", "The backup is more than two days old"), a.moment(v.lang, h.Backup).Text)
	case h.Restored.IsZero():
		light("good", choose(v.lang, "Резервная копия: ", "Backup: ")+a.moment(v.lang, h.Backup).Text, choose(v.lang, "пробного восстановления ещё не было", "never restored on trial"))
	default:
		light("good", choose(v.lang, "Резервная копия: ", "Backup: ")+a.moment(v.lang, h.Backup).Text,
			choose(v.lang, "проверена восстановлением ", "restored on trial ")+a.moment(v.lang, h.Restored).Text)
	}
	switch {
	case h.Free < 0:
	case h.Free < lowSpace:
		light("bad", choose(v.lang, "Мало места на диске: ", "Little room on the disk: ")+bytesWord(v.lang, h.Free), "")
	default:
		light("good", choose(v.lang, "Места на диске: ", "Room on the disk: ")+bytesWord(v.lang, h.Free), "")
	}
}
