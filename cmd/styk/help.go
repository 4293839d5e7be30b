package main

import (
	"context"
	"fmt"
)

type helpCommand struct {
	Command []string `arg:"" optional:"" help:"Command to explain, such as: user add."`
}

func (c *helpCommand) run(_ context.Context, sh *shell) error {
	_, err := parse(append(c.Command, "--help"), sh)
	return err
}

type versionCommand struct{}

func (*versionCommand) run(_ context.Context, sh *shell) error {
	_, err := fmt.Fprintln(sh.out, "styk", version)
	return err
}
