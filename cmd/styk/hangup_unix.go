//go:build !windows

package main

import (
	"os"
	"syscall"
)

var hangup os.Signal = syscall.SIGHUP
