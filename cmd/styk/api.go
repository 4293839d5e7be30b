package main

import (
	"net/http"

	"styk/api"
	"styk/journal"
	"styk/staff"
)

// jsonAPI is the API for everything that the people's pages do.
func (s *server) jsonAPI(trusted proxies, door *staff.Staff) http.Handler {
	return s.journal.Handler(apiFace, api.New(api.Options{
		DB: s.h.db, Blobs: s.h.blobs, Intake: s.h.intake, Courier: s.h.courier, Cards: s.h.cards, Staff: door,
		Version: version, Log: s.h.log, Remote: trusted.remote, Observe: s.observeAPI,
	}))
}

// observeAPI counts a call and tells the journal what it was.
func (s *server) observeAPI(r *http.Request, o api.Observed) {
	operation := o.Operation
	if operation != "" {
		operation = "api." + operation // others have a search too
	}
	s.metrics.observe(operation, o.Code, o.Took)
	journal.Note(r, o.Operation, o.Code, o.Key, o.User)
}

func apiFace(*http.Request) string { return api.FaceAPI }
