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
	SeeCards      Right = "see cards"      // loyalty cards with their holders
	ChangeCards   Right = "change cards"   // values, pushes, deletion
	SetUpCards    Right = "set up cards"   // templates and certificates
)

// rights are what each role may do. An integrator builds the joint and sees what
// goes through it, not the list of customers; an auditor sees all and changes
// nothing; a program has no business here.
var rights = map[styk.Role][]Right{
	styk.RoleOperator:   {SeeTickets, ChangeTickets, SeeDeliveries, SendAgain, SeeCards, ChangeCards},
	styk.RoleIntegrator: {SeeDeliveries, SendAgain, Steer, SetUpCards},
	styk.RoleAdmin:      {SeeTickets, ChangeTickets, SeeDeliveries, SendAgain, Steer, SeeCards, ChangeCards, SetUpCards},
	styk.RoleOwner:      {SeeTickets, ChangeTickets, SeeDeliveries, SendAgain, Steer, SeeCards, ChangeCards, SetUpCards},
	styk.RoleAuditor:    {SeeTickets, SeeDeliveries, SeeCards},
}

// May says whether a role has a right.
func May(role styk.Role, right Right) bool { return slices.Contains(rights[role], right) }
