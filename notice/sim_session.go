package notice

import (
	"errors"
	"io"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// simSession is one caller of the simulator.
type simSession struct {
	sim   *Sim
	house *simHouse
	conn  *smtp.Conn
	user  string
	from  string
	to    []string
	utf8  bool // RFC 6531 was asked for
}

var errSimAuth = &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}

// AuthMechanisms implements smtp.AuthSession.
func (s *simSession) AuthMechanisms() []string {
	if s.sim.user == "" {
		return nil
	}
	return []string{"PLAIN", "LOGIN"}
}

// Auth implements smtp.AuthSession.
func (s *simSession) Auth(mechanism string) (sasl.Server, error) {
	s.house.wait()
	switch mechanism {
	case "PLAIN":
		return sasl.NewPlainServer(func(identity, user, password string) error {
			return s.signIn(identity, user, password)
		}), nil
	case "LOGIN":
		return &loginServer{check: func(user, password string) error { return s.signIn("", user, password) }}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (s *simSession) signIn(identity, user, password string) error {
	refused := s.sim.refuse("auth")
	s.sim.mu.Lock()
	defer s.sim.mu.Unlock()
	if refused != nil || user != s.sim.user || password != s.sim.password || identity != "" && identity != user {
		s.sim.rejects++
		return simReplies["535"]
	}
	s.sim.logins++
	s.user = user
	return nil
}

// loginServer asks for a name and a password, as LOGIN does.
type loginServer struct {
	asked int
	user  string
	check func(user, password string) error
}

// Next implements sasl.Server.
func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if l.asked == 0 && response == nil {
		l.asked = 1
		return []byte("Username:"), false, nil
	}
	switch l.asked {
	case 0, 1:
		l.user, l.asked = string(response), 2
		return []byte("Password:"), false, nil
	case 2:
		l.asked = 3
		return nil, true, l.check(l.user, string(response))
	}
	return nil, false, errors.New("too many answers")
}

// Mail implements smtp.Session.
func (s *simSession) Mail(from string, o *smtp.MailOptions) error {
	s.house.wait()
	if s.sim.user != "" && s.user == "" {
		return errSimAuth
	}
	s.from, s.utf8 = from, o.UTF8
	return s.sim.refuse("mail")
}

// Rcpt implements smtp.Session.
func (s *simSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.house.wait()
	if err := s.sim.refuse("rcpt"); err != nil {
		return err
	}
	if s.sim.use("cut-before-data") != nil {
		return s.cut()
	}
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *simSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err // cut off, or too large: nothing is kept
	}
	s.house.wait()
	if err := s.sim.refuse("data"); err != nil {
		return err
	}
	_, encrypted := s.conn.TLSConnectionState()
	m, broken := readSimMail(raw, s.utf8)
	m.From, m.User, m.Encrypted = s.from, s.user, encrypted
	for _, to := range s.to {
		m.To = to
		s.sim.store(m, broken)
		broken = nil
	}
	if s.sim.use("cut-after-data") != nil {
		return s.cut()
	}
	return nil
}

// cut ends the connection, so that the answer to come is never heard.
func (s *simSession) cut() error {
	s.sim.note("cut")
	_ = s.conn.Conn().Close()
	return io.ErrClosedPipe
}

// Reset implements smtp.Session.
func (s *simSession) Reset() { s.from, s.to = "", nil }

// Logout implements smtp.Session.
func (s *simSession) Logout() error { return nil }
