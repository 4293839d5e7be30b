package creatio

import (
	"strings"
	"testing"

	"styk/connect/connecttest"
)

const testPassword = `п"ароль/+=&'`

// TestConformance runs the suite of all connectors against the two flavours that
// differ most: prefix, cookies, shape of expiry, status of a taken key. The
// third, Net, is what most other tests here use.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, platform := range []Platform{Framework, BPMSoft} {
		t.Run(string(platform), func(t *testing.T) {
			t.Parallel()
			connecttest.Run(t, connecttest.Case{
				Kind: Kind,
				New:  func(t *testing.T) *connecttest.Sim { return suiteSim(t, platform) },
			})
		})
	}
}

func suiteSim(t *testing.T, platform Platform) *connecttest.Sim {
	s := NewSim(platform, SimUser("api", testPassword))
	t.Cleanup(func() {
		for _, text := range s.State().Broken {
			t.Errorf("the connector broke the protocol: %s", text)
		}
	})
	return &connecttest.Sim{
		Handler: s,
		Settings: func(url string) map[string]any {
			return map[string]any{
				"url": url, "user": "api", "password": testPassword,
				"external_id_column": "UsrExternalId", "account_inn_column": "UsrINN",
			}
		},
		Records:  func(number string) int { return len(s.casesOf(number)) },
		Messages: func(number string) int { return len(s.under("SocialMessage", "EntityId", s.caseOf(number))) },
		Files:    func(number string) []connecttest.File { return s.filesOf(number) },
		Number:   func(number string) string { return s.numberOf(number) },
		Contacts: func() int { return len(s.State().Entities["Contact"]) },
		Expire:   s.EndSessions,
		Logins:   func() int { return s.State().Logins },
	}
}

func (s *Sim) casesOf(number string) []map[string]any {
	return s.under("Case", "UsrExternalId", number)
}

func (s *Sim) caseOf(number string) string {
	for _, row := range s.casesOf(number) {
		return row["Id"].(string)
	}
	return "no case"
}

func (s *Sim) numberOf(number string) string {
	for _, row := range s.casesOf(number) {
		return row["Number"].(string)
	}
	return ""
}

func (s *Sim) under(entity, column, value string) []map[string]any {
	var out []map[string]any
	for _, row := range s.State().Entities[entity] {
		if row[column] == value {
			out = append(out, row)
		}
	}
	return out
}

func (s *Sim) filesOf(number string) []connecttest.File {
	st := s.State()
	var out []connecttest.File
	for _, row := range s.under("CaseFile", "CaseId", s.caseOf(number)) {
		name, _ := row["Name"].(string)
		f, stored := st.Files[row["Id"].(string)]
		switch {
		case strings.HasPrefix(name, "https://"):
			out = append(out, connecttest.File{Name: name, Size: -1})
		case stored && f.Complete:
			out = append(out, connecttest.File{Name: name, Size: f.Size, SHA256: f.SHA256})
		default:
			out = append(out, connecttest.File{Name: name + " (half)"})
		}
	}
	return out
}
