package staff

import (
	"slices"

	"styk"
)

// Right is one thing that a person may be allowed to do.
type Right string

// The rights.
const (
	SeeTickets    Right = "see tickets"    // and their customers and files
	ChangeTickets Right = "change tickets" // status, notes, differing values, undo
	SeeDeliveries Right = "see deliveries" // with exact requests and answers
	SendAgain     Right = "send again"     // one delivery
	Steer         Right = "steer"          // pause a target, send all failed ones again
)

// rights are what each role may do. An integrator builds the joint and sees what
// goes through it, not the list of customers; an auditor sees all and changes
// nothing; a program has no business here.
var rights = map[styk.Role][]Right{
	styk.RoleOperator:   {SeeTickets, ChangeTickets, SeeDeliveries, SendAgain},
	styk.RoleIntegrator: {SeeDeliveries, SendAgain, Steer},
	styk.RoleAdmin:      {SeeTickets, ChangeTickets, SeeDeliveries, SendAgain, Steer},
	styk.RoleOwner:      {SeeTickets, ChangeTickets, SeeDeliveries, SendAgain, Steer},
	styk.RoleAuditor:    {SeeTickets, SeeDeliveries},
}

// May says whether a role has a right.
func May(role styk.Role, right Right) bool { return slices.Contains(rights[role], right) }
