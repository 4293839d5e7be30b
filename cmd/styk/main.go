// Command styk joins a company's website, its CRM, its till and its customers'
// phones in one program. This folder assembles the rooms of the house: flags,
// environment, the commands, metrics, backup. It holds no rule of the business.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones without the system's own files

	"golang.org/x/term"
)

// version is set by the linker, see the Makefile.
var version = "dev"

// cli is every command. A further one is a file of its own and a line here.
type cli struct {
	Demo       demoCommand        `cmd:"" help:"Try it: a ready system with sample data, on this machine only."`
	Serve      serveCommand       `cmd:"" help:"Serve: the program as it runs in a company."`
	User       userCommands       `cmd:"" help:"Users, programs and people: add, list, key, link, disable, enable."`
	Token      tokenCommands      `cmd:"" help:"Tokens of the card API: add, list, remove."`
	Key        keyCommands        `cmd:"" help:"Keys of the JSON API: add, list, revoke."`
	Card       cardCommands       `cmd:"" help:"Loyalty cards: list, show, 1C listing, certificate, import."`
	Apply      applyCommand       `cmd:"" help:"Bring users, mail, targets, cards and forms to what a YAML file says."`
	Export     exportCommand      `cmd:"" help:"Print users, mail, targets, cards and forms as that YAML, without secrets."`
	Target     targetCommands     `cmd:"" help:"Foreign systems that forms are delivered to: check, list."`
	Deliveries deliveriesCommands `cmd:"" help:"Deliveries: list, show, retry, replay, pause, resume."`
	Import     importCommands     `cmd:"" help:"Take over records from a Vtiger or from a CSV file."`
	Backup     backupCommand      `cmd:"" help:"Write everything into one file, also while styk serves."`
	Restore    restoreCommand     `cmd:"" help:"Make an empty data folder what a backup holds."`
	Doctor     doctorCommand      `cmd:"" help:"Look at everything and say in plain words what is wrong."`
	Sim        simCommand         `cmd:"" help:"Play a foreign system to practise on: creatio, vtiger, passteam, apns, smtp."`
	Bench      benchCommand       `cmd:"" help:"Measure this machine: requests per second, memory, start."`
	Torture    tortureCommand     `cmd:"" help:"Kill and mend: prove that nothing is lost or doubled."`
	Version    versionCommand     `cmd:"" help:"Print the version."`
	Help       helpCommand        `cmd:"" help:"Explain a command, with an example."`
}

// outside is a command that needs no data folder or opens it in its own way.
type outside interface {
	run(ctx context.Context, sh *shell) error
}

// inside is a command that works on an opened data folder: in this process, or
// in the one that serves that folder. Its exported fields travel as JSON.
type inside interface {
	place() *folder
	work(ctx context.Context, h *house, s *streams) error
}

// preparing is an inside command that asks its caller first: for a key, for a
// file to read or to write.
type preparing interface {
	prepare(sh *shell) error
}

// shell is what the caller gave: his streams and environment.
type shell struct {
	in       io.Reader
	out, err io.Writer
	env      []string
	terminal bool // in is a keyboard

	input  string // file that the command reads; "-" is in
	output string // file that the command writes
}

// The exit codes.
const (
	exitWell    = 0
	exitFailed  = 1
	exitSetting = 2 // a flag, a variable or a line of a file is wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() { // the first signal asks to end, the second ends
		<-ctx.Done()
		stop()
	}()
	os.Exit(execute(ctx, os.Args[1:], &shell{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Environ(),
		terminal: term.IsTerminal(int(os.Stdin.Fd())),
	}))
}

// execute runs one command and gives its exit code.
func execute(ctx context.Context, args []string, sh *shell) int {
	command, err := parse(args, sh)
	if err == nil && command != nil {
		err = dispatch(ctx, command, sh)
	}
	return report(err, sh)
}

func dispatch(ctx context.Context, command any, sh *shell) error {
	switch c := command.(type) {
	case outside:
		return c.run(ctx, sh)
	case inside:
		if p, ok := command.(preparing); ok {
			if err := p.prepare(sh); err != nil {
				return err
			}
		}
		return workInside(ctx, c, sh)
	}
	return fmt.Errorf("%T is no command", command)
}

// exitError ends a command with its code after it has said everything itself.
type exitError int

// Error implements error.
func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// report says what went wrong and gives the exit code.
func report(err error, sh *shell) int {
	var said exitError
	var wrong *settingError
	switch {
	case err == nil:
		return exitWell
	case errors.As(err, &said):
		return int(said)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(sh.err, "styk: interrupted")
		return exitFailed
	}
	fmt.Fprintln(sh.err, "styk:", err)
	if errors.As(err, &wrong) {
		return exitSetting
	}
	return exitFailed
}
