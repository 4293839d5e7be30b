package web

import (
	"maps"
	"slices"
	"strings"

	"styk"
)

// curl gives a kept request as a command for a terminal. What was masked when it
// was kept has to be put in again; what curl adds itself is left out.
func curl(e *styk.Exchange) string {
	var b strings.Builder
	b.WriteString("curl -sS -X " + e.Method + " " + quoted(e.URL))
	for _, name := range slices.Sorted(maps.Keys(e.RequestHeader)) {
		switch strings.ToLower(name) {
		case "content-length", "accept-encoding", "host", "connection":
			continue
		}
		for _, value := range e.RequestHeader[name] {
			b.WriteString(" \\\n  -H " + quoted(name+": "+value))
		}
	}
	if e.RequestBody != "" {
		b.WriteString(" \\\n  --data-binary " + quoted(e.RequestBody))
	}
	return b.String()
}

// quoted makes one word of a POSIX shell of any text.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
