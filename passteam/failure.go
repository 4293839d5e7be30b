package passteam

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Failure is a refusal in the words of the protocol.
type Failure struct {
	Code    int
	Message string
	Result  any           // nil: an empty object
	Wait    time.Duration // with CodeTooMany: when to come again; rounded up to seconds
}

// Error implements error. It holds no value of a variable.
func (f *Failure) Error() string { return "passteam " + strconv.Itoa(f.Code) + ": " + f.Message }

// Answer is the failure as an answer.
func (f *Failure) Answer() Answer {
	return Answer{Code: f.Code, Message: f.Message, Result: f.Result, failed: true, wait: f.Wait}
}

func badRequest(format string, args ...any) *Failure {
	return &Failure{Code: CodeBadRequest, Message: fmt.Sprintf(format, args...)}
}

// ParameterMissing refuses a call without a parameter that it needs.
func ParameterMissing(name string) *Failure { return badRequest("Parameter (%s) is required.", name) }

// TokenRefused refuses a missing, wrong, revoked or expired token, all alike.
func TokenRefused() *Failure {
	return &Failure{Code: CodeBadToken, Message: "Authorization failed: the token is missing, wrong or expired."}
}

// LoginRefused is getatoken's answer to a wrong name or password.
func LoginRefused() *Failure {
	return &Failure{Code: CodeBadToken, Message: "Authorization failed: wrong name or password."}
}

// NoRight refuses a token that may not touch this template or card.
func NoRight() *Failure {
	return &Failure{Code: CodeNoRight, Message: "No access to this template or card."}
}

// TemplateUnknown tells that no template has this id.
func TemplateUnknown(id string) *Failure {
	return &Failure{Code: CodeNotFound, Message: "Template (" + quoted(id) + ") is not found."}
}

// CardUnknown tells that no card has this id, which may be empty: 1C's register
// handler sends such (spec/onec.md 2.6).
func CardUnknown(id string) *Failure {
	return &Failure{Code: CodeNotFound, Message: "Card (" + quoted(id) + ") is not found."}
}

// MethodUnknown tells that the path names no method.
func MethodUnknown(name string) *Failure {
	return &Failure{Code: CodeNotFound, Message: "Method (" + quoted(name) + ") is not found."}
}

// PostOnly refuses every verb but POST. The server adds the header Allow.
func PostOnly() *Failure { return &Failure{Code: CodeNotPost, Message: "Use POST."} }

// BodyTooLarge refuses a body over MaxBody.
func BodyTooLarge() *Failure {
	return &Failure{Code: CodeTooLarge, Message: "The request is larger than 1 MiB."}
}

// Slow refuses a token that calls too often.
func Slow(wait time.Duration) *Failure {
	return &Failure{Code: CodeTooMany, Message: "Too many requests.", Wait: wait}
}

// NotSet tells that a unique and required variable has no value. 1C compares
// this text whole, so it must not change by a letter (spec/passteam.md 1.3).
// The name is without per cent signs.
func NotSet(variable string) *Failure {
	return &Failure{Code: CodeNotSet, Message: "Provided field (" + variable + ") is unique and must be set."}
}

// Taken tells that a unique variable's value belongs to another card, which
// the answer names: 1C does not look, others can heal by it (contract 18).
func Taken(variable, cardID, cardURL string) *Failure {
	f := &Failure{Code: CodeTaken, Message: "Provided field (" + variable + ") is unique and already belongs to another card."}
	if cardID != "" {
		f.Result = CardRef{CardID: cardID, CardURL: cardURL}
	}
	return f
}

// Trouble is our own fault; number is what a person quotes to find it in the log.
func Trouble(number string) *Failure {
	return &Failure{Code: http.StatusInternalServerError, Message: "Internal error, number " + quoted(number) + "."}
}

// quoted shortens what the caller wrote, so that an answer cannot be made large.
func quoted(text string) string {
	runes := []rune(text)
	if len(runes) > 80 {
		return string(runes[:80]) + "…"
	}
	return text
}
