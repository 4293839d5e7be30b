package main

import (
	"context"
	"fmt"
	"log/slog"

	"styk"
)

// demoKey is the published access key of the demo's user api. It must never
// open anything but a demo.
const demoKey = "DemoKey000000001"

// demoToken is the published token of the demo's card API; the same holds.
const demoToken = "demo-passteam-token"

// The pair of the first document with which GetFilesList is tried.
const (
	demoINN = "643922466250"
	demoSMS = "795372"
)

type demoCommand struct {
	serving
	Graduate bool `help:"Turn the demo's folder into one for real work, and end: keeps forms, card templates and your own connections, drops the rest, renews every key."`
}

// Help implements kong.HelpProvider.
func (*demoCommand) Help() string {
	return "Needs nothing and changes nothing outside its folder; another start finds what the last one left. " +
		"Only warnings are logged; --log-level debug shows everything. Example:\n\n" +
		"  styk demo\n  styk demo --listen 127.0.0.1:9000 --data /tmp/styk-demo\n  styk demo --graduate --data ./styk-demo"
}

func (c *demoCommand) run(ctx context.Context, sh *shell) error {
	if err := c.settle("./styk-demo"); err != nil {
		return err
	}
	if c.Graduate {
		return c.graduate(ctx, sh)
	}
	if !loopback(c.Listen) {
		return wrongSetting("for others to reach it: styk serve --listen "+c.Listen+", and users of your own",
			"--listen %s: the demo's key is published, so it listens on this machine only (127.0.0.1 or ::1)", c.Listen)
	}
	if c.LogLevel == slog.LevelInfo { // each delivery is a line: they would push the one-time link off the screen
		c.LogLevel = slog.LevelWarn
	}
	s, err := c.open(ctx, sh, "demo")
	if err != nil {
		return err
	}
	defer s.close()
	s.demo = true
	if err := fillDemo(ctx, s.h); err != nil {
		return fmt.Errorf("sample data: %w", err)
	}
	world, err := startWorld(ctx, s)
	if err != nil {
		return fmt.Errorf("simulators: %w", err)
	}
	defer world.end()
	s.sandbox = world.sandbox()
	if err := world.furnish(ctx, s.h, "http://"+c.Listen); err != nil {
		return fmt.Errorf("sample data: %w", err)
	}
	s.h.cards.PublicURL = "http://" + c.Listen
	if err := issueDemo(ctx, s.h, "http://"+c.Listen); err != nil {
		return fmt.Errorf("sample cards: %w", err)
	}
	s.notes = append(s.notes, demoNotes(c.Listen)...)
	s.notes = append(s.notes, world.notes("http://"+c.Listen)...)
	s.notes = append(s.notes, world.cardNotes(s.h, "http://"+c.Listen)...)
	s.notes = append(s.notes, "", "Ctrl-C ends it.")
	return s.serve(ctx, sh)
}

func demoNotes(listen string) []string {
	base := "http://" + listen
	return []string{
		"",
		"This is the demo: invented data, published key, this machine only.",
		"  open          " + base + "/",
		"  web service   " + base + "/webservice.php   user api, access key " + demoKey,
		"  a form        " + base + "/modules/Webforms/capture.php   publicid " + demoWebform.PublicID,
		"  test pair     INN " + demoINN + ", SMS " + demoSMS,
		"",
		"Try it:",
		"  curl '" + base + "/webservice.php?operation=getchallenge&username=api'",
		"  PHP:  $endpointUrl = \"" + base + "/webservice.php\"; $username = \"api\"; $userAccessKey = \"" + demoKey + "\";",
	}
}

// demoWebform is the form of the README and of the YAML example.
var demoWebform = styk.Webform{
	Name:     "Анкета",
	PublicID: "0123456789abcdef0123456789abcdef",
	Module:   "Contacts",
	Fields: []string{"firstname", "secondname", "lastname", "mobile", "email", "tgid", "birthday", "birthplace",
		"mailingstreet", "inn", "requisites", "code"},
	Files: []styk.FilePart{
		{Part: "file_1_1", Title: demoTitles[0]},
		{Part: "file_1_2", Title: demoTitles[1]},
		{Part: "file_1_3", Title: demoTitles[2]},
	},
	Match: styk.MatchPhone,
}

// demoTitles are the three files of the first document.
var demoTitles = [3]string{"договор", "подтверждение оплаты", "Скриншот прогресса обучения/личного кабинета"}
