package cookie_test

import (
	_ "embed"
	"strings"
	"testing"

	"styk/connect/connecttest"
	"styk/cookie"
	"styk/creatio"
)

//go:embed testdata/creatio.yaml
var creatioRecipe string

// TestCreatio reproduces the creatio connector by a recipe, against its simulator.
func TestCreatio(t *testing.T) {
	t.Parallel()
	flavour := func(platform creatio.Platform, recipe string) connecttest.Case {
		return connecttest.Case{
			Kind: cookie.Kind,
			New:  func(t *testing.T) *connecttest.Sim { return creatioSim(t, platform, recipe) },
		}
	}
	t.Run("net", func(t *testing.T) {
		t.Parallel()
		connecttest.Run(t, flavour(creatio.Net, creatioRecipe))
	})
	t.Run("framework", func(t *testing.T) {
		t.Parallel()
		recipe := strings.ReplaceAll(creatioRecipe, "/odata/", "/0/odata/")
		connecttest.RunSessions(t, flavour(creatio.Framework, recipe))
	})
}

func creatioSim(t *testing.T, platform creatio.Platform, recipe string) *connecttest.Sim {
	sim := creatio.NewSim(platform, creatio.SimUser("styk", password))
	t.Cleanup(func() {
		for _, text := range sim.State().Broken {
			t.Errorf("the recipe broke the protocol: %s", text)
		}
	})
	rows := func(entity, column, value string) []map[string]any {
		var out []map[string]any
		for _, row := range sim.State().Entities[entity] {
			if row[column] == value {
				out = append(out, row)
			}
		}
		return out
	}
	caseOf := func(number string) map[string]any {
		for _, row := range rows("Case", "UsrExternalId", number) {
			return row
		}
		return map[string]any{"Id": "none"}
	}
	id := func(row map[string]any) string { s, _ := row["Id"].(string); return s }
	return &connecttest.Sim{
		Handler:  sim,
		Settings: func(url string) map[string]any { return settings(url, recipe) },
		Records:  func(n string) int { return len(rows("Case", "UsrExternalId", n)) },
		Messages: func(n string) int { return len(rows("SocialMessage", "EntityId", id(caseOf(n)))) },
		Number:   func(n string) string { s, _ := caseOf(n)["Number"].(string); return s },
		Contacts: func() int { return len(rows("Contact", "MobilePhone", "+79001234567")) },
		Files: func(n string) []connecttest.File {
			stored := sim.State().Files
			var out []connecttest.File
			for _, row := range rows("CaseFile", "CaseId", id(caseOf(n))) {
				name, _ := row["Name"].(string)
				if strings.HasPrefix(name, "https://") {
					out = append(out, connecttest.File{Name: name, Size: -1})
					continue
				}
				f := stored[id(row)]
				out = append(out, connecttest.File{Name: name, Size: f.Size, SHA256: f.SHA256})
			}
			return out
		},
		Expire: sim.EndSessions,
		Logins: func() int { return sim.State().Logins },
	}
}
