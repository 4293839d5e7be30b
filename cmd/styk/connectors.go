package main

import (
	"styk/connect"
	"styk/cookie"
	"styk/courier"
	"styk/creatio"
	"styk/notice"
	"styk/scan"
	"styk/vtiger"
	"styk/webhook"
)

// kinds are all foreign systems that a target may be. A further one is a folder
// of its own and a word here.
var kinds = []connect.Kind{creatio.Kind, vtiger.Kind, cookie.Kind, webhook.Kind, notice.Kind}

// newCourier joins the courier of a house; base is the address that people are
// given, "" where nothing serves.
func (h *house) newCourier(base string) *courier.Courier {
	o := courier.Options{
		PublicURL: base, Compose: h.letters.compose, Published: h.intake.Published, Attempted: h.attempted,
		MaskPersonal: h.maskPersonal, Grace: courierGrace, Log: h.log, Scan: scan.File,
	}
	if base != "" {
		o.FileURL = func(secret string) string { return base + linkFolder + secret }
		o.CardURL = h.cards.URL
		h.letters.setBase(base)
	}
	return courier.New(h.db, h.blobs, kinds, o)
}
