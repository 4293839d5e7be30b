package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"styk"
	"styk/store"
)

type benchCommand struct {
	What     string `arg:"" optional:"" default:"crm" enum:"crm,form,card" help:"What to measure: crm (web service), form (site form to CRM) or card (cards and passes)."`
	Contacts int    `default:"10000" placeholder:"N" help:"Contacts that are there before the load begins."`
	Workers  int    `default:"32" placeholder:"N" help:"Requests at once."`
	Seconds  span   `default:"10" placeholder:"N" help:"Time for each measurement."`
	Database string `placeholder:"ADDRESS" help:"An empty PostgreSQL database instead of SQLite."`
	Dir      string `placeholder:"DIR" help:"Where the folder for the run is made (the system's place)."`
	JSON     bool   `name:"json" help:"Print JSON instead of a table."`
}

// Help implements kong.HelpProvider.
func (*benchCommand) Help() string {
	return "Starts this very program's serve in a folder of its own, with default settings, and measures it over HTTP on loopback; " +
		"the load shares the machine with it. Examples:\n\n  styk bench crm\n  styk bench crm --contacts 1000000\n  styk bench form\n  styk bench card"
}

// span is a time given in seconds, 10, or with its unit, 1m30s.
type span struct{ time.Duration }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *span) UnmarshalText(text []byte) (err error) {
	if n, err := strconv.ParseFloat(string(text), 64); err == nil {
		s.Duration = time.Duration(n * float64(time.Second))
		return nil
	}
	s.Duration, err = time.ParseDuration(string(text))
	return err
}

// benchKey is the access key of the run's own user, in a folder that goes away.
const benchKey = "BenchKey00000001"

func (c *benchCommand) run(ctx context.Context, sh *shell) (err error) {
	if c.Contacts < 100 || c.Workers < 1 || c.Workers > 1000 || c.Seconds.Duration < 100*time.Millisecond {
		return wrongSetting("", "at least 100 --contacts, 1–1000 --workers, 0.1 --seconds")
	}
	dir, err := os.MkdirTemp(c.Dir, "styk-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{benchCommand: c, dir: dir, sh: sh}
	b.folder = folder{Data: filepath.Join(dir, "data"), Database: c.Database, Timezone: "Europe/Moscow"}
	if c.What == "form" {
		if err := b.measureForm(ctx); err != nil {
			return err
		}
		return b.print()
	}
	if c.What == "card" {
		if err := b.measureCard(ctx); err != nil {
			return err
		}
		return b.print()
	}
	if err := b.seed(ctx); err != nil {
		return err
	}
	child, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer func() { child.kill() }()
	if err := b.measure(ctx, child); err != nil {
		return err
	}
	child.kill()
	again, err := b.start(ctx)
	if err != nil {
		return fmt.Errorf("start after kill -9: %w", err)
	}
	b.note("ready after kill -9", again.ready.Seconds(), "s", "")
	again.kill()
	return b.print()
}

// bench is one run.
type bench struct {
	*benchCommand
	folder folder
	dir    string
	sh     *shell
	ids    []styk.ID // of the seeded contacts
	rows   []benchRow
}

// benchRow is one figure.
type benchRow struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	More  string  `json:"more,omitempty"`
}

func (b *bench) note(name string, value float64, unit, more string) {
	b.rows = append(b.rows, benchRow{name, value, unit, more})
	fmt.Fprintf(b.sh.err, "%s: %s %s %s\n", name, figure(value), unit, more)
}

func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func (b *bench) print() error {
	if b.JSON {
		encoder := json.NewEncoder(b.sh.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(map[string]any{"version": version, "contacts": b.Contacts, "workers": b.Workers,
			"seconds": b.Seconds.Duration.Seconds(), "engine": b.engine(), "figures": b.rows})
	}
	before := fmt.Sprintf("%d contacts", b.Contacts)
	if b.What != "crm" {
		before = b.What
	}
	fmt.Fprintf(b.sh.out, "styk %s, %s, %s, %d workers, %v each\n", version, b.engine(), before, b.Workers, b.Seconds.Duration)
	table := tabwriter.NewWriter(b.sh.out, 0, 0, 2, ' ', 0)
	for _, r := range b.rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t  %s\t\n", r.Name, figure(r.Value), r.Unit, r.More)
	}
	return table.Flush()
}

func (b *bench) engine() string {
	if b.Database != "" {
		return "PostgreSQL"
	}
	return "SQLite"
}

// seed fills an empty store: the user, the contacts, and the raw rate.
func (b *bench) seed(ctx context.Context) error {
	h, err := openHouse(ctx, &b.folder, "bench", slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer h.close()
	if err := b.seedUser(ctx, h.db); err != nil {
		return err
	}
	start := time.Now()
	for len(b.ids) < b.Contacts {
		if err := b.seedSlice(ctx, h.db); err != nil {
			return err
		}
	}
	fmt.Fprintf(b.sh.err, "%d contacts in %v\n", b.Contacts, time.Since(start).Round(time.Millisecond))
	if b.Database == "" {
		if err := h.db.Checkpoint(ctx); err != nil {
			return err
		}
		b.note("disk per contact", float64(sizeBelow(h.Data))/float64(b.Contacts), "bytes", "with history, match keys and search")
	}
	return b.rawRate(ctx, h.db)
}

// seedUser makes the run's user; a database in use is left alone.
func (b *bench) seedUser(ctx context.Context, db *store.DB) error {
	return db.Update(ctx, func(tx *store.Tx) error {
		users, err := tx.Users()
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return wrongSetting("give an empty one", "the database is in use: it has users")
		}
		return tx.SaveUser(&styk.User{Name: "bench", Role: styk.RoleAPI, AccessKey: benchKey})
	})
}

func (b *bench) seedSlice(ctx context.Context, db *store.DB) error {
	n := min(500, b.Contacts-len(b.ids))
	ids := make([]styk.ID, n)
	err := db.Update(ctx, func(tx *store.Tx) error {
		for i := range n {
			c := benchContact(len(b.ids) + i)
			if err := tx.Insert(c, store.By{Origin: "bench"}); err != nil {
				return err
			}
			ids[i] = c.ID
		}
		return nil
	})
	b.ids = append(b.ids, ids...)
	return err
}

// rawRate is how many contacts the same store takes per second from as many
// goroutines, each durable before the next: what HTTP could reach at best.
func (b *bench) rawRate(ctx context.Context, db *store.DB) error {
	var next, stored atomic.Int64
	var all sync.WaitGroup
	errs := make(chan error, b.Workers)
	start := time.Now()
	for range b.Workers {
		all.Go(func() {
			for time.Since(start) < b.Seconds.Duration {
				n := int(next.Add(1))
				err := db.Update(ctx, func(tx *store.Tx) error {
					return tx.Insert(benchContact(rawPhones+n), store.By{Origin: "bench"})
				})
				if err != nil {
					errs <- err
					return
				}
				stored.Add(1)
			}
		})
	}
	all.Wait()
	close(errs)
	b.note("raw inserts into the same store", float64(stored.Load())/time.Since(start).Seconds(), "/s", "durable, with history and search, no HTTP")
	return <-errs
}

// The phones of the run: seeded ones from 0, those of the raw rate, and those
// that CreateContact has not seen.
const (
	rawPhones   = 400_000_000
	freshPhones = 700_000_000
)

func benchPhone(n int) string {
	return fmt.Sprintf("+7(9%02d) %03d-%02d-%02d", n/10_000_000, n/10_000%1000, n/100%100, n%100)
}

func benchContact(n int) *styk.Contact {
	c := &styk.Contact{FirstName: "Василий", SecondName: "Алибабаевич", LastName: "Пупкинидзе" + letters(n), Mobile: benchPhone(n),
		Email: fmt.Sprintf("client%d@example.ru", n), TelegramID: fmt.Sprint(n), Birthday: "1986-11-15", Birthplace: "г. Владивосток",
		Address: "г. Калининград, ул. Мира, д. " + fmt.Sprint(n%100), INN: fmt.Sprintf("%012d", n), Requisites: "шлите на карту"}
	c.Source = "WEBSERVICE"
	return c
}

// letters makes family names differ, as they do.
func letters(n int) string {
	const abc = "абвгдежзиклмнопрстуфхцчшэюя"
	runes := []rune(abc)
	text := make([]rune, 0, 6)
	for range 4 {
		text = append(text, runes[n%len(runes)])
		n /= len(runes)
	}
	return string(text)
}

func sizeBelow(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasPrefix(d.Name(), databaseFile) {
			if info, err := d.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}

// measure runs the loads one after the other.
func (b *bench) measure(ctx context.Context, child *benchChild) error {
	b.note("first answer after start", child.first.Seconds(), "s", "")
	if size, err := binarySize(); err == nil {
		b.note("binary", float64(size)/1e6, "MB", "")
	}
	time.Sleep(2 * time.Second) // idle is what is left when nothing happens
	b.note("memory, idle", child.rss(), "MB", "")
	session, err := benchLogin(child.address)
	if err != nil {
		return err
	}
	peak := child.watch(ctx)
	loads := []struct {
		name string
		make func(worker int) requester
	}{
		{"login handshake", func(int) requester { return &loginLoad{host: child.address} }},
		{"CreateContact, half known", b.createLoad(child.address, session)},
		{"query by mobile", b.queryLoad(child.address, session)},
		{"retrieve", b.retrieveLoad(child.address, session)},
	}
	for _, l := range loads {
		r, err := runLoad(ctx, child.address, b.Workers, b.Seconds.Duration, l.make)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		b.note(l.name, r.rate, "/s", fmt.Sprintf("p50 %s ms, p99 %s ms", figure(r.p50), figure(r.p99)))
	}
	b.note("memory under load, highest", peak(), "MB", "")
	return nil
}

// benchLogin opens one session by the program's own client.
func benchLogin(address string) (string, error) {
	conn, err := dialLoad(address)
	if err != nil {
		return "", err
	}
	defer conn.close()
	l := &loginLoad{host: address}
	for range 2 { // challenge, login
		if err := conn.roundTrip(l); err != nil {
			return "", err
		}
	}
	if l.session == "" {
		return "", fmt.Errorf("log in: the answer holds no session")
	}
	return l.session, nil
}
