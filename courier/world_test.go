package courier_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"styk"
	"styk/blob"
	"styk/connect"
	"styk/courier"
	"styk/intake"
	"styk/store"
	"styk/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a foreign system in memory: a contact by phone, a case by our
// number, and its files. It makes a second one of whatever it is told twice.
type world struct {
	mu       sync.Mutex
	contacts []string // phones
	cases    []string // our numbers, in the order they came
	files    []string // number/name
	letters  []connect.Notice
	calls    int

	// fault is asked around every write; after says that it was made. Its error
	// is the answer that the connector gets.
	fault func(step string, after bool, p *connect.Parcel) error
}

func (w *world) count(list *[]string, is string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range *list {
		if v == is {
			n++
		}
	}
	return n
}

func (w *world) attempts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls
}

func (w *world) setFault(f func(step string, after bool, p *connect.Parcel) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

func (w *world) ask(step string, after bool, p *connect.Parcel) error {
	w.mu.Lock()
	f := w.fault
	w.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(step, after, p)
}

// write adds a record unless a fault stands before it.
func (w *world) write(p *connect.Parcel, step string, list *[]string, value string) (connect.Done, error) {
	if err := w.ask(step, false, p); err != nil {
		return connect.Done{}, err
	}
	w.mu.Lock()
	*list = append(*list, value)
	n := len(*list)
	w.mu.Unlock()
	if err := w.ask(step, true, p); err != nil {
		return connect.Done{}, err
	}
	return connect.Done{ID: fmt.Sprint(n)}, nil
}

// step makes a record once, found again by its value.
func (w *world) step(ctx context.Context, p *connect.Parcel, name string, list *[]string, value, number string) error {
	_, err := p.Step(ctx, name,
		func(context.Context) (connect.Done, error) {
			if w.count(list, value) == 0 {
				return connect.Done{}, connect.NotFound
			}
			return connect.Done{ID: "found", Number: number}, nil
		},
		func(context.Context) (connect.Done, error) {
			d, err := w.write(p, name, list, value)
			d.Number = number
			return d, err
		})
	return err
}

// Check implements connect.Connector.
func (w *world) Check(context.Context) error { return w.ask("check", false, nil) }

// Deliver implements connect.Connector.
func (w *world) Deliver(ctx context.Context, p *connect.Parcel) error {
	w.mu.Lock()
	w.calls++
	w.mu.Unlock()
	if n := p.Notice; n != nil {
		if err := w.ask("letter", false, p); err != nil {
			return err
		}
		_, err := p.Step(ctx, "letter", connect.Repeatable, func(context.Context) (connect.Done, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.letters = append(w.letters, *n)
			return connect.Done{}, nil
		})
		return err
	}
	t := p.Ticket
	if t == nil {
		return connect.Permanent(errors.New("not for us"))
	}
	if w.count(&w.contacts, t.Contact.Phone) == 0 {
		if err := w.step(ctx, p, "contact", &w.contacts, t.Contact.Phone, ""); err != nil {
			return err
		}
	}
	if err := w.step(ctx, p, "case", &w.cases, t.Number, "SR-"+t.Number); err != nil {
		return err
	}
	for i, f := range t.Files {
		r, err := f.Open(ctx)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(r)
		_ = r.Close()
		if err != nil || int64(len(body)) != f.Size {
			return fmt.Errorf("file of %d bytes: %d came, %w", f.Size, len(body), err)
		}
		if err := w.step(ctx, p, fmt.Sprintf("file.%d", i), &w.files, t.Number+"/"+f.Name, ""); err != nil {
			return err
		}
	}
	return nil
}

// kind makes the world a configurable connector.
func (w *world) kind(name string) connect.Kind {
	return connect.Kind{
		Name: name, Title: "Испытание",
		Fields: []connect.Field{{Name: "password", Label: "Пароль", Type: connect.Text, Secret: true}},
		New:    func(connect.Settings) (connect.Connector, error) { return w, nil },
	}
}

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// house is one database with its files, shared by the couriers of a test.
type house struct {
	t       *testing.T
	address string
	blobs   blob.Store
	clock   *clock
	world   *world
	form    *styk.Form
	db      *store.DB // for looking and for intake
	in      *intake.Intake
	extra   []connect.Kind
	lease   time.Duration // longer than any clock is moved, so that nobody is thought dead
}

const pdf = "%PDF-1.4\n%%EOF\n"

func eachHouse(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newHouse(t, filepath.Join(t.TempDir(), "styk.db")))
	})
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, newHouse(t, storetest.Postgres(t))) })
}

func newHouse(t *testing.T, address string) *house {
	t.Helper()
	h := &house{
		t: t, address: address, world: &world{}, lease: 1000 * time.Hour,
		clock: &clock{now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)},
	}
	var err error
	if h.blobs, err = blob.OpenDir(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	h.db = h.open()
	h.in = &intake.Intake{DB: h.db, Blobs: h.blobs, Reserve: 1}
	h.form = &styk.Form{Name: "feedback", Title: "Обратная связь", Targets: []string{"crm"}, Fields: []styk.FormField{
		{Name: "topic", Label: "Тема обращения", Type: styk.FieldText},
		{Name: "name", Label: "Имя", Type: styk.FieldText},
		{Name: "phone", Label: "Телефон", Type: styk.FieldPhone},
		{Name: "email", Label: "E-mail", Type: styk.FieldEmail},
		{Name: "message", Label: "Описание", Type: styk.FieldTextarea},
		{Name: "file", Label: "Файл", Type: styk.FieldFile},
	}}
	h.must(h.db.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.SaveForm(h.form); return err }))
	h.target(styk.Target{Name: "crm", Kind: "world", Settings: map[string]any{"password": "s3cret"}})
	return h
}

func (h *house) open() *store.DB {
	h.t.Helper()
	db, err := store.Open(h.t.Context(), store.Options{Database: h.address, Key: []byte(strings.Repeat("k", 32)), Now: h.clock.Now, MaxConns: 12})
	h.must(err)
	h.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) options() courier.Options {
	return courier.Options{
		PublicURL: "https://styk.firm.ru", Poll: 20 * time.Millisecond, Grace: 50 * time.Millisecond, Lease: h.lease, Published: h.in.Published,
		Compose: func(n styk.Notice) connect.Notice {
			return connect.Notice{Type: string(n.Type), To: []string{n.To}, Subject: n.Number, Text: n.CRMNumber + n.Cause}
		},
	}
}

func (h *house) courier(db *store.DB) *courier.Courier {
	return courier.New(db, h.blobs, append([]connect.Kind{h.world.kind("world")}, h.extra...), h.options())
}

func (h *house) target(t styk.Target) {
	h.t.Helper()
	if t.Kind == "" {
		t.Kind = "world"
	}
	_, err := h.courier(h.db).SaveTarget(h.t.Context(), &t)
	h.must(err)
}

// start runs a courier until the test ends or stop is called.
func (h *house) start(db *store.DB) (c *courier.Courier, stop func()) {
	h.t.Helper()
	c = h.courier(db)
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- c.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-over; err != nil {
				h.t.Error(err)
			}
		})
	}
	h.t.Cleanup(stop)
	h.in.Wake, h.in.Rest = c.Wake, c.Rest
	return c, stop
}

// post sends the form, with a file.
func (h *house) post(values map[string]string) *intake.Accepted {
	h.t.Helper()
	all := map[string]string{"topic": "Касса", "name": "Анна", "phone": "8 900 123-45-67", "message": "Молчит"}
	for k, v := range values {
		all[k] = v
	}
	info, err := h.in.Keep(h.t.Context(), "счёт.pdf", strings.NewReader(pdf))
	h.must(err)
	a, err := h.in.Accept(h.t.Context(), h.form, intake.FormPost{
		Values: all, Files: []intake.Upload{{Part: "file", FileName: "счёт.pdf", Info: info}},
	})
	h.must(err)
	return a
}

// delivery gives the delivery of a post to a target.
func (h *house) delivery(a *intake.Accepted, nth int) *styk.Delivery {
	h.t.Helper()
	var list []*styk.Delivery
	h.must(h.db.View(context.Background(), func(tx *store.Tx) (err error) {
		list, err = tx.DeliveriesOf(styk.SubjectTicket, a.Submission)
		return err
	}))
	if len(list) <= nth {
		h.t.Fatalf("%d deliveries", len(list))
	}
	return list[nth]
}

func (h *house) history(id styk.ID) (list []*styk.Attempt) {
	h.t.Helper()
	h.must(h.db.View(context.Background(), func(tx *store.Tx) (err error) {
		list, err = tx.Attempts(id)
		return err
	}))
	return list
}

// await looks until cond holds.
func (h *house) await(what string, cond func() bool) {
	h.t.Helper()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			h.t.Fatalf("waited in vain: %s", what)
		}
	}
}

func (h *house) awaitState(a *intake.Accepted, state styk.DeliveryState) *styk.Delivery {
	h.t.Helper()
	var d *styk.Delivery
	h.await("delivery "+string(state), func() bool {
		d = h.delivery(a, 0)
		return d.State == state
	})
	return d
}

// quiet waits until nothing is under way, so that the clock may be moved.
func (h *house) quiet() {
	h.t.Helper()
	h.await("quiet", func() bool {
		under := int64(0)
		h.must(h.db.View(context.Background(), func(tx *store.Tx) error {
			states, err := tx.QueueStates()
			for _, q := range states {
				under += q.UnderWay
			}
			return err
		}))
		return under == 0
	})
}

// untilDelivered moves the clock from retry to retry.
func (h *house) untilDelivered(c *courier.Courier, a *intake.Accepted) {
	h.t.Helper()
	h.await("delivery", func() bool {
		h.quiet()
		h.clock.move(10 * time.Minute)
		c.Wake()
		return h.delivery(a, 0).State == styk.Delivered
	})
}

// once checks that the world has everything of a post exactly once.
func (h *house) once(a *intake.Accepted, phone string) {
	h.t.Helper()
	w := h.world
	if c, k, f := w.count(&w.contacts, phone), w.count(&w.cases, a.Number), w.count(&w.files, a.Number+"/счёт.pdf"); c != 1 || k != 1 || f != 1 {
		h.t.Errorf("%s: %d contacts, %d cases, %d files; want one of each", a.Number, c, k, f)
	}
}
