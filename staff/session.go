package staff

import (
	"context"
	"crypto/subtle"

	"styk"
	"styk/store"
)

// Session gives who is logged in under secret and renews the session's life; a
// session that has ended is styk.NotFound.
func (s *Staff) Session(ctx context.Context, secret string) (*store.StaffSession, error) {
	var found *store.StaffSession
	var due bool
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if found, due, err = tx.StaffSession(secret, s.Idle, s.Life); err == nil {
			found.CodeDue, err = codeDue(tx, found.User)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if !person(found.User) { // his role was changed
		return nil, styk.Failed(styk.NotFound, "the session has ended")
	}
	if due {
		err = s.db.Update(ctx, func(tx *store.Tx) error { return tx.SeeStaffSession(found.ID) })
	}
	return found, err
}

// Sessions lists a person's living sessions, the last used first.
func (s *Staff) Sessions(ctx context.Context, user styk.ID) (list []*store.StaffSession, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		list, err = tx.StaffSessions(user, s.Idle, s.Life)
		return err
	})
	return list, err
}

// Logout ends the session in which it is called.
func (s *Staff) Logout(ctx context.Context, session *store.StaffSession) error {
	return s.end(ctx, session.User.ID, session.ID, ActionLogout)
}

// EndSession ends a session of the same person elsewhere.
func (s *Staff) EndSession(ctx context.Context, user, session styk.ID) error {
	return s.end(ctx, user, session, ActionEnd)
}

func (s *Staff) end(ctx context.Context, user, session styk.ID, action string) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.EndStaffSession(user, session); err != nil {
			return err
		}
		return tx.Audit(user, action, session, 0)
	})
}

// EndOtherSessions ends all sessions of a person but the one he is in.
func (s *Staff) EndOtherSessions(ctx context.Context, session *store.StaffSession) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.EndStaffSessionsOf(session.User.ID, session.ID); err != nil {
			return err
		}
		return tx.Audit(session.User.ID, ActionEndAll, session.User.ID, 0)
	})
}

// Token gives the word that a form carries which was shown to the holder of the
// secret: a foreign page cannot know it.
func (s *Staff) Token(secret string) string { return s.db.KeyedHash("csrf", secret)[:32] }

// TokenFits says whether a form's word belongs to the secret.
func (s *Staff) TokenFits(secret, token string) bool {
	return secret != "" && subtle.ConstantTimeCompare([]byte(s.Token(secret)), []byte(token)) == 1
}

// NewGuest gives a secret for a browser in which nobody is logged in yet, so
// that the forms shown to it have words too.
func (s *Staff) NewGuest() string { return newSecret() }
