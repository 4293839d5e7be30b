package styk

import "time"

// Scanning says who checks the files of forms before they are sent on. Its zero
// value: nobody.
type Scanning struct {
	Clamd   string    `yaml:"clamd,omitempty" json:"clamd,omitempty"`     // tcp://host:port or unix:///path of clamd
	Command []string  `yaml:"command,omitempty" json:"command,omitempty"` // reads the file; 0: clean, 1: refused
	Timeout *Duration `yaml:"timeout,omitempty" json:"timeout,omitempty"` // of one file; not given: 2m
}

// On says whether files are checked at all.
func (s Scanning) On() bool { return s.Clamd != "" || len(s.Command) > 0 }

const defaultScanTime = 2 * time.Minute

// Limit gives how long the check of one file may take.
func (s Scanning) Limit() time.Duration {
	if s.Timeout == nil || *s.Timeout == 0 {
		return defaultScanTime
	}
	return time.Duration(*s.Timeout)
}

// FileCheck is what was found in one file of a submission.
type FileCheck struct {
	FileName string
	Checked  time.Time // zero: nobody has looked
	Refused  string    // what was found; "": nothing
}
