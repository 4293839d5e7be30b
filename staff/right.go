package staff

import (
	"slices"

	"styk"
)

// Right is one thing that a person may be allowed to do.
type Right string

// The rights. docs/admin.md tells which role has which, and why.
const (
	SeeTickets    Right = "see tickets"    // with what the sender wrote, and the files
	ChangeTickets Right = "change tickets" // status, notes, answers, differing values, undo

	SeeCustomers    Right = "see customers" // the page of one person, and the search for people
	ChangeCustomers Right = "change customers"
	ExportPerson    Right = "export person" // all that is known of one, in one file
	ErasePerson     Right = "erase person"  // for good, everywhere

	SeeDeliveries Right = "see deliveries" // with exact requests and answers
	SendAgain     Right = "send again"     // one delivery
	Steer         Right = "steer"          // pause a target, send all failed ones again

	SeeConnections    Right = "see connections"    // health, settings without secrets
	ManageConnections Right = "manage connections" // set up, test, rotate secrets
	SeeAPILog         Right = "see api log"        // calls of programs, with requests and answers
	UseSandbox        Right = "sandbox"            // faults of the demo's simulators

	SeeCards    Right = "see cards"    // loyalty cards with their holders
	ChangeCards Right = "change cards" // values, pushes, deletion
	SetUpCards  Right = "set up cards" // templates and certificates

	SeeStaff    Right = "see staff"    // people and keys, nothing secret
	ManageStaff Right = "manage staff" // invite, roles, sessions, disable
	ManageKeys  Right = "manage keys"  // of programs: the CRM service and the card API
	OwnRules    Right = "own rules"    // what binds everybody here: second factor by role, its reset
	SeeAudit    Right = "see audit"    // who did what
)

// rights are what each role may do. An integrator builds the joint and sees what
// goes through it, not the list of customers; an auditor sees all and changes
// nothing; a program has no business here.
var rights = map[styk.Role][]Right{
	styk.RoleOperator: {SeeTickets, ChangeTickets, SeeCustomers, ChangeCustomers, SeeDeliveries, SendAgain,
		SeeCards, ChangeCards},
	styk.RoleIntegrator: {SeeDeliveries, SendAgain, Steer, SeeConnections, ManageConnections, SeeAPILog, UseSandbox,
		SetUpCards},
	styk.RoleAuditor: {SeeTickets, SeeCustomers, SeeDeliveries, SeeConnections, SeeAPILog, SeeCards, SeeStaff, SeeAudit},
	styk.RoleAdmin:   adminRights,
	styk.RoleOwner:   append(slices.Clone(adminRights), ErasePerson, OwnRules, SeeAudit),
}

var adminRights = []Right{SeeTickets, ChangeTickets, SeeCustomers, ChangeCustomers, ExportPerson,
	SeeDeliveries, SendAgain, Steer, SeeConnections, ManageConnections, SeeAPILog, UseSandbox,
	SeeCards, ChangeCards, SetUpCards, SeeStaff, ManageStaff, ManageKeys}

// May says whether a role has a right.
func May(role styk.Role, right Right) bool { return slices.Contains(rights[role], right) }
