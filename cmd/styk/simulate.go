package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"styk/creatio"
	"styk/notice"
	"styk/passteam"
	"styk/vtiger"
	"styk/wallet"
)

type simCommand struct {
	What     string   `arg:"" enum:"creatio,vtiger,passteam,apns,smtp" help:"Which system to play: creatio, vtiger, passteam, apns or smtp."`
	Listen   string   `placeholder:"ADDRESS" help:"Address to listen on (creatio: 127.0.0.1:9001, vtiger: :9002, passteam: :9004, apns: :9005, smtp: :2525)."`
	Fault    []string `placeholder:"NAME" sep:"none" help:"A fault from the start, NAME[=VALUE][:TIMES]; may be given several times."`
	Platform string   `default:"framework" enum:"framework,net,bpmsoft" help:"Flavour of creatio: framework, net or bpmsoft."`
	Storage  string   `default:"readonly" enum:"readonly,put,folder" help:"How vtiger lets files be overwritten: readonly, put or folder."`
	Cards    int      `placeholder:"N" help:"How many cards passteam begins with."`
	Trust    string   `placeholder:"FILE" help:"Where apns writes the certificate that its callers must trust (serve --push-trust)."`
	Public   bool     `name:"i-know-this-is-public" help:"Listen where others can reach it."`
}

// Help implements kong.HelpProvider.
func (*simCommand) Help() string {
	return "A system to practise on, in memory; GET /_sim/state shows what it holds, POST /_sim/fault makes it misbehave, " +
		`{"name":"calm"} ends that. Who may sign in: creatio api and secret, vtiger api and ` + demoKey + ", passteam the token passteam-secret, apns any development certificate, smtp anybody. " +
		"Examples:\n\n  styk sim creatio --listen 127.0.0.1:9001\n  styk sim creatio --fault commit-then=500:3\n" +
		"  styk sim smtp --fault 451:2\n\nFaults of creatio: " + switchNames(creatio.SimSwitches()) +
		".\nFaults of vtiger: " + switchNames(vtiger.SimSwitches()) + ".\nFaults of passteam: " + switchNames(passteam.SimSwitches()) +
		".\nFaults of apns: " + switchNames(wallet.SimSwitches()) + ".\nFaults of smtp: 450, 451, 550, 535, quota, slow=5s, " +
		"cut-before-data, cut-after-data, no-starttls, bad-cert and more."
}

func switchNames(all map[string][]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if len(all[name]) > 0 {
			name += "=" + strings.Join(all[name], "|")
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}

// simAddresses are where the simulators stand when nobody says otherwise.
var simAddresses = map[string]string{"creatio": "127.0.0.1:9001", "vtiger": "127.0.0.1:9002", "passteam": "127.0.0.1:9004",
	"apns": "127.0.0.1:9005", "smtp": "127.0.0.1:2525"}

func (c *simCommand) run(ctx context.Context, sh *shell) error {
	if c.Listen == "" {
		c.Listen = simAddresses[c.What]
	}
	if !loopback(c.Listen) && !c.Public {
		return wrongSetting("it takes any data from anybody; if that is meant: --i-know-this-is-public",
			"--listen %s: a simulator listens on this machine only", c.Listen)
	}
	s := c.simulator()
	for _, text := range c.Fault {
		if err := s.fault(text); err != nil {
			return wrongSetting("styk help sim lists them", "--fault: %v", err)
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	scheme := "http"
	if c.What == "apns" {
		scheme = "https"
	}
	fmt.Fprintf(sh.out, "sim %s on %s\nstate %s://%s/_sim/state\n", c.What, listener.Addr(), scheme, listener.Addr())
	return s.serve(ctx, listener)
}

// simulator plays a foreign system.
type simulator struct {
	fault func(text string) error
	serve func(ctx context.Context, l net.Listener) error
	http  http.Handler
}

func (c *simCommand) simulator() *simulator {
	switch c.What {
	case "passteam":
		sim := passteam.NewSim(passteam.SimCards(c.Cards))
		return &simulator{faulty(passteam.ParseFault, sim.Fault), serveSim(sim), sim}
	case "apns":
		sim := wallet.NewAPNsSim(wallet.SimAnyDevice())
		return &simulator{faulty(wallet.ParseFault, sim.Fault), c.serveTrusted(sim), sim}
	}
	return newSimulator(c.What, c.Platform, c.Storage)
}

func newSimulator(what, platform, storage string) *simulator {
	switch what {
	case "vtiger":
		sim := vtiger.NewSim(vtiger.SimStorage(storage))
		return &simulator{faulty(vtiger.ParseFault, sim.Fault), serveSim(sim), sim}
	case "smtp":
		sim := notice.NewSim()
		return &simulator{faulty(notice.ParseFault, sim.Fault), sim.Serve, sim}
	}
	sim := creatio.NewSim(creatio.Platform(platform))
	return &simulator{faulty(creatio.ParseFault, sim.Fault), serveSim(sim), sim}
}

func faulty[F any](parse func(string) (F, error), set func(F) error) func(string) error {
	return func(text string) error {
		f, err := parse(text)
		if err != nil {
			return err
		}
		return set(f)
	}
}

// serveSim answers until ctx ends; calls under way are cut.
func serveSim(sim http.Handler) func(ctx context.Context, l net.Listener) error {
	return func(ctx context.Context, l net.Listener) error {
		server := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}
		all, ctx := errgroup.WithContext(ctx)
		all.Go(func() error {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		all.Go(func() error {
			<-ctx.Done()
			return server.Close()
		})
		return all.Wait()
	}
}
