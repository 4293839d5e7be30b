package styk

import (
	"regexp"
	"time"
)

// MailTarget is the name of the target that "mail:" of the YAML makes; messages
// to people go there.
const MailTarget = "mail"

// Target is one configured foreign system.
type Target struct {
	ID       ID                `yaml:"-" json:"-"`
	Name     string            `yaml:"name" json:"name"`
	Kind     string            `yaml:"kind" json:"kind"`
	Parallel int               `yaml:"parallel,omitempty" json:"parallel,omitempty"` // deliveries at once; 0: the kind's default
	Settings map[string]any    `yaml:"settings,omitempty" json:"settings,omitempty"` // secrets too, while they are known
	Mapping  map[string]string `yaml:"mapping,omitempty" json:"mapping,omitempty"`
	Disabled bool              `yaml:"disabled,omitempty" json:"disabled,omitempty"` // nothing new is sent there

	Secrets   []string  `yaml:"-" json:"-"` // names of the settings that are sealed
	Paused    time.Time `yaml:"-" json:"-"` // zero: it runs
	PausedWhy string    `yaml:"-" json:"-"` // Russian
	Version   int64     `yaml:"-" json:"-"` // raised by every change of the above but the pause
}

var nounName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

const nounNameText = "имя из латинских букв, цифр, - и _, не длиннее 64"

// Validate says what is wrong with the target by itself; its settings are
// checked by its kind.
func (t *Target) Validate() error {
	var faults []Fault
	if !nounName.MatchString(t.Name) {
		faults = append(faults, Fault{Field: "name", Rule: "name", Value: short(t.Name), Text: nounNameText})
	}
	if t.Kind == "" {
		faults = append(faults, Fault{Field: "kind", Rule: "required", Text: "не сказано, что это за система"})
	}
	if t.Parallel < 0 || t.Parallel > 64 {
		faults = append(faults, Fault{Field: "parallel", Rule: "range", Text: "от 1 до 64 доставок сразу"})
	}
	if faults != nil {
		return &Error{Code: Invalid, Faults: faults}
	}
	return nil
}
