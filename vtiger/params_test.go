package vtiger

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"styk"
)

// dump writes params as JSON, an array as an object, so that two readings can
// be compared.
func dump(p *Params) Object {
	o := Object{}
	for name, value := range p.All() {
		if value.Items() != nil {
			o.Add(name, dump(value.Items()))
			continue
		}
		text, _ := value.Text()
		o.AddText(name, text)
	}
	return o
}

func parseQuery(t interface{ Fatal(...any) }, text string) *Params {
	p := &Params{}
	if err := p.parseURLEncoded(text, DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	return p
}

// spec/vtiger.md 1.3, and what PHP makes of the odder names.
var phpQueries = []struct{ query, want string }{
	{"", `[]`},
	{"?x=1", `{"?x":"1"}`},
	{"&operation=query", `{"operation":"query"}`},
	{"query=SELECT * FROM Contacts;", `{"query":"SELECT * FROM Contacts;"}`},
	{"a=b;c=d&e=f", `{"a":"b;c=d","e":"f"}`},
	{"query=a%u0418b", `{"query":"a%u0418b"}`},
	{"q=%zz", `{"q":"%zz"}`},
	{"q=%4", `{"q":"%4"}`},
	{"q=100%", `{"q":"100%"}`},
	{"a=1&a=2", `{"a":"2"}`},
	{"a.b=1&c d=2&e+f=3", `{"a_b":"1","c_d":"2","e_f":"3"}`},
	{"a[]=x&a[]=y", `{"a":{"0":"x","1":"y"}}`},
	{"d[k]=y&d[l][]=z", `{"d":{"k":"y","l":{"0":"z"}}}`},
	{"a+b=c+d%2Be", `{"a_b":"c d+e"}`},
	{"m=+7(949)", `{"m":" 7(949)"}`},
	{"s=1&s[]=2", `{"s":{"0":"2"}}`},
	{"s[]=2&s=1", `{"s":"1"}`},
	{"v[3]=a&v[]=b", `{"v":{"3":"a","4":"b"}}`},
	{"w[01]=a&w[-5]=b&w[]=c", `{"w":{"01":"a","-5":"b","-4":"c"}}`},
	{"[x]=1&=2& =3&%00n=4", `[]`},
	{"x[=1&x[y=2&x[z][w=3", `{"x_":"1","x_y":"2","x":{"z":"3"}}`},
	{"x[a]b=1&x[b[c]=2", `{"x":{"a":"1","b[c":"2"}}`},
	{"noval&e=", `{"noval":"","e":""}`},
	{"n%00ul=3", `{"n":"3"}`},
	{"%D0%B8%D0%BC%D1%8F=%D0%B9", `{"\u0438\u043c\u044f":"\u0439"}`},
	{"имя=й", `{"\u0438\u043c\u044f":"\u0439"}`},
}

func TestParamsAreReadAsPHP(t *testing.T) {
	t.Parallel()
	for _, c := range phpQueries {
		if got := string(dump(parseQuery(t, c.query)).appendJSON(nil)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.query, got, c.want)
		}
	}
}

// Odd queries by the hundred, all put before real PHP at once.
func TestParamsAgreeWithPHP(t *testing.T) {
	t.Parallel()
	var lines, got []string
	for _, c := range phpQueries {
		lines = append(lines, c.query)
	}
	piece := rapid.SampledFrom([]string{"a", "b", "a", "[", "]", "[]", "[k]", "=", "&", "+", "%", "%20", "%5B", "%5d", "%00", "%3d", "%26", ".", "_", " ", ";", "1", "0", "-", "и", "%ff", "[5]"})
	query := rapid.SliceOfN(piece, 1, 14)
	for seed := range 600 {
		lines = append(lines, strings.Join(query.Example(seed), ""))
	}
	var in bytes.Buffer
	for _, line := range lines {
		in.WriteString(base64.StdEncoding.EncodeToString([]byte(line)) + "\n")
		got = append(got, string(dump(parseQuery(t, line)).appendJSON(nil)))
	}
	const script = `
		function o($a) { foreach ($a as $k => $v) if (is_array($v)) $a[$k] = o($v); return $a ? (object)$a : []; }
		while (($l = fgets(STDIN)) !== false) {
			parse_str(base64_decode(trim($l)), $o);
			echo base64_encode(serialize_(o($o))), "\n";
		}
		function serialize_($o) {
			if (is_string($o)) return base64_encode($o);
			$s = "{";
			foreach ($o as $k => $v) $s .= base64_encode((string)$k) . ":" . serialize_($v) . ",";
			return $s . "}";
		}`
	out := strings.Split(strings.TrimSpace(string(php(t, script, in.Bytes()))), "\n")
	if len(out) != len(lines) {
		t.Fatalf("php answered %d lines of %d", len(out), len(lines))
	}
	for i, line := range lines {
		want, err := base64.StdEncoding.DecodeString(out[i])
		if err != nil {
			t.Fatal(err)
		}
		if ours := serialize(parseQuery(t, line)); ours != string(want) {
			t.Errorf("%q\n got %s (%s)\nwant %s", line, ours, got[i], want)
		}
	}
}

// serialize mirrors the script's serialize_: bytes, not text, are compared.
func serialize(p *Params) string {
	var b strings.Builder
	b.WriteByte('{')
	for name, value := range p.All() {
		b.WriteString(base64.StdEncoding.EncodeToString([]byte(name)) + ":")
		if value.Items() != nil {
			b.WriteString(serialize(value.Items()))
		} else {
			text, _ := value.Text()
			b.WriteString(base64.StdEncoding.EncodeToString([]byte(text)))
		}
		b.WriteByte(',')
	}
	return b.String() + "}"
}

func TestGiven(t *testing.T) {
	t.Parallel()
	p := parseQuery(t, "id=0&inn=&name=x&list[]=1&zero=00")
	for name, want := range map[string]string{"id": "", "inn": "", "name": "x", "zero": "00", "absent": ""} {
		if got, err := p.Given(name); got != want || err != nil {
			t.Errorf("Given(%q) = %q, %v, want %q", name, got, err, want)
		}
	}
	_, err := p.Given("list")
	if styk.CodeOf(err) != styk.Invalid || !strings.Contains(err.Error(), "list: expected text") {
		t.Errorf("an array as text gave %v", err)
	}
	if _, ok := p.Text("list"); ok || !p.IsArray("list") || p.IsArray("name") {
		t.Error("Text and IsArray disagree about list[]")
	}
}

func TestParamsLimits(t *testing.T) {
	t.Parallel()
	limits := Limits{Fields: 3, Field: 5}
	for query, rule := range map[string]string{
		"a=1&b=2&c=3&d=4":                      "max_fields",
		"a=123456":                             "max_bytes",
		"a" + strings.Repeat("[]", 65) + "=1":  "depth",
		"&&&a=1&b=2&&c=3&":                     "",
		"a=12345":                              "",
		"a" + strings.Repeat("[x]", 64) + "=1": "",
	} {
		err := (&Params{}).parseURLEncoded(query, limits)
		if got := ruleOf(err); got != rule {
			t.Errorf("%.40s: rule %q, want %q (%v)", query, got, rule, err)
		}
	}
}

// ruleOf gives the rule of the first fault of a *styk.Error, "" for none.
func ruleOf(err error) string {
	if e, ok := err.(*styk.Error); ok && len(e.Faults) > 0 {
		return e.Faults[0].Rule
	}
	return ""
}

func TestRepairText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"й": "й", "a\xffb": "a\ufffdb", "a\x00b": "a\ufffdb", "": ""} {
		if got := repairText(in); got != want {
			t.Errorf("repairText(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzParams(f *testing.F) {
	for _, c := range phpQueries {
		f.Add(c.query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		p := &Params{}
		if err := p.parseURLEncoded(query, DefaultLimits()); err != nil && styk.CodeOf(err) == "" {
			t.Fatalf("not a mistake that can be told: %v", err)
		}
		if out := dump(p).appendJSON(nil); !utf8.Valid(out) {
			t.Fatalf("%q", out)
		}
		for name := range p.All() {
			if name == "" || strings.ContainsAny(name, " .[\x00") {
				t.Fatalf("a name PHP cannot have: %q", name)
			}
		}
	})
}
