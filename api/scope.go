package api

import (
	"slices"
	"strings"

	"styk"
	"styk/staff"
)

// Scope is what a key is allowed: a right of package staff under the name that
// programs use.
type Scope struct {
	Name  string
	Right staff.Right
}

// Scopes lists them all. Their names are stored: never rename one.
var Scopes = []Scope{
	{"tickets:read", staff.SeeTickets},
	{"tickets:write", staff.ChangeTickets},
	{"customers:read", staff.SeeCustomers},
	{"customers:write", staff.ChangeCustomers},
	{"customers:export", staff.ExportPerson},
	{"customers:erase", staff.ErasePerson},
	{"deliveries:read", staff.SeeDeliveries},
	{"deliveries:send", staff.SendAgain},
	{"deliveries:steer", staff.Steer},
	{"connections:read", staff.SeeConnections},
	{"connections:write", staff.ManageConnections},
	{"calls:read", staff.SeeAPILog},
	{"sandbox:use", staff.UseSandbox},
	{"cards:read", staff.SeeCards},
	{"cards:write", staff.ChangeCards},
	{"cards:setup", staff.SetUpCards},
	{"staff:read", staff.SeeStaff},
	{"staff:write", staff.ManageStaff},
	{"keys:write", staff.ManageKeys},
	{"rules:write", staff.OwnRules},
	{"audit:read", staff.SeeAudit},
}

// scopeOf gives the scope's name of a right.
func scopeOf(right staff.Right) string {
	i := slices.IndexFunc(Scopes, func(s Scope) bool { return s.Right == right })
	if i < 0 {
		return "" // a test sees to it that there is none
	}
	return Scopes[i].Name
}

// ScopeNames lists the names, for help texts and the document.
func ScopeNames() []string {
	names := make([]string, len(Scopes))
	for i, s := range Scopes {
		names[i] = s.Name
	}
	return names
}

// CheckScopes says what is wrong with a list of scopes; the fault is of the
// field "scopes".
func CheckScopes(names []string) error {
	if len(names) == 0 {
		return styk.FieldError(styk.Missing, "scopes", "required", "Скажите, что ключу можно")
	}
	all := ScopeNames()
	var faults []styk.Fault
	for _, name := range names {
		if !slices.Contains(all, name) {
			faults = append(faults, styk.Fault{Field: "scopes", Rule: "choice", Value: name,
				Text: "Нет такого права: " + name + "; есть " + strings.Join(all, ", ")})
		}
	}
	if faults != nil {
		return &styk.Error{Code: styk.Invalid, Faults: faults}
	}
	return nil
}

// may says whether the key has a right: by its scopes and, where it acts in a
// person's name, by his role as it is now.
func (c *call) may(right staff.Right) bool {
	if c.user != nil && !staff.May(c.user.Role, right) {
		return false
	}
	return slices.Contains(c.key.Scopes, scopeOf(right))
}

func (c *call) mayAny(rights []staff.Right) bool {
	return len(rights) == 0 || slices.ContainsFunc(rights, c.may)
}
