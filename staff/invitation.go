package staff

import (
	"context"
	"encoding/json"
	"net/mail"
	"slices"
	"strings"
	"time"

	"styk"
	"styk/store"
)

// InvitationLife is how long an invitation waits.
const InvitationLife = 72 * time.Hour

// Invite makes a link by which somebody becomes a colleague; his name, role and
// address stand in i. Where letters are set up and he has an address the link is
// sent to him, and sent is true. Faults name the fields name, role and email.
func (s *Staff) Invite(ctx context.Context, by *styk.User, i *store.Invitation) (secret string, sent bool, err error) {
	if err := checkInvitation(i); err != nil {
		return "", false, err
	}
	return s.sendInvitation(ctx, by, func(*store.Tx) (*store.Invitation, error) {
		i.ID = 0
		return i, nil
	})
}

// RenewInvitation gives an invitation another link and its whole life again; the
// earlier link ends.
func (s *Staff) RenewInvitation(ctx context.Context, by *styk.User, id styk.ID) (secret string, sent bool, err error) {
	return s.sendInvitation(ctx, by, func(tx *store.Tx) (*store.Invitation, error) { return tx.Invitation(id) })
}

func (s *Staff) sendInvitation(ctx context.Context, by *styk.User, which func(*store.Tx) (*store.Invitation, error)) (secret string, sent bool, err error) {
	salt := newSecret()
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		i, err := which(tx)
		if err != nil {
			return err
		}
		if err := mayMake(tx, by, i.Role); err != nil {
			return err
		}
		i.By, i.Until = by.ID, tx.Now().Add(InvitationLife)
		if err := tx.SaveInvitation(i, salt); err != nil {
			return inRussian(err)
		}
		secret = s.db.InvitationSecret(i)
		if sent, err = mailInvitation(tx, i, salt); err != nil {
			return err
		}
		return tx.Audit(by.ID, ActionInvite, i.ID, 0)
	})
	if err == nil && sent && s.Wake != nil {
		s.Wake()
	}
	return secret, sent, err
}

// inRussian says of a taken name what a person can do about it.
func inRussian(err error) error {
	if styk.CodeOf(err) == styk.Conflict {
		return styk.FieldError(styk.Conflict, "name", "unique", "Это имя уже занято: таким именем кто-то входит или приглашён")
	}
	return err
}

func checkInvitation(i *store.Invitation) error {
	e := &styk.Error{Code: styk.Invalid}
	wrong := func(field, rule, text string) {
		e.Faults = append(e.Faults, styk.Fault{Field: field, Rule: rule, Text: text})
	}
	i.Name, i.Email = strings.TrimSpace(i.Name), strings.TrimSpace(i.Email)
	i.FirstName, i.LastName = strings.TrimSpace(i.FirstName), strings.TrimSpace(i.LastName)
	if !validName(i.Name) {
		wrong("name", "name", "Имя для входа: от 1 до 64 знаков без пробелов")
	}
	if len(rights[i.Role]) == 0 {
		wrong("role", "role", "Выберите роль")
	}
	checkPersonal(wrong, i.FirstName, i.LastName, i.Email)
	if len(e.Faults) > 0 {
		return e
	}
	return nil
}

// longestName bounds names and addresses of colleagues, in bytes.
const longestName = 200

func checkPersonal(wrong func(field, rule, text string), first, last, email string) {
	if len(first) > longestName {
		wrong("first_name", "max_length", "Слишком длинно")
	}
	if len(last) > longestName {
		wrong("last_name", "max_length", "Слишком длинно")
	}
	if email == "" {
		return
	}
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || len(email) > longestName {
		wrong("email", "email", "Проверьте адрес: например, anna@firm.ru")
	}
}

// mailInvitation sends the link, where there is an address and a mail server. In
// the letter that waits stands no secret: who words it reckons it anew.
func mailInvitation(tx *store.Tx, i *store.Invitation, salt string) (bool, error) {
	if i.Email == "" {
		return false, nil
	}
	known, err := tx.RunningTargets([]string{styk.MailTarget})
	if err != nil || known[styk.MailTarget] == 0 {
		return false, err
	}
	text, err := json.Marshal(styk.Notice{Type: styk.NoticeInvited, To: i.Email, Target: styk.MailTarget, Invitation: i.ID, Salt: salt, Until: i.Until})
	if err != nil {
		return false, err
	}
	return true, tx.Enqueue(&styk.Delivery{
		Target: known[styk.MailTarget], Subject: styk.SubjectNotice, Content: text, Coalesce: "invitation/" + userNumber(i.ID),
	})
}

// DropInvitation takes an invitation back: its link leads nowhere.
func (s *Staff) DropInvitation(ctx context.Context, by *styk.User, id styk.ID) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		i, err := tx.Invitation(id)
		if err != nil {
			return err
		}
		if err := mayMake(tx, by, i.Role); err != nil {
			return err
		}
		if _, err := tx.DropInvitation(id); err != nil {
			return err
		}
		return tx.Audit(by.ID, ActionUninvite, id, 0)
	})
}

// takeInvitation makes a colleague of the guest.
func takeInvitation(tx *store.Tx, o *Opened) (*styk.User, error) {
	there, err := tx.DropInvitation(o.invitation)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, noLink()
	}
	u := o.User
	u.ID = 0
	if err := tx.SaveUser(u); err != nil {
		return nil, inRussian(err)
	}
	return u, tx.Audit(u.ID, ActionCame, o.invitation, 0)
}

// Invitations lists those that wait, and those whose time is over, newest first.
func (s *Staff) Invitations(ctx context.Context) (list []*store.Invitation, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		list, err = tx.Invitations()
		return err
	})
	return list, err
}

// PeopleRoles are the roles that people can have, in the order shown to them.
func PeopleRoles() []styk.Role {
	return slices.DeleteFunc(slices.Clone(styk.Roles), func(r styk.Role) bool { return len(rights[r]) == 0 })
}
