package main

import (
	"go.yaml.in/yaml/v3"

	"styk"
	"styk/scan"
	"styk/store"
)

// scanSection names who checks the files of forms; an empty one ends it.
var scanSection = section{name: "scan", read: readScan, export: exportScan}

func readScan(node *yaml.Node, p *problems) []step {
	var how styk.Scanning
	if !decodeStrict(node, &how, p) {
		return nil
	}
	addFaults(p, node, scan.Check(how), "")
	return []step{metaStep("scan", store.MetaScan, how)}
}

func exportScan(tx *store.Tx) (any, error) {
	how, err := tx.Scanning()
	if err != nil || !how.On() {
		return nil, err
	}
	return how, nil
}
