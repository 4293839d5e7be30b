package notice

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// SimFault is one switch of the simulator.
type SimFault struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"` // of "slow": how long, 2s by default
	// Times: after so many uses it goes off by itself; 0 = stays.
	Times int `json:"times,omitempty"`
}

// simFaults are the switches and where they strike.
var simFaults = map[string]string{
	"421":             "mail",     // the service is closing
	"450":             "rcpt",     // grey list
	"451":             "rcpt",     // grey list, or an error over there
	"452":             "rcpt",     // no room
	"535":             "auth",     // wrong password
	"550":             "rcpt",     // no such mailbox
	"552":             "data",     // mailbox full
	"552-size":        "data",     // letter too large
	"553":             "mail",     // sender refused
	"554":             "data",     // taken for spam
	"quota":           "data",     // daily limit used up
	"554-hello":       "hello",    // our address is on a list
	"slow":            "every",    // each answer takes its time
	"cut-before-data": "cut",      // the connection ends after RCPT
	"cut-after-data":  "cut",      // the letter is kept, the answer is lost
	"no-starttls":     "starttls", // STARTTLS is not offered
	"bad-cert":        "starttls", // expired, and of another name
}

// simReplies are the words of the refusals.
var simReplies = map[string]*smtp.SMTPError{
	"421":       {Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Service shutting down"},
	"450":       {Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "Greylisted, try again later"},
	"451":       {Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Please try again later"},
	"452":       {Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "Insufficient system storage"},
	"535":       {Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "Authentication failed"},
	"550":       {Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox"},
	"552":       {Code: 552, EnhancedCode: smtp.EnhancedCode{5, 2, 2}, Message: "Mailbox full"},
	"552-size":  {Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "Message too big"},
	"553":       {Code: 553, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Sender address rejected: not owned by user"},
	"554":       {Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Message rejected under suspicion of SPAM"},
	"quota":     {Code: 550, EnhancedCode: smtp.EnhancedCode{5, 4, 5}, Message: "Daily sending quota exceeded"},
	"554-hello": {Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "No SMTP service for you"},
}

// ParseFault reads "550", "451:3" (three times) or "slow=5s".
func ParseFault(text string) (SimFault, error) {
	head, times, counted := strings.Cut(text, ":")
	name, value, _ := strings.Cut(head, "=")
	f := SimFault{Name: name, Value: value}
	if counted {
		n, err := strconv.Atoi(times)
		if err != nil || n < 1 {
			return f, fmt.Errorf("fault %q: want NAME or NAME:TIMES", text)
		}
		f.Times = n
	}
	return f, f.check()
}

func (f SimFault) check() error {
	if f.Name == "calm" {
		return nil
	}
	if _, ok := simFaults[f.Name]; !ok {
		return fmt.Errorf("no fault %q; there are: %s", f.Name, strings.Join(sortedNames(simFaults), ", "))
	}
	if f.Name == "slow" && f.Value != "" {
		if d, err := time.ParseDuration(f.Value); err != nil || d < 0 {
			return fmt.Errorf("fault slow=%q: want a duration, like 2s", f.Value)
		}
	} else if f.Value != "" {
		return fmt.Errorf("fault %s takes no value", f.Name)
	}
	if f.Times < 0 {
		return fmt.Errorf("fault %s: a negative number of times", f.Name)
	}
	return nil
}

// Fault sets a switch; "calm" puts all of them back.
func (s *Sim) Fault(f SimFault) error {
	if err := f.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Name == "calm" {
		clear(s.faults)
		return nil
	}
	s.faults[f.Name] = &f
	return nil
}

// use takes a switch that is on, nil when it is not.
func (s *Sim) use(name string) *SimFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults[name]
	if f == nil {
		return nil
	}
	used := *f
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			delete(s.faults, name)
		}
	}
	return &used
}

// refuse gives the refusal that strikes at this command, or nil.
func (s *Sim) refuse(command string) error {
	for _, name := range sortedNames(simFaults) {
		if simFaults[name] == command && s.use(name) != nil {
			s.note(command + ": " + name)
			return simReplies[name]
		}
	}
	return nil
}
