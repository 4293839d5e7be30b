package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"styk"
	"styk/courier"
	"styk/creatio"
	"styk/intake"
	"styk/notice"
	"styk/store"
	"styk/web"
	"styk/webhook"
)

// demoWorld is what the demo has around it: a CRM, a mail server and a warehouse
// that takes webhooks, played in this process.
type demoWorld struct {
	crm, mail, stock, push string // addresses
	crmSim                 *creatio.Sim
	mailSim                *notice.Sim
	stockFault             stockFault
	done                   sync.WaitGroup
	stop                   context.CancelFunc
}

// startWorld starts the simulators, at their usual addresses where these are
// free. They end after what serves has ended.
func startWorld(ctx context.Context, s *server) (*demoWorld, error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &demoWorld{stop: stop, crmSim: creatio.NewSim(creatio.Net), mailSim: notice.NewSim(notice.SimPatience(demoHush))}
	known := make(chan struct{})
	for _, one := range []struct {
		what, near string
		at         *string
		serve      func(context.Context, net.Listener) error
	}{
		{"creatio", simAddresses["creatio"], &w.crm, serveSim(w.crmSim)},
		{"smtp", simAddresses["smtp"], &w.mail, w.mailSim.Serve},
		{"webhook", "127.0.0.1:9003", &w.stock, serveSim(w.stockFault.before(demoStock()))},
		{"apns", simAddresses["apns"], &w.push, demoPhones(s.h, known)},
	} {
		l, err := listenNear(ctx, one.near)
		if err != nil {
			w.end()
			return nil, err
		}
		*one.at = l.Addr().String()
		w.done.Go(func() {
			if err := one.serve(ctx, l); err != nil && ctx.Err() == nil {
				s.h.log.Error("simulator", "target", one.what, "err", err)
			}
		})
	}
	<-known
	return w, nil
}

// demoHush is how long the mail server waits to see who calls, a browser or
// another mail server: not long, for all samples' letters go out at the start.
const demoHush = 20 * time.Millisecond

// demoStock takes webhooks at demoMoved; at the old address there is nothing.
func demoStock() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", webhook.NewSim(demoHookSecret))
	mux.Handle(demoOld, http.NotFoundHandler())
	return mux
}

const (
	demoOld        = "/old"
	demoMoved      = "/new"
	demoHookSecret = "whsec_ZGVtbyBkZW1vIGRlbW8gZGVtbyBkZW1vIGRlbW8=" // published: it opens nothing
)

func (w *demoWorld) end() {
	w.stop()
	w.done.Wait()
}

// listenNear takes an address, or a free one where it is taken.
func listenNear(ctx context.Context, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	return l, err
}

// The demo's targets beside the CRM: one that nothing reaches, and one whose
// password is wrong.
const (
	demoCRM      = "crm"
	demoLost     = "warehouse"
	demoLocked   = "accounting"
	demoFormed   = "demo_posts"
	demoForm     = "feedback"
	demoClub     = "club" // gives its visitors a card
	demoCrowd    = 30     // posts
	demoVisitors = 18     // who sent them
	demoMailers  = "Компания <no-reply@example.ru>"
)

func (w *demoWorld) targets() []*styk.Target {
	return []*styk.Target{
		{Name: demoCRM, Kind: "creatio", Parallel: 2, Settings: map[string]any{
			"url": "http://" + w.crm, "user": "api", "password": "secret", "external_id_column": "UsrExternalId",
			"files": "case", "max_file": "10MB", "partner": map[string]any{"column": "AccountId"}, "account_from": "company",
		}, Mapping: map[string]string{"service": "ServiceItem.Name", "topic": "Subject", "message": "message", "*": "Symptoms"}},
		{Name: demoLost, Kind: "webhook", Settings: map[string]any{
			"url": "http://" + w.stock + demoOld, "secret": demoHookSecret,
		}},
		{Name: demoLocked, Kind: "creatio", Settings: map[string]any{
			"url": "http://" + w.crm, "user": "api", "password": "forgotten",
		}},
		{Name: styk.MailTarget, Kind: "email", Settings: map[string]any{
			"url": "smtp://" + w.mail, "from": demoMailers, "to": []any{"boss@example.ru"},
		}},
	}
}

// furnish makes the targets, the forms, and what came through them. Targets
// that are there already keep what the visitor of the demo changed, but for the
// address: the simulators may stand elsewhere today.
func (w *demoWorld) furnish(ctx context.Context, h *house, base string) error {
	for _, t := range w.targets() {
		if err := h.placeTarget(ctx, t); err != nil {
			return fmt.Errorf("target %s: %w", t.Name, err)
		}
	}
	var done string
	err := h.db.Update(ctx, func(tx *store.Tx) (err error) {
		if done, err = tx.Meta(demoFormed); err != nil || done != "" {
			return err
		}
		for _, f := range demoForms() {
			if _, err := tx.SaveForm(f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || done != "" {
		return err
	}
	if err := postDemo(ctx, h, base); err != nil {
		return err
	}
	return h.db.Update(ctx, func(tx *store.Tx) error {
		last, err := tx.LastPost()
		if err != nil {
			return err
		}
		if err := tx.SetMeta(web.MetaSamples, fmt.Sprint(int64(last))); err != nil {
			return err
		}
		return tx.SetMeta(demoFormed, "1")
	})
}

func (h *house) placeTarget(ctx context.Context, t *styk.Target) error {
	var old *styk.Target
	err := h.db.View(ctx, func(tx *store.Tx) (err error) {
		old, err = tx.Target(t.Name)
		return err
	})
	switch {
	case err == nil:
		settings := maps.Clone(old.Settings)
		if t.Name != demoLost || strings.HasSuffix(fmt.Sprint(settings["url"]), demoOld) {
			settings["url"] = t.Settings["url"]
		}
		t = &styk.Target{Name: old.Name, Kind: old.Kind, Parallel: old.Parallel, Settings: settings, Mapping: old.Mapping, Disabled: old.Disabled}
	case styk.CodeOf(err) != styk.NotFound:
		return err
	}
	_, err = h.courier.SaveTarget(ctx, t)
	return errors.Join(err, h.letters.renew(ctx, h.db))
}

// demoForms are the form of the README, and two that lead to the connections
// that fail.
func demoForms() []*styk.Form {
	wait := styk.Duration(4 * time.Second)
	forms := []*styk.Form{
		{Name: demoForm, Title: "Обратная связь", Targets: []string{demoCRM}, Wait: &wait, After: styk.AfterReload, Fields: []styk.FormField{
			{Name: "service", Label: "Коммерческий сервис", Type: styk.FieldSelect, Options: []string{"АТОЛ Онлайн", "Кассы", "Другое"}},
			{Name: "topic", Label: "Тема обращения", Type: styk.FieldText, Required: true},
			{Name: "company", Label: "Организация", Type: styk.FieldText},
			{Name: "inn", Label: "ИНН", Type: styk.FieldINN},
			{Name: "name", Label: "Имя", Type: styk.FieldText, Required: true},
			{Name: "phone", Label: "Телефон", Type: styk.FieldPhone, Required: true},
			{Name: "email", Label: "E-mail", Type: styk.FieldEmail, Required: true},
			{Name: "message", Label: "Описание", Type: styk.FieldTextarea, Required: true},
			{Name: "file", Label: "Файл", Type: styk.FieldFile, Required: true},
			{Name: "consent", Label: "Согласие на обработку персональных данных", Type: styk.FieldConsent, Required: true},
		}},
	}
	for name, about := range map[string][2]string{"order": {"Заказ", demoLost}, "invoice": {"Счёт на оплату", demoLocked}} {
		forms = append(forms, &styk.Form{Name: name, Title: about[0], Targets: []string{about[1]}, Fields: []styk.FormField{
			{Name: "topic", Label: "Что нужно", Type: styk.FieldText, Required: true},
			{Name: "name", Label: "Имя", Type: styk.FieldText, Required: true},
			{Name: "phone", Label: "Телефон", Type: styk.FieldPhone, Required: true},
			{Name: "message", Label: "Подробности", Type: styk.FieldTextarea},
			{Name: "consent", Label: "Согласие на обработку персональных данных", Type: styk.FieldConsent, Required: true},
		}})
	}
	return append(forms, &styk.Form{Name: demoClub, Title: "Карта гостя",
		Card: &styk.FormCard{Template: demoGuests, Fields: map[string]string{"name": "CLIENT_NAME", "phone": "PHONE", "email": "EMAIL", "birthday": "BIRTHDAY"}},
		Fields: []styk.FormField{
			{Name: "name", Label: "Фамилия и имя", Type: styk.FieldText, Required: true},
			{Name: "phone", Label: "Телефон", Type: styk.FieldPhone, Required: true},
			{Name: "email", Label: "E-mail", Type: styk.FieldEmail},
			{Name: "birthday", Label: "Дата рождения", Type: styk.FieldDate},
			{Name: "consent", Label: "Согласие на обработку персональных данных", Type: styk.FieldConsent, Required: true},
		}})
}

// postDemo sends the forms as visitors did in the last week, and lets each be
// carried before the next comes. A start that was cut sends the same again and
// makes nothing twice: each post has its key.
func postDemo(ctx context.Context, h *house, base string) error {
	d := &demo{random: rand.New(rand.NewPCG(3, 4))}
	now := h.now()
	times := demoTimes(d.random, h.zone, now.Add(-demoWeek), now.Add(-5*time.Minute), demoCrowd)
	forms := demoForms()
	return h.replayDemo(ctx, base, func(past *pastClock, c *courier.Courier) error {
		for i, at := range times {
			past.set(at)
			form := forms[0]
			if i%5 == 4 {
				form = forms[1+i%2]
			}
			post, err := demoPost(ctx, h, d, form, i)
			if err != nil {
				return err
			}
			a, err := h.intake.Accept(ctx, form, post)
			if err != nil {
				return fmt.Errorf("form %s: %w", form.Name, err)
			}
			h.intake.Wait(ctx, a, demoPatience)
			for _, later := range []time.Duration{0, form.WaitFor() + time.Second, time.Minute} { // the visitor's letter, the owner's
				past.move(later)
				if err := h.carried(ctx, c); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func demoPost(ctx context.Context, h *house, d *demo, form *styk.Form, i int) (intake.FormPost, error) {
	last, first := demoFamilies[(i*7)%len(demoFamilies)], pick(d, demoMen)
	if i%2 == 1 {
		last, first = last+"а", pick(d, demoWomen)
	}
	topic := demoTopics[i%len(demoTopics)]
	post := intake.FormPost{
		HeaderKey: fmt.Sprintf("demo-%d", i), Address: "192.0.2." + fmt.Sprint(1+i), Agent: "demo", Page: "https://www.example.ru/contacts",
		Values: map[string]string{
			"topic": topic, "name": first + " " + last, "phone": fmt.Sprintf("+7 (949) 555-%02d-%02d", 60+i%demoVisitors, 10+i%demoVisitors),
			"email": fmt.Sprintf("visitor%02d@example.ru", i%demoVisitors+1), "message": "Добрый день! " + topic + ". Посмотрите, пожалуйста.", "consent": "да",
		},
	}
	if form.Field("service") != nil {
		post.Values["service"] = pick(d, []string{"АТОЛ Онлайн", "Кассы", "Другое"})
	}
	if form.Field("company") != nil && i%3 == 0 {
		post.Values["company"] = demoFirms[i%len(demoFirms)]
	}
	if form.Field("file") != nil {
		name := pick(d, []string{"Чек.pdf", "Акт сверки.pdf", "Скриншот ошибки.pdf"})
		info, err := h.intake.Keep(ctx, name, bytes.NewReader(placeholderPDF(fmt.Sprintf("demo %d", i))))
		if err != nil {
			return post, err
		}
		post.Files = []intake.Upload{{Part: "file", FileName: name, Info: info}}
	}
	return post, nil
}

func (w *demoWorld) notes(base string) []string {
	return []string{
		"",
		"A site's form, and the CRM that it reaches (played here):",
		"  form          " + base + "/f/" + demoForm,
		"  the CRM holds http://" + w.crm + "/_sim/state",
		"  letters       http://" + w.mail + "/_sim/state",
		"  to practise   connection " + demoLocked + " has a wrong password (the right one: secret),",
		"                " + demoLost + " an old address (the new one: http://" + w.stock + demoMoved + ")",
	}
}
