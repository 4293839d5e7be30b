package styk

import "time"

// The faces that programs call. Their texts are stored.
const (
	FaceCRM     = "crm"     // the web service
	FaceCapture = "capture" // public web forms of the CRM
	FaceFiles   = "files"   // stored files, read and overwritten
	FaceCards   = "cards"   // the card API
)

// APICall is one call of a program as it is kept: secrets masked, long texts
// cut.
type APICall struct {
	ID          ID // a line of its own
	At          time.Time
	Took        time.Duration
	Face        string
	Operation   string // "" when it was not understood
	Code        string // of the refusal; "": it was done
	Status      int    // of HTTP
	Who         string // name of the user or token; "" when it is not known
	User        ID
	Address     string
	Method      string
	Path        string // with the query
	Header      map[string][]string
	Request     string
	RequestSize int64 // bytes, of which Request may be the beginning
	Answer      string
	AnswerSize  int64
}
