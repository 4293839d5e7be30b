package main

import (
	"context"
	"net/http"
	"strings"

	"styk"
	"styk/journal"
	"styk/passteam"
	"styk/vtiger"
)

// observeCRM takes one call of the web service for the metrics and the journal.
func (s *server) observeCRM(r *http.Request, o vtiger.Observed) {
	s.metrics.observe(o.Operation, o.Code, o.Took)
	var who string
	var id styk.ID
	if o.User != nil {
		who, id = o.User.Name, o.User.ID
	}
	journal.Note(r, o.Operation, o.Code, who, id)
}

// observeCards does so for the card API.
func (s *server) observeCards(r *http.Request, o passteam.Observed) {
	s.metrics.observe(o.Method, o.Code, o.Took)
	who := ""
	if o.Token != nil {
		who = o.Token.Name
	}
	journal.Note(r, o.Method, o.Code, who, 0)
}

// crmFace tells which part of the CRM a request is for.
func crmFace(r *http.Request) string {
	switch {
	case strings.HasSuffix(r.URL.Path, "/webservice.php"):
		return styk.FaceCRM
	case strings.HasSuffix(r.URL.Path, "/capture.php"):
		return styk.FaceCapture
	}
	return styk.FaceFiles
}

func cardsFace(*http.Request) string { return styk.FaceCards }

// keepCalls writes the journal until ctx ends.
func (s *server) keepCalls(ctx context.Context) error { return s.journal.Run(ctx) }
