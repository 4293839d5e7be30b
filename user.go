package styk

import "time"

// Role says what a user of the system may do.
type Role string

// The roles. Their texts are stored.
const (
	RoleAPI        Role = "api"
	RoleOperator   Role = "operator"
	RoleIntegrator Role = "integrator"
	RoleAdmin      Role = "admin"
	RoleOwner      Role = "owner"
	RoleAuditor    Role = "auditor"
)

// Roles lists them all, in the order shown to people.
var Roles = []Role{RoleAPI, RoleOperator, RoleIntegrator, RoleAdmin, RoleOwner, RoleAuditor}

// User is an account of a program or a person on our side.
type User struct {
	ID             ID
	Name           string
	FirstName      string
	LastName       string
	Email          string
	Role           Role
	AccessKey      string   // sealed in the store; 8–64 of [A-Za-z0-9]
	Operations     []string // lower-case names of allowed operations; empty: all
	Networks       []string // allowed addresses in CIDR form; empty: all
	Modules        []string // allowed modules; empty: all
	ReuseChallenge bool     // a challenge may log in again within its 300 s
	Disabled       bool
	Created        time.Time
}

// Admin says whether the user may change what others own.
func (u *User) Admin() bool { return u.Role == RoleAdmin || u.Role == RoleOwner }

// ValidAccessKey says whether key is 8–64 of [A-Za-z0-9].
func ValidAccessKey(key string) bool {
	if len(key) < 8 || len(key) > 64 {
		return false
	}
	for i := range len(key) {
		c := key[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return true
}
