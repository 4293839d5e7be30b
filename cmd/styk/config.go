package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// settingError is a wrong setting: the program does not start with it.
type settingError struct{ text, hint string }

// Error implements error.
func (e *settingError) Error() string {
	if e.hint == "" {
		return e.text
	}
	return e.text + "\n  hint: " + e.hint
}

func wrongSetting(hint, format string, args ...any) error {
	return &settingError{text: fmt.Sprintf(format, args...), hint: hint}
}

// prefix of the environment twin of every flag.
const envPrefix = "STYK_"

// ended is how kong's --help leaves.
type ended int

// parse reads arguments and environment and gives the chosen command; nil when
// the help was all that was asked for.
func parse(args []string, sh *shell) (command any, err error) {
	var all cli
	parser, err := newParser(&all, sh)
	if err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(ended); !ok {
				panic(p)
			}
			command, err = nil, nil
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if err := checkEnvironment(parser.Model.Node, sh.env); err != nil {
		return nil, err
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		return nil, explainParse(err)
	}
	return chosen.Selected().Target.Addr().Interface(), nil
}

func newParser(all *cli, sh *shell) (*kong.Kong, error) {
	return kong.New(all,
		kong.Name("styk"),
		kong.Description("styk joins website, CRM, till and customers' phones.\n\n"+
			"Each flag has a variable beside it: --listen is STYK_LISTEN. styk help COMMAND explains one, with an example."),
		kong.DefaultEnvars(strings.TrimSuffix(envPrefix, "_")),
		kong.Writers(sh.out, sh.err),
		kong.Exit(func(code int) { panic(ended(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
	)
}

// explainParse words an error of the flags.
func explainParse(err error) error {
	text := err.Error()
	hint := "styk help COMMAND shows what there is"
	if head, tail, found := strings.Cut(text, ", did you mean "); found {
		text, hint = head, "did you mean "+tail
	}
	var where *kong.ParseError
	if errors.As(err, &where) && where.Context != nil && where.Context.Selected() != nil {
		hint = strings.Replace(hint, "COMMAND", where.Context.Selected().FullPath()[len("styk "):], 1)
	}
	return &settingError{text: text, hint: hint}
}

// checkEnvironment refuses a variable that means nothing: a misspelt one would
// else be silently without effect.
func checkEnvironment(model *kong.Node, env []string) error {
	known := variables(model)
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		if value == "" || !strings.HasPrefix(name, envPrefix) || strings.HasPrefix(name, envPrefix+"TEST_") || slices.Contains(known, name) {
			continue
		}
		return wrongSetting(meant(name, known), "the environment variable %s is unknown", name)
	}
	return nil
}

// variables lists the variables of all flags of all commands.
func variables(node *kong.Node) []string {
	var list []string
	for _, flag := range node.Flags {
		list = append(list, flag.Envs...)
	}
	for _, child := range node.Children {
		list = append(list, variables(child)...)
	}
	return list
}

// meant words which of the known names was perhaps meant.
func meant(name string, known []string) string {
	best, distance := "", 1+len([]rune(name))/3
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(k)); d < distance || d == distance && best == "" {
			best, distance = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	sorted := slices.Clone(known)
	slices.Sort(sorted)
	return "known are " + strings.Join(slices.Compact(sorted), ", ")
}

// editDistance counts the letters to change between two names.
func editDistance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range to {
			cost := diagonal
			if x != y {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}

// commandName is a command's name on the line, "user add".
func commandName(command any) string {
	return names[reflect.TypeOf(command)]
}

// names gives the name of each command by its type.
var names = func() map[reflect.Type]string {
	found := map[reflect.Type]string{}
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
		for i := range t.NumField() {
			f := t.Field(i)
			if _, ok := f.Tag.Lookup("cmd"); !ok {
				continue
			}
			name := strings.TrimSpace(path + " " + strings.ToLower(f.Name))
			found[reflect.PointerTo(f.Type)] = name
			walk(f.Type, name)
		}
	}
	walk(reflect.TypeFor[cli](), "")
	return found
}()
