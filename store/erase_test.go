package store

import (
	"slices"
	"strings"
	"testing"

	"styk"
)

// TestEveryPersonalTableIsReached fails for a table whose personal columns are
// to be emptied, but of which nobody knows how a person's rows are found.
func TestEveryPersonalTableIsReached(t *testing.T) {
	t.Parallel()
	colleagues := []string{"app_user", "staff_session", "staff_invitation"}
	for _, table := range PersonalTables {
		known := reaches[table.Table] != nil || slices.Contains(freedWithOwner, table.Table) ||
			slices.Contains(soughtByValue, table.Table) || slices.Contains(colleagues, table.Table)
		for _, p := range table.Personal {
			if p.Erase == Keep {
				continue
			}
			if !known {
				t.Errorf("%s %s is to be erased, but how are the rows of a person found? See erase_reach.go", table.Table, p.Columns)
			}
			for _, column := range strings.Fields(p.Columns) {
				if rec := styk.NewRecord(styk.Kind(table.Table)); rec != nil && !hasColumn(rec, column) {
					t.Errorf("%s.%s is no column that blankRecord knows", table.Table, column)
				}
			}
		}
	}
}

func hasColumn(rec styk.Record, name string) bool {
	return name == "warnings" || name == "extra" ||
		slices.ContainsFunc(rec.Columns(), func(c styk.Column) bool { return c.Name == name })
}

func TestNeedlesAreFoundInEveryGuise(t *testing.T) {
	t.Parallel()
	n := needles{}
	for _, v := range []string{"+7 (949) 123-45-11", "Канарейкина", "bird@firm.example", "Ян"} {
		n.add(v)
	}
	for text, want := range map[string]bool{
		`mobile=%2B7%28949%29123-45-11&x=1`:                                                 true,
		`{"mobile":"8 949 123 45 11"}`:                                                      true,
		`{"name":"\u041a\u0430\u043d\u0430\u0440\u0435\u0439\u043a\u0438\u043d\u0430"}`:     true,
		`lastname=%D0%9A%D0%B0%D0%BD%D0%B0%D1%80%D0%B5%D0%B9%D0%BA%D0%B8%D0%BD%D0%B0`:       true,
		`lastname=%D0%9A%D0%B0%D0%BD%D0%B0%D1%80%D0%B5%D0%B9%D0%BA%D0%B8%D0%BD%D0%B0&a=%D0`: true,
		"КАНАРЕЙКИНА пишет":                                                                 true,
		`a@b.example, BIRD@firm.example`:                                                    true,
		`mobile=79491234512&name=Ян`:                                                        false,
		``:                                                                                  false,
	} {
		if got := n.in(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func FuzzUnescaped(f *testing.F) {
	for _, s := range []string{`\u041a`, `\ud83d\ude00`, `a\`, `\u12`, `\n\t\"`, `\\u0041`, "plain"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := unescaped(s)
		if !strings.Contains(s, `\`) && got != s {
			t.Errorf("%q became %q", s, got)
		}
	})
}
