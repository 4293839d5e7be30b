package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"styk"
	"styk/store"
)

type tortureCommand struct {
	Submissions int    `default:"2000" placeholder:"N" help:"Forms with files that are sent."`
	Kills       int    `default:"100" placeholder:"N" help:"How often serve is killed meanwhile, without a warning."`
	Cards       int    `placeholder:"N" help:"Cards instead of forms: so many updates, with phones that fetch them."`
	Processes   int    `default:"1" placeholder:"N" help:"How many serve at once; more than one needs --database."`
	Database    string `placeholder:"ADDRESS" help:"An empty PostgreSQL database instead of SQLite."`
	Seed        uint64 `default:"1" placeholder:"N" help:"Of the chance that chooses moments and faults."`
	Dir         string `placeholder:"DIR" help:"Where the folder for the run is made (the system's place)."`
}

// Help implements kong.HelpProvider.
func (*tortureCommand) Help() string {
	return "Starts this very program's serve and a simulated CRM, sends forms with keys and files, kills serve again and again and makes " +
		"the CRM misbehave; then mends all, waits, and compares: each accepted form is one contact, case, message and set of files over " +
		"there, or the exit code is 1. Example:\n\n  styk torture --submissions 2000 --kills 100\n" +
		"  styk torture --cards 10000 --kills 100"
}

func (c *tortureCommand) run(ctx context.Context, sh *shell) error {
	if c.Submissions < 10 || c.Kills < 0 || c.Processes < 1 || c.Processes > 8 {
		return wrongSetting("", "at least 10 --submissions, 0 --kills, 1–8 --processes")
	}
	if c.Processes > 1 && c.Database == "" {
		return wrongSetting("give an empty PostgreSQL database", "--processes %d need --database", c.Processes)
	}
	dir, err := os.MkdirTemp(c.Dir, "styk-torture-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if c.Cards > 0 {
		return c.runCards(ctx, sh, dir)
	}
	t := &torture{tortureCommand: c, dir: dir, sh: sh, random: rand.New(rand.NewPCG(c.Seed, 7)), begin: time.Now(),
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: tortureSenders}}}
	defer t.killAll()
	if err := t.prepare(ctx); err != nil {
		return err
	}
	if err := t.torment(ctx); err != nil {
		return err
	}
	if err := t.settle(ctx); err != nil {
		return err
	}
	return t.judge(ctx)
}

// torture is one run.
type torture struct {
	*tortureCommand
	dir    string
	sh     *shell
	client *http.Client
	random *rand.Rand // of the one who kills
	begin  time.Time
	sim    *benchChild
	houses []*tortured

	accepted atomic.Int64
	killed   atomic.Int64
	numbers  []string // by submission
	retries  atomic.Int64
	early    int // delivered before anything was mended
	faults   int
}

// tortured is one serve and where it serves.
type tortured struct {
	folder  folder
	address string
	child   *benchChild
	more    []string // flags of serve
}

const (
	tortureSenders = 8
	tortureForm    = "torture"
)

// prepare makes the folders and starts everything.
func (t *torture) prepare(ctx context.Context) (err error) {
	t.numbers = make([]string, t.Submissions)
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	if t.sim, err = startChild(ctx, address, "/_sim/state", "sim", "creatio", "--listen", address, "--platform", "net"); err != nil {
		return err
	}
	yaml := filepath.Join(t.dir, "torture.yaml")
	if err := os.WriteFile(yaml, []byte(fmt.Sprintf(tortureYAML, "http://"+address)), 0o600); err != nil {
		return err
	}
	for i := range t.Processes {
		h := &tortured{folder: folder{Data: filepath.Join(t.dir, fmt.Sprint("data", i)), Database: t.Database, Timezone: "Europe/Moscow"}}
		if i > 0 {
			if err := h.share(t.houses[0]); err != nil {
				return err
			}
		}
		t.houses = append(t.houses, h)
		if h.address, err = freeAddress(ctx); err != nil {
			return err
		}
		if i == 0 {
			if err := h.apply(ctx, yaml); err != nil {
				return err
			}
		}
		if err := h.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

const tortureYAML = `targets:
  - name: crm
    kind: creatio
    parallel: 8
    settings: {url: %q, user: api, password: secret, external_id_column: UsrExternalId}
forms:
  - name: ` + tortureForm + `
    title: Проверка
    targets: [crm]
    wait: 0s
    fields:
      - {name: topic, type: text, required: true}
      - {name: company, type: text}
      - {name: name, type: text, required: true}
      - {name: phone, type: phone, required: true}
      - {name: message, type: textarea, required: true}
      - {name: file, type: file, required: true}
`

// share lets a second process use the files and the key of the first, as a
// folder that both machines have would.
func (h *tortured) share(first *tortured) error {
	h.folder.KeyFile = first.folder.keyPath()
	if err := os.Mkdir(h.folder.Data, 0o700); err != nil {
		return err
	}
	return os.Symlink(filepath.Join(first.folder.Data, "blobs"), filepath.Join(h.folder.Data, "blobs"))
}

// apply brings the target and the form into an empty folder.
func (h *tortured) apply(ctx context.Context, file string) error {
	return h.open(ctx, func(in *house) error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var users []*styk.User
		err = in.db.View(ctx, func(tx *store.Tx) (err error) {
			users, err = tx.Users()
			return err
		})
		if err == nil && len(users) > 0 {
			err = wrongSetting("give an empty one", "the database is in use: it has users")
		}
		if err == nil {
			_, err = applyYAML(ctx, in, file, text, false)
		}
		return err
	})
}

// open works on the folder in this process, while nobody serves it.
func (h *tortured) open(ctx context.Context, with func(*house) error) error {
	f := h.folder
	in, err := openHouse(ctx, &f, "torture", slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(with(in), in.close())
}

func (h *tortured) start(ctx context.Context) (err error) {
	args := []string{"serve", "--data", h.folder.Data, "--listen", h.address, "--log-level", "error"}
	if h.folder.Database != "" {
		args = append(args, "--database", h.folder.Database)
	}
	if h.folder.KeyFile != "" {
		args = append(args, "--key-file", h.folder.KeyFile)
	}
	args = append(args, h.more...)
	h.child, err = startChild(ctx, h.address, "/readyz", args...)
	return err
}

// startChild runs this program and waits until path answers.
func startChild(ctx context.Context, address, path string, args ...string) (*benchChild, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	child := &benchChild{cmd: exec.CommandContext(ctx, program, args...), address: address}
	child.cmd.Stderr = &said
	begin := time.Now()
	if err := child.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(begin) < 30*time.Second && ctx.Err() == nil {
		if status(address, path) == http.StatusOK {
			return child, nil
		}
		time.Sleep(2 * time.Millisecond)
	}
	child.kill()
	return nil, fmt.Errorf("%s did not answer in 30 s\n%s", args[0], said.String())
}

func (t *torture) killAll() {
	for _, h := range t.houses {
		if h.child != nil {
			h.child.kill()
		}
	}
	if t.sim != nil {
		t.sim.kill()
	}
}

// torment sends everything while one kills and throws faults. Both keep step,
// so that kills fall all along the way.
func (t *torture) torment(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range tortureSenders {
		all.Go(func() error {
			for {
				n := int(next.Add(1)) - 1
				if n >= t.Submissions {
					return nil
				}
				if err := t.await(ctx, func() bool { return int64(n) < t.due(t.killed.Load()+1) }); err != nil {
					return err
				}
				if err := t.send(ctx, n); err != nil {
					return err
				}
			}
		})
	}
	all.Go(func() error { return t.harass(ctx) })
	return all.Wait()
}

// due is how many forms belong before the kill of that number.
func (t *torture) due(kills int64) int64 {
	return kills * int64(t.Submissions) / int64(t.Kills+1)
}

func (t *torture) await(ctx context.Context, until func() bool) error {
	for !until() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	return nil
}

// harass kills at random moments.
func (t *torture) harass(ctx context.Context) error {
	for n := range t.Kills {
		if err := t.throw(ctx, tortureFaults[n%len(tortureFaults)]); err != nil {
			return err
		}
		// Some forms of this turn are taken, others are on their way.
		least := t.due(int64(n)) + t.random.Int64N(max(1, t.due(int64(n)+1)-t.due(int64(n))))
		if err := t.await(ctx, func() bool { return t.accepted.Load() >= least }); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(t.random.Int64N(int64(250 * time.Millisecond)))):
		}
		h := t.houses[t.random.IntN(len(t.houses))]
		h.child.kill()
		t.killed.Add(1)
		if err := h.start(ctx); err != nil {
			return err
		}
		if n%4 == 3 { // a rejected login stops the target until a person says otherwise
			if err := h.resume(ctx); err != nil {
				return err
			}
		}
	}
	return t.throw(ctx, "")
}

// tortureFaults are thrown in turn; each ends by itself after some uses.
var tortureFaults = []string{
	`{"name":"commit-then","value":"500","times":2}`, `{"name":"commit-then","value":"reset","times":2}`,
	`{"name":"expired","value":"401-empty","times":2}`, `{"name":"file","value":"drop-at-chunk 1","times":1}`,
	`{"name":"commit-then","value":"timeout","times":1}`, `{"name":"expired","value":"401-json","times":1}`,
	`{"name":"commit-then","value":"reset","times":1,"entity":"Case"}`, `{"name":"rate","value":"503","times":2}`,
	`{"name":"number","value":"late","times":4}`, `{"name":"commit-then","value":"500","times":1,"entity":"SocialMessage"}`,
	`{"name":"expired","value":"302","times":1}`, `{"name":"file","value":"200-empty","times":1}`,
	`{"name":"commit-then","value":"reset","times":1,"entity":"Contact"}`, `{"name":"login","value":"403","times":1}`,
	`{"name":"odata-model","value":"rebuilding","times":2}`, `{"name":"latency","value":"40ms","times":30}`,
	`{"name":"expired","value":"302-followed-200-html","times":1}`, `{"name":"permission","value":"Case","times":1}`,
	`{"name":"rate","value":"429","times":1}`, `{"name":"commit-then","value":"500","times":1,"entity":"Account"}`,
	`{"name":"expire-after-calls","value":"9","times":3}`, `{"name":"login","value":"code1","times":1}`,
	`{"name":"sessionid","value":"reissue-each-call","times":5}`, `{"name":"csrf","value":"late","times":2}`,
	`{"name":"permission","value":"CaseFile","times":1}`, `{"name":"login","value":"html","times":1}`,
	`{"name":"expired","value":"403","times":1}`, `{"name":"commit-then","value":"reset","times":1,"entity":"CaseFile"}`,
}

// throw sets a fault of the CRM; "" ends all of them.
func (t *torture) throw(ctx context.Context, fault string) error {
	if fault == "" {
		fault = `{"name":"calm"}`
	} else {
		t.faults++
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.sim.address+"/_sim/fault", strings.NewReader(fault))
	if err != nil {
		return err
	}
	resp, err := t.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
		return fmt.Errorf("fault %s: %s", fault, text)
	}
	return nil
}

func (h *tortured) resume(ctx context.Context) error {
	c := &deliveriesResumeCommand{folder: h.folder, Target: "crm"}
	return workInside(ctx, c, &shell{in: emptyReader{}, out: io.Discard, err: io.Discard})
}

// settle ends the torment: everything that waits is sent now, by processes that
// nobody kills any more.
func (t *torture) settle(ctx context.Context) error {
	for turn := range 4 {
		for _, h := range t.houses {
			h.child.kill()
		}
		err := t.houses[0].open(ctx, func(in *house) (err error) {
			if turn == 0 {
				if t.early, err = countDelivered(ctx, in); err != nil {
					return err
				}
			}
			return mendAll(ctx, in)
		})
		if err != nil {
			return err
		}
		for _, h := range t.houses {
			if err := h.start(ctx); err != nil {
				return err
			}
		}
		begin := time.Now()
		for time.Since(begin) < 45*time.Second && ctx.Err() == nil {
			if t.drained(ctx) {
				return nil
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return ctx.Err() // what still waits is told by judge
}

// drained says whether nothing waits or is under way.
func (t *torture) drained(ctx context.Context) bool {
	body, err := t.get(ctx, "http://"+t.houses[0].address+"/metrics")
	for _, state := range []string{"due", "leased", "failed"} {
		if !bytes.Contains(body, []byte(`styk_deliveries{state="`+state+`",target="crm"} 0`)) {
			return false
		}
	}
	return err == nil
}

func (t *torture) get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := t.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

func countDelivered(ctx context.Context, in *house) (n int, err error) {
	err = in.db.View(ctx, func(tx *store.Tx) error {
		n = 0
		filter := store.DeliveryFilter{State: styk.Delivered, Limit: 500}
		for {
			rows, err := tx.Deliveries(filter)
			if err != nil || len(rows) == 0 {
				return err
			}
			n += len(rows)
			filter.Before = rows[len(rows)-1].ID
		}
	})
	return n, err
}

// mendAll makes everything due that is not done; nobody serves meanwhile.
func mendAll(ctx context.Context, in *house) error {
	if err := in.courier.Resume(ctx, "crm"); err != nil {
		return err
	}
	if _, err := in.courier.Replay(ctx, "", "", time.Time{}); err != nil {
		return err
	}
	return in.db.Update(ctx, func(tx *store.Tx) error {
		for {
			n, err := tx.ReturnLeases(true, 500)
			if err != nil {
				return err
			}
			if n < 500 {
				break
			}
		}
		filter := store.DeliveryFilter{State: styk.Due, Limit: 500}
		for {
			rows, err := tx.Deliveries(filter)
			if err != nil || len(rows) == 0 {
				return err
			}
			for _, r := range rows {
				if r.Attempts == 0 {
					continue
				}
				if _, err := tx.SendAgain(r.ID); err != nil && styk.CodeOf(err) != styk.Conflict {
					return err
				}
			}
			filter.Before = rows[len(rows)-1].ID
		}
	})
}
