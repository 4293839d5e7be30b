package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"styk"
	"styk/connect"
	"styk/store"
)

type deliveriesCommands struct {
	List   deliveriesListCommand   `cmd:"" help:"List deliveries, newest first."`
	Show   deliveriesShowCommand   `cmd:"" help:"Show one: its steps and attempts."`
	Retry  deliveriesRetryCommand  `cmd:"" help:"Send one again, now."`
	Replay deliveriesReplayCommand `cmd:"" help:"Send again all that failed since a time."`
	Pause  deliveriesPauseCommand  `cmd:"" help:"Stop a target: what is under way ends, nothing more begins."`
	Resume deliveriesResumeCommand `cmd:"" help:"Let a paused target run again."`
}

type deliveriesListCommand struct {
	folder `json:"-"`
	State  string `default:"" enum:",due,leased,done,failed" placeholder:"STATE" help:"due (waits), leased (under way), done, or failed (needs a person)."`
	Target string `placeholder:"NAME" help:"Those to one target."`
	Cause  string `placeholder:"TEXT" help:"Those that failed for this very cause."`
	Limit  int    `default:"50" help:"How many at most."`
	Before int64  `placeholder:"ID" help:"Older ones than this: for the next page."`
}

// Help implements kong.HelpProvider.
func (*deliveriesListCommand) Help() string {
	return "Example, all that waits for a person:\n\n  styk deliveries list --state failed"
}

func (c *deliveriesListCommand) place() *folder { return &c.folder }
func (c *deliveriesListCommand) existing() bool { return true }

func (c *deliveriesListCommand) work(ctx context.Context, h *house, s *streams) error {
	if c.Limit < 1 || c.Limit > 10_000 {
		return wrongSetting("", "--limit: from 1 to 10000")
	}
	if c.Target != "" {
		if err := h.checkName(ctx, c.Target); err != nil {
			return err
		}
	}
	var rows []*store.DeliveryRow
	err := h.db.View(ctx, func(tx *store.Tx) error {
		filter := store.DeliveryFilter{State: styk.DeliveryState(c.State), Cause: c.Cause, Before: styk.ID(c.Before), Limit: c.Limit}
		if c.Target != "" {
			t, err := tx.Target(c.Target)
			if err != nil {
				return err
			}
			filter.Target = t.ID
		}
		var err error
		rows, err = tx.Deliveries(filter)
		return err
	})
	if err != nil {
		return err
	}
	table := newSheet(s.out, "ID", "TARGET", "STATE", "TICKET", "OVER THERE", "ATTEMPTS", "WHEN", "CAUSE")
	for _, r := range rows {
		table.row(fmt.Sprint(int64(r.ID)), r.TargetName, stateText(&r.Delivery, h.zone), orDash(ticketOf(r)), orDash(r.Number),
			fmt.Sprint(r.Attempts), moment(h, whenOf(&r.Delivery)), r.Cause)
	}
	if err := table.end(); err != nil {
		return err
	}
	if len(rows) == c.Limit {
		s.printf("more: --before %d\n", int64(rows[len(rows)-1].ID))
	}
	return nil
}

func ticketOf(r *store.DeliveryRow) string {
	if r.Subject == styk.SubjectNotice {
		return "letter"
	}
	return r.TicketNumber
}

func stateText(d *styk.Delivery, zone *time.Location) string {
	if d.State == styk.Due && d.Attempts > 0 {
		return "due at " + d.Due.In(zone).Format("15:04:05")
	}
	return string(d.State)
}

func whenOf(d *styk.Delivery) time.Time {
	if d.Finished.IsZero() {
		return d.Created
	}
	return d.Finished
}

func moment(h *house, t time.Time) string { return t.In(h.zone).Format("2006-01-02 15:04:05") }

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// sheet writes columns.
type sheet struct{ *tabwriter.Writer }

func newSheet(out io.Writer, columns ...string) *sheet {
	t := &sheet{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	t.row(columns...)
	return t
}

func (t *sheet) row(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.Join(strings.Fields(c), " ")
	}
	fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

func (t *sheet) end() error { return t.Flush() }

type deliveriesShowCommand struct {
	folder   `json:"-"`
	ID       int64 `arg:"" help:"The delivery, as the list numbers it."`
	Requests bool  `help:"Show the exact requests and answers, secrets masked."`
	DryRun   bool  `help:"Show the requests that it would send now; only logins and look-ups are really made."`
}

// Help implements kong.HelpProvider.
func (*deliveriesShowCommand) Help() string {
	return "Examples:\n\n  styk deliveries show 17 --requests\n  styk deliveries show 17 --dry-run"
}

func (c *deliveriesShowCommand) place() *folder { return &c.folder }
func (c *deliveriesShowCommand) existing() bool { return true }

func (c *deliveriesShowCommand) work(ctx context.Context, h *house, s *streams) error {
	if c.DryRun {
		return dryRun(ctx, h, s, styk.ID(c.ID))
	}
	v, err := h.delivery(ctx, styk.ID(c.ID))
	if err != nil {
		return err
	}
	d := v.delivery
	s.printf("delivery %d to %s (%s): %s\n", c.ID, v.target.Name, v.target.Kind, stateText(d, h.zone))
	s.printf("created %s, %d attempts\n", moment(h, d.Created), d.Attempts)
	if d.Number != "" || d.URL != "" {
		s.printf("over there: %s\n", strings.TrimSpace(d.Number+" "+d.URL))
	}
	if d.Cause != "" {
		s.printf("cause: %s\n", d.Cause)
	}
	for _, step := range v.steps {
		state := "started, outcome unknown"
		if step.Done {
			state = "done"
		}
		s.printf("  step %-14s %s %s\n", step.Name, state, strings.TrimSpace(step.Foreign+" "+step.Number))
	}
	for _, a := range v.attempts {
		s.printf("attempt %d at %s, %v: %s\n", a.Number, moment(h, a.Started), a.Ended.Sub(a.Started).Round(time.Millisecond), a.Outcome)
		if a.Cause != "" {
			s.printf("  %s\n  (%s)\n", a.Cause, a.Err)
		}
		for _, w := range a.Warnings {
			s.printf("  warning: %s\n", w)
		}
		if c.Requests {
			printExchanges(s, a.Exchanges)
		}
	}
	return nil
}

// deliveryView is a delivery with all that is known of it.
type deliveryView struct {
	delivery *styk.Delivery
	target   *styk.Target
	steps    []styk.Step
	attempts []*styk.Attempt
}

func (h *house) delivery(ctx context.Context, id styk.ID) (v deliveryView, err error) {
	err = h.db.View(ctx, func(tx *store.Tx) error {
		if v.delivery, err = tx.Delivery(id); err != nil {
			return err
		}
		if v.target, err = tx.TargetByID(v.delivery.Target); err != nil {
			return err
		}
		if v.steps, err = tx.Steps(id); err != nil {
			return err
		}
		v.attempts, err = tx.Attempts(id)
		return err
	})
	return v, noSuchDelivery(id, err)
}

func noSuchDelivery(id styk.ID, err error) error {
	if styk.CodeOf(err) == styk.NotFound {
		return wrongSetting("styk deliveries list numbers them", "there is no delivery %d", int64(id))
	}
	return err
}

// printExchanges writes requests and answers as they went over the wire.
func printExchanges(s *streams, list []styk.Exchange) {
	for _, x := range list {
		head := x.Method + " " + x.URL
		if x.Step != "" {
			head += "   step " + x.Step
		}
		switch {
		case x.DryRun:
			head += "   NOT SENT"
		case x.Status == 0:
			head += "   no answer: " + x.Err
		default:
			head += fmt.Sprintf("   %d in %v", x.Status, x.Total.Round(time.Millisecond))
		}
		s.printf("  > %s\n", head)
		indent(s, x.RequestBody)
		if x.Status != 0 {
			s.printf("  < %d\n", x.Status)
			indent(s, x.AnswerBody)
		}
	}
}

func indent(s *streams, body string) {
	for line := range strings.Lines(body) {
		s.printf("    %s\n", strings.TrimRight(line, "\r\n"))
	}
}

func dryRun(ctx context.Context, h *house, s *streams, id styk.ID) error {
	list, err := h.courier.DryRun(ctx, id)
	if len(list) == 0 && styk.CodeOf(err) == styk.NotFound {
		return noSuchDelivery(id, err)
	}
	printExchanges(s, list)
	if err != nil && !errors.Is(err, connect.ErrDryRun) {
		s.printf("%s\n  (%v)\n", connect.Explain(err), err)
		return exitError(exitFailed)
	}
	s.printf("dry run: nothing was written over there\n")
	return nil
}

type deliveriesRetryCommand struct {
	folder `json:"-"`
	ID     int64 `arg:"" help:"The delivery, as the list numbers it."`
	DryRun bool  `help:"Show the requests, send none but logins and look-ups."`
}

// Help implements kong.HelpProvider.
func (*deliveriesRetryCommand) Help() string {
	return "Done steps stay done: nothing is doubled over there. Example:\n\n  styk deliveries retry 17"
}

func (c *deliveriesRetryCommand) place() *folder { return &c.folder }
func (c *deliveriesRetryCommand) existing() bool { return true }

func (c *deliveriesRetryCommand) work(ctx context.Context, h *house, s *streams) error {
	if c.DryRun {
		return dryRun(ctx, h, s, styk.ID(c.ID))
	}
	err := noSuchDelivery(styk.ID(c.ID), h.courier.Retry(ctx, styk.ID(c.ID)))
	if styk.CodeOf(err) == styk.Conflict {
		return wrongSetting("styk deliveries show tells how it stands", "delivery %d is under way or done", c.ID)
	}
	if err == nil {
		s.printf("delivery %d is due now%s\n", c.ID, h.later())
	}
	return err
}

// later says when something is sent, where nothing serves.
func (h *house) later() string {
	if h.serving == nil {
		return "; it goes when styk serve runs"
	}
	return ""
}

type deliveriesReplayCommand struct {
	folder      `json:"-"`
	FailedSince string `required:"" placeholder:"TIME" help:"How long back (24h, 3d) or since when (2026-11-20, 2026-11-20T15:00)."`
	Target      string `placeholder:"NAME" help:"Those to one target."`
	Cause       string `placeholder:"TEXT" help:"Those that failed for this very cause."`
	DryRun      bool   `help:"Count them, and show the requests of the newest; send none but logins and look-ups."`
}

// Help implements kong.HelpProvider.
func (*deliveriesReplayCommand) Help() string {
	return "After the cause is mended. Done steps stay done. Examples:\n\n  styk deliveries replay --failed-since 24h\n" +
		"  styk deliveries replay --failed-since 2026-11-20 --target crm --dry-run"
}

func (c *deliveriesReplayCommand) place() *folder { return &c.folder }
func (c *deliveriesReplayCommand) existing() bool { return true }

func (c *deliveriesReplayCommand) work(ctx context.Context, h *house, s *streams) error {
	since, err := parseSince(c.FailedSince, h.now(), h.zone)
	if err != nil {
		return err
	}
	if c.Target != "" {
		if err := h.checkName(ctx, c.Target); err != nil {
			return err
		}
	}
	if c.DryRun {
		return c.show(ctx, h, s, since)
	}
	n, err := h.courier.Replay(ctx, c.Target, c.Cause, since)
	if err == nil {
		s.printf("%d deliveries are due again%s\n", n, h.later())
	}
	return err
}

func (c *deliveriesReplayCommand) show(ctx context.Context, h *house, s *streams, since time.Time) error {
	const most = 100_000
	var n int64
	var newest []*store.DeliveryRow
	err := h.db.View(ctx, func(tx *store.Tx) (err error) {
		filter := store.DeliveryFilter{State: styk.NeedsHand, Cause: c.Cause, Since: since, Limit: 1}
		if c.Target != "" {
			t, err := tx.Target(c.Target)
			if err != nil {
				return err
			}
			filter.Target = t.ID
		}
		if n, err = tx.CountToReplay(filter, most); err != nil {
			return err
		}
		newest, err = tx.Deliveries(filter)
		return err
	})
	if err != nil {
		return err
	}
	s.printf("%d deliveries would be sent again\n", n)
	if len(newest) == 0 {
		return nil
	}
	s.printf("the newest, %d, would send:\n", int64(newest[0].ID))
	return dryRun(ctx, h, s, newest[0].ID)
}

// parseSince reads a length of time back from now, or a moment in the zone.
func parseSince(text string, now time.Time, zone *time.Location) (time.Time, error) {
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); n == 1 && err == nil && text == fmt.Sprintf("%dd", days) && days >= 0 {
		return now.AddDate(0, 0, -days), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02 15:04", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, wrongSetting("such as 24h, 3d, 2026-11-20 or 2026-11-20T15:00", "--failed-since: %q is no time", text)
}

type deliveriesPauseCommand struct {
	folder `json:"-"`
	Target string `arg:"" help:"Name of the target."`
	Why    string `placeholder:"TEXT" help:"Said beside it until it runs again."`
}

// Help implements kong.HelpProvider.
func (*deliveriesPauseCommand) Help() string {
	return "Forms are taken all the same; what waits costs nothing. Example:\n\n" +
		"  styk deliveries pause crm --why \"Обновление CRM до 18:00\""
}

func (c *deliveriesPauseCommand) place() *folder { return &c.folder }
func (c *deliveriesPauseCommand) existing() bool { return true }

func (c *deliveriesPauseCommand) work(ctx context.Context, h *house, s *streams) error {
	if err := h.checkName(ctx, c.Target); err != nil {
		return err
	}
	if err := h.courier.Pause(ctx, c.Target, c.Why); err != nil {
		return err
	}
	s.printf("%s is paused\n", c.Target)
	return nil
}

type deliveriesResumeCommand struct {
	folder `json:"-"`
	Target string `arg:"" help:"Name of the target."`
}

// Help implements kong.HelpProvider.
func (*deliveriesResumeCommand) Help() string { return "Example:\n\n  styk deliveries resume crm" }

func (c *deliveriesResumeCommand) place() *folder { return &c.folder }
func (c *deliveriesResumeCommand) existing() bool { return true }

func (c *deliveriesResumeCommand) work(ctx context.Context, h *house, s *streams) error {
	if err := h.checkName(ctx, c.Target); err != nil {
		return err
	}
	if err := h.courier.Resume(ctx, c.Target); err != nil {
		return err
	}
	s.printf("%s runs again\n", c.Target)
	return nil
}
