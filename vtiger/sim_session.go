package vtiger

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func simItoa(n int) string { return strconv.Itoa(n) }

// simOperation is one row of the registry (3.1, 4).
type simOperation struct {
	get      bool // the registered type: where its parameters stand (1.1)
	prelogin bool
	params   []string
	run      func(*simCall, *simRequest) (any, *simError)
}

// simOperations by lower-case name: the column's collation ignores case (1.1).
var simOperations map[string]simOperation

func init() {
	simOperations = map[string]simOperation{
		"getchallenge":  {true, true, []string{"username"}, (*simCall).getChallenge},
		"login":         {false, true, []string{"username", "accessKey"}, (*simCall).login},
		"extendsession": {false, true, nil, (*simCall).extendSession},
		"logout":        {false, false, nil, (*simCall).logout},
		"listtypes":     {true, false, []string{"fieldTypeList"}, (*simCall).listTypes},
		"describe":      {true, false, []string{"elementType"}, (*simCall).describe},
		"create":        {false, false, []string{"elementType", "element"}, (*simCall).create},
		"retrieve":      {true, false, []string{"id"}, (*simCall).retrieve},
		"update":        {false, false, []string{"element"}, (*simCall).update},
		"revise":        {false, false, []string{"element"}, (*simCall).revise},
		"delete":        {false, false, []string{"id"}, (*simCall).remove},
		"query":         {true, false, []string{"query"}, (*simCall).query},

		"add_related":      {false, false, []string{"sourceRecordId", "relatedRecordId", "relationIdLabel"}, (*simCall).addRelated},
		"retrieve_related": {true, false, []string{"id", "relatedType", "relatedLabel"}, (*simCall).retrieveRelated},

		// Registered, and dead on PHP 8 (2.5, 3.1).
		"sync":               {true, false, []string{"modifiedTime", "elementType"}, simBroken},
		"convertlead":        {false, false, []string{"element"}, simBroken},
		"retrieve_inventory": {true, false, []string{"id"}, simBroken},
		"files_retrieve":     {true, false, []string{"id"}, simBroken},

		"createcontact": {false, false, simContactParams, (*simCall).customContact},
		"createaccount": {false, false, simAccountParams, (*simCall).customAccount},
		"createproject": {false, false, simProjectParams, (*simCall).customProject},
		"getfileslist":  {false, false, []string{"inn", "sms"}, (*simCall).customFiles},
	}
}

func simBroken(*simCall, *simRequest) (any, *simError) { return nil, &simError{code: simDead} }

// serveOperation is webservice.php.
func (c *simCall) serveOperation() {
	req, ok := c.read()
	if !ok {
		c.page(http.StatusInternalServerError, "") // over post_max_size, or cut: the form is empty (1.2)
		return
	}
	name := strings.ToLower(req.merged("operation"))
	op, known := simOperations[name]
	custom := strings.HasPrefix(name, "createc") || strings.HasPrefix(name, "createa") || strings.HasPrefix(name, "createp") || name == "getfileslist"
	if format := req.merged("format"); !known || format != "" && !strings.EqualFold(format, "json") ||
		custom && c.faultFor("custom", name) != nil { // M13–M17
		c.remark = "operation " + name + " or format unknown"
		c.page(http.StatusInternalServerError, "")
		return
	}
	c.operation = name
	if c.before() {
		return
	}
	warned := c.remark == "answer warned"
	body, failure := c.run(op, req)
	switch {
	case failure != nil && failure.code == simDead:
		c.page(http.StatusInternalServerError, "")
		return
	case failure != nil && failure.code == simPlainText:
		c.page(http.StatusOK, failure.text)
		return
	case failure != nil:
		c.remark = failure.code + " " + failure.text
		body = simFailure(failure.code, failure.text)
	case !op.get && !op.prelogin && name != "getfileslist" && c.after(body):
		return
	}
	if warned {
		c.spoil("html-before", body)
		return
	}
	c.answer("application/json", "", body)
}

// run runs one operation alone: the simulated PHP has one worker.
func (c *simCall) run(op simOperation, req *simRequest) ([]byte, *simError) {
	c.params = req.body
	if op.get {
		c.params = req.query
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(c.params)) { // dropped silently (1.1), but who sends them?
		known := slices.Contains(op.params, name) || name == "operation" || name == "sessionName" || name == "format"
		if !known && name != "requestid" { // ours, which other servers drop
			c.offendLocked("%s: parameter %s is not registered", c.operation, name)
		}
	}
	if !op.prelogin {
		if failure := c.allowSession(req); failure != nil {
			return nil, failure
		}
	}
	if failure := c.failing(); failure != nil {
		return nil, failure
	}
	result, failure := op.run(c, req)
	if failure != nil {
		return nil, failure
	}
	return simSuccess(result), nil
}

// allowSession is 1.1, 1.7 and 2.4; sessionId is not looked at (M21).
func (c *simCall) allowSession(req *simRequest) *simError {
	id := req.merged("sessionName")
	if id == "" || strings.EqualFold(id, "null") {
		return &simError{CodeAuthenticationRequired, MsgAuthenticationRequired}
	}
	if !c.live(id) {
		return &simError{CodeInvalidSession, MsgInvalidSession}
	}
	return nil
}

// live tells whether a session is alive, and renews it.
func (c *simCall) live(id string) bool {
	if c.use("session", c.operation) != nil {
		delete(c.sessions, id)
	}
	used, known := c.sessions[id]
	seconds, _ := strconv.Atoi(c.position("session-seconds", "1440"))
	if !known || c.now().Sub(used) >= time.Duration(seconds)*time.Second {
		delete(c.sessions, id)
		return false
	}
	c.sessions[id] = c.now()
	return true
}

// getChallenge is 2.1: a new token replaces the user's old one.
func (c *simCall) getChallenge(*simRequest) (any, *simError) {
	switch name := c.params.given("username"); {
	case name == "":
		return nil, &simError{CodeAccessDenied, MsgNoUsername}
	case name != c.user || c.position("login", "") == "unknown-user":
		return nil, &simError{CodeAccessDenied, MsgUnknownUsername}
	}
	now := c.now()
	given := simToken{simHex(13), now.Add(ChallengeLife)}
	if c.token = given; c.use("token", c.operation) != nil {
		c.token.text = simHex(13) // the other program's
	}
	return simMap{{"token", given.text}, {"serverTime", int(now.Unix())}, {"expireTime", int(given.until.Unix())}}, nil
}

// login is 2.2, its checks in stock's order; a token may be used again (M12).
func (c *simCall) login(*simRequest) (any, *simError) {
	name, proof := c.params.given("username"), c.params.given("accessKey")
	sum := md5.Sum([]byte(c.token.text + c.accessKey))
	fault := ""
	if f := c.use("login", c.operation); f != nil {
		fault = f.Value
	}
	switch {
	case name != c.user || c.token.text == "" || !c.now().Before(c.token.until):
		c.rejects++
		return nil, &simError{CodeInvalidToken, MsgInvalidToken}
	case fault == "no-key":
		c.rejects++
		return nil, &simError{CodeAccessKeyUndefined, MsgAccessKeyUndefined}
	case proof != hex.EncodeToString(sum[:]) || fault == "wrong-key":
		c.rejects++
		return nil, &simError{CodeInvalidCredentials, MsgInvalidCredentials}
	}
	c.logins++
	session := simHex(21)
	c.sessions[session] = c.now()
	return simMap{
		{"username", c.user}, {"first_name", ""}, {"last_name", "Administrator"}, {"email", "admin@example.com"},
		{"time_zone", "UTC"}, {"hour_format", "12"}, {"date_format", "yyyy-mm-dd"}, {"is_admin", "on"},
		{"call_duration", "5"}, {"other_event_duration", "5"},
		{"sessionName", session}, {"userId", "19x1"}, {"version", APIVersion}, {"vtigerVersion", VtigerVersion},
	}, nil
}

// extendSession needs a browser's session (2.5, M94).
func (c *simCall) extendSession(*simRequest) (any, *simError) {
	return nil, &simError{CodeAuthenticationFailure, MsgAuthenticationFailure}
}

// logout dies on PHP 8 and leaves the session alive (2.5, M96, M97, p03).
func (c *simCall) logout(req *simRequest) (any, *simError) {
	if c.position("php", "8") == "8" {
		return nil, &simError{code: simDead}
	}
	delete(c.sessions, req.merged("sessionName"))
	return simMap{{"message", MsgLoggedOut}}, nil
}
