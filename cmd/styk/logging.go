package main

import (
	"io"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
)

// newLog writes what happens; nothing personal is ever given to it.
func newLog(w io.Writer, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// memoryTarget is where the collector begins to work harder. It is no wall:
// large uploads do not come near it, they are streamed.
const memoryTarget = 140 << 20 // bytes

// boundMemory keeps the program small beside a database and a web server on a
// little machine. GOMEMLIMIT and GOGC, where set, stand.
func boundMemory() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(memoryTarget)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(150)
	}
}
