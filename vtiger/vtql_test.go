package vtiger

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"styk"
)

// Left: as a client may write it. Right: as we print it.
var vtqlQueries = []struct{ in, want string }{
	// Stock's grammar: spec/vtiger.md 3.5 and the transcripts 59–71.
	{"select id,firstname from Contacts where mobile='+7(949) 123-45-12';", "select id, firstname from Contacts where mobile = '+7(949) 123-45-12';"},
	{"SELECT * FROM Contacts;", "select * from Contacts;"},
	{"select count(*) from Contacts;", "select count(*) from Contacts;"},
	{"select Count ( * ) from Contacts;", "select count(*) from Contacts;"},
	{"select count from Contacts;", "select count from Contacts;"},
	{"select id from Contacts where lastname like 'Пуп%' order by createdtime desc limit 0, 2;", "select id from Contacts where lastname like 'Пуп%' order by createdtime desc limit 2;"},
	{"select id from Contacts where mobile in ('a','b',3);", "select id from Contacts where mobile in ('a', 'b', '3');"},
	{"select id from Contacts where lastname='O''Neil';", "select id from Contacts where lastname = 'O''Neil';"},
	{`select id from Contacts where a='c:\';`, `select id from Contacts where a = 'c:\';`},
	{"select id from Contacts where id>'12x5' order by id limit 100;", "select id from Contacts where id > '12x5' order by id limit 100;"},
	{"select id from Contacts where id>12x5;", "select id from Contacts where id > '12x5';"},
	{"select id from M where a!=1 and b<2 or c>3 and d<=4 or e>=5;", "select id from M where a != '1' and b < '2' or c > '3' and d <= '4' or e >= '5';"},
	{"select id from M where modifiedtime>='2026-11-21 21:12:12' order by a, b asc limit 20,10;", "select id from M where modifiedtime >= '2026-11-21 21:12:12' order by a, b limit 20, 10;"},
	{"select\n\tid\u00a0from\r\nM  where a = x ;\n", "select id from M where a = 'x';"},
	{"select id from M where a='x'and b='y'or c=z", "select id from M where a = 'x' and b = 'y' or c = 'z';"},
	{"select id from M where a=a@b.ru;", "select id from M where a = 'a@b.ru';"},
	// Ours beyond it.
	{"select id from M", "select id from M;"},
	{"select id from M;;", "select id from M;"},
	{"select id from M where a='' or b=\"it's\"", "select id from M where a = '' or b = 'it''s';"},
	{"select id from M where (a=1 or b=2) and ((c=3))", "select id from M where (a = '1' or b = '2') and c = '3';"},
	{"select id from M where (a=1 and b=2) and (c=3 or (d=4 or e=5))", "select id from M where a = '1' and b = '2' and (c = '3' or d = '4' or e = '5');"},
	{"select id from M where a is null and b IS NOT NULL", "select id from M where a is null and b is not null;"},
	{"select id from M where a not like 'x%' and b not in (1) and c <> 2", "select id from M where a not like 'x%' and b not in ('1') and c != '2';"},
}

func TestVTQL(t *testing.T) {
	t.Parallel()
	for _, c := range vtqlQueries {
		query, err := parseVTQL(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := query.String(); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

func TestVTQLTree(t *testing.T) {
	t.Parallel()
	got, err := parseVTQL("select a from M where b=1 or c in (2,3) and d is null order by e desc limit 5,6;")
	if err != nil {
		t.Fatal(err)
	}
	want := &Select{
		Columns: []string{"a"}, Module: "M", OrderBy: []string{"e"}, Desc: true, Limit: Limit{Offset: 5, Count: 6, Set: true},
		Where: &Logic{Or: true, Terms: []Expr{
			&Test{"b", OpEqual, []string{"1"}},
			&Logic{Terms: []Expr{&Test{"c", OpIn, []string{"2", "3"}}, &Test{Column: "d", Op: OpIsNull}}},
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %s", got)
	}
	var columns []string
	Tests(got.Where, func(test *Test) { columns = append(columns, test.Column) })
	if strings.Join(columns, "") != "bcd" {
		t.Errorf("Tests went over %v", columns)
	}
}

func TestVTQLErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, rule, text string }{
		{"", ruleNoModule, "names no module"},
		{"hello world", ruleNoModule, ""},
		{"select id;", ruleNoModule, ""},
		{"select id from ;", ruleNoModule, ""},
		{"select id where a='x from y'", ruleNoModule, ""},
		{"delete from Contacts;", ruleSyntax, "Syntax Error on line 1: token 'delete' Unexpected Unknown(delete), expected one of: SELECT"},
		{"select id from Contacts where mobile='+7'and", ruleSyntax, "token 'and' Unexpected End of Input(0), expected one of: COLUMNNAME"},
		{"select id from Contacts where mobile=\n", ruleSyntax, "Syntax Error on line 2: token '=' Unexpected End of Input(0), expected one of: VALUE"},
		{"select id from M; delete from M;", ruleSyntax, "token 'delete' Unexpected Unknown(delete), expected one of: SEMICOLON"},
		{"select id from M where a between 1 and 2;", ruleSyntax, "token 'between' Unexpected Unknown(between), expected one of: IN,LIKE,EQ"},
		{"select distinct id from M;", ruleSyntax, "expected one of: FROM"},
		{"select id, from M;", ruleSyntax, "token 'from' Unexpected FROM(from), expected one of: COLUMNNAME"},
		{"select id from M limit -1;", ruleSyntax, "expected one of: VALUE"},
		{"select id from M limit 99999999999;", ruleSyntax, "expected one of: VALUE"},
		{"select id from M where a in ();", ruleSyntax, "token ')' Unexpected PARENCLOSE()), expected one of: VALUE"},
		{"select id from M where (a=1;", ruleSyntax, "expected one of: PARENCLOSE"},
		{"select id from M where a='x", ruleSyntax, "is not closed"},
		{"select id from M where a='x''", ruleSyntax, "is not closed"},
		{"select id from M where a!1", ruleSyntax, "stands alone"},
		{"select id from M where a=1 -- and b=2", ruleSyntax, "expected one of: SEMICOLON"},
		{"select a.b from M", ruleSyntax, "expected one of: COLUMNNAME"},
		{"select `id` from M", ruleSyntax, "expected one of: COLUMNNAME"},
		{"select id from M order by a desc, b", ruleSyntax, "expected one of: SEMICOLON"},
	} {
		_, err := parseVTQL(c.in)
		if styk.CodeOf(err) != styk.Invalid || ruleOf(err) != c.rule || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v, want %s: %s", c.in, err, c.rule, c.text)
		}
	}
}

func TestVTQLLimits(t *testing.T) {
	t.Parallel()
	in := func(n int) string { return "select id from M where a in (1" + strings.Repeat(",1", n-1) + ")" }
	tests := func(n int) string { return "select id from M where a=1" + strings.Repeat(" or a=1", n-1) }
	deep := func(n int) string {
		return "select id from M where " + strings.Repeat("(", n) + "a=1" + strings.Repeat(")", n)
	}
	for rule, c := range map[string][2]string{
		"max_in":         {in(maxQueryIn), in(maxQueryIn + 1)},
		"max_conditions": {tests(maxQueryTests), tests(maxQueryTests + 1)},
		"max_depth":      {deep(maxQueryDepth), deep(maxQueryDepth + 1)},
		"max_bytes":      {"select id from M" + strings.Repeat(" ", maxQueryBytes-16), strings.Repeat(" ", maxQueryBytes+1)},
	} {
		if _, err := parseVTQL(c[0]); err != nil {
			t.Errorf("%s: the limit itself is refused: %v", rule, err)
		}
		if _, err := parseVTQL(c[1]); ruleOf(err) != rule || styk.CodeOf(err) != styk.TooLarge {
			t.Errorf("%s: got %v", rule, err)
		}
	}
}

var (
	genName = rapid.StringMatching(`[a-z_][A-Za-z0-9_]{0,8}`).Filter(func(s string) bool {
		return !strings.Contains(" "+strings.Join(reservedWords, " ")+" ", " "+strings.ToLower(s)+" ")
	})
	genValue = rapid.Custom(func(t *rapid.T) string { return repairText(rapid.String().Draw(t, "value")) })
)

func drawTest(t *rapid.T) Expr {
	ops := []TestOp{OpEqual, OpUnequal, OpLess, OpGreater, OpAtMost, OpAtLeast, OpIn, OpLike, OpNotLike, OpNotIn, OpIsNull, OpIsNotNull}
	test := &Test{Column: genName.Draw(t, "column"), Op: rapid.SampledFrom(ops).Draw(t, "op")}
	switch test.Op {
	case OpIsNull, OpIsNotNull:
	case OpIn, OpNotIn:
		test.Values = rapid.SliceOfN(genValue, 1, 4).Draw(t, "values")
	default:
		test.Values = []string{genValue.Draw(t, "value")}
	}
	return test
}

// drawExpr draws a tree in which no Logic holds one of its own operator.
func drawExpr(t *rapid.T, depth int, or bool) Expr {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "leaf") == 0 {
		return drawTest(t)
	}
	logic := &Logic{Or: or}
	for range rapid.IntRange(2, 3).Draw(t, "terms") {
		logic.Terms = append(logic.Terms, drawExpr(t, depth-1, !or))
	}
	return logic
}

// What is printed is read as the same tree.
func TestVTQLRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := &Select{Module: genName.Draw(t, "module")}
		switch rapid.IntRange(0, 2).Draw(t, "what") {
		case 0:
			want.All = true
		case 1:
			want.Count = true
		default:
			want.Columns = rapid.SliceOfN(genName, 1, 4).Draw(t, "columns")
		}
		if rapid.Bool().Draw(t, "where") {
			want.Where = drawExpr(t, 3, rapid.Bool().Draw(t, "or"))
		}
		if rapid.Bool().Draw(t, "order") {
			want.OrderBy, want.Desc = rapid.SliceOfN(genName, 1, 3).Draw(t, "by"), rapid.Bool().Draw(t, "desc")
		}
		if rapid.Bool().Draw(t, "limit") {
			want.Limit = Limit{rapid.IntRange(0, 1e9).Draw(t, "offset"), rapid.IntRange(0, 1e9).Draw(t, "count"), true}
		}
		got, err := parseVTQL(want.String())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\ncame back as %v, %v", want, got, err)
		}
	})
}

func FuzzVTQL(f *testing.F) {
	for _, c := range vtqlQueries {
		f.Add(c.in)
	}
	f.Add("select id from M where ((((a=1")
	f.Add("select \xff from M where a='\x00'")
	f.Fuzz(func(t *testing.T, text string) {
		query, err := parseVTQL(text)
		if err != nil {
			if styk.CodeOf(err) == "" {
				t.Fatalf("not a mistake that can be told: %v", err)
			}
			return
		}
		printed := query.String()
		if len(printed) > maxQueryBytes { // quotes make it longer
			return
		}
		again, err := parseVTQL(printed)
		if err != nil || !reflect.DeepEqual(again, query) {
			t.Fatalf("%q printed as %q: %v", text, printed, err)
		}
	})
}

func BenchmarkVTQL(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseVTQL("select id,firstname,lastname,mobile from Contacts where mobile='+7(949) 123-45-12' limit 0, 10;"); err != nil {
			b.Fatal(err)
		}
	}
}
