package vtiger

import (
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// simQueryPlan is a parsed query (3.5).
type simQueryPlan struct {
	module        *simModule
	columns       []string // nil: all
	count         bool
	where         [][]simTest // or of ands: "and" binds tighter, as in MySQL
	order         []string
	desc          bool
	offset, limit int
}

type simTest struct {
	column, op string
	values     []string
}

var simFrom = regexp.MustCompile(`(?i)\bfrom\s+([^\s;]+)`)

// query is 3.5: at most 100 rows, and no word of it.
func (c *simCall) query(*simRequest) (any, *simError) {
	text := c.params.given("query")
	from := simFrom.FindStringSubmatch(text)
	if from == nil {
		return nil, &simError{CodeAccessDenied, MsgDenied + " for query"} // M66, M67, M73, M74
	}
	m := simModuleNamed(from[1])
	if m == nil {
		return nil, &simError{CodeAccessDenied, MsgDenied + " for name : " + from[1]} // M68
	}
	p := simParser{plan: simQueryPlan{module: m, limit: pageRows}}
	if failure := p.scan(text); failure != nil {
		return nil, failure
	}
	if failure := p.parse(); failure != nil {
		return nil, failure
	}
	if failure := p.checkColumns(); failure != nil {
		return nil, failure
	}
	return c.rows(&p.plan), nil
}

func (c *simCall) rows(q *simQueryPlan) any {
	var found []*simRecord
	for _, r := range c.records {
		if !r.deleted && r.module == q.module.name && q.matches(r) {
			found = append(found, r)
		}
	}
	if q.count {
		return []any{simMap{{"count", simItoa(len(found))}}} // M62
	}
	sort.SliceStable(found, func(i, j int) bool {
		for _, column := range q.order {
			a, b := found[i].column(column), found[j].column(column)
			if order := simCompare(column, a, b); order != 0 {
				return order < 0 != q.desc
			}
		}
		return found[i].number < found[j].number
	})
	list := []any{}
	for i, r := range found {
		if i >= q.offset && len(list) < min(q.limit, pageRows) {
			list = append(list, r.show(q.columns))
		}
	}
	return list
}

// column gives a value to compare: of ids and references the part after x.
func (r *simRecord) column(name string) string {
	value := r.values[name]
	if name == "id" {
		value = r.wsid()
	}
	if f := simModuleNamed(r.module).field(name); name == "id" || f != nil && f.refers != nil {
		_, value, _ = strings.Cut(value, "x")
	}
	return value
}

// simCompare is MySQL's: numbers for ids, else texts without regard to case.
func simCompare(column, a, b string) int {
	if column == "id" {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	}
	return strings.Compare(strings.ToLower(a), strings.ToLower(b))
}

func (q *simQueryPlan) matches(r *simRecord) bool {
	return q.where == nil || slices.ContainsFunc(q.where, func(all []simTest) bool {
		return !slices.ContainsFunc(all, func(t simTest) bool { return !t.holds(r) })
	})
}

func (t simTest) holds(r *simRecord) bool {
	have := r.column(t.column)
	if t.op == "in" {
		return slices.ContainsFunc(t.values, func(v string) bool { return simCompare(t.column, have, v) == 0 })
	}
	order := simCompare(t.column, have, t.values[0])
	switch t.op {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	case ">=":
		return order >= 0
	}
	return simLike(strings.ToLower(have), strings.ToLower(t.values[0]))
}

// simLike is MySQL's LIKE.
func simLike(text, pattern string) bool {
	if pattern == "" {
		return text == ""
	}
	head, rest := []rune(pattern)[0], string([]rune(pattern)[1:])
	switch {
	case head == '%':
		for i := 0; i <= len(text); i++ {
			if simLike(text[i:], rest) {
				return true
			}
		}
		return false
	case text == "":
		return false
	}
	first := []rune(text)[0]
	return (head == '_' || head == first) && simLike(text[len(string(first)):], rest)
}

// simWord is a piece of a query; quoted ones hold their plain text.
type simWord struct {
	text   string
	quoted bool
}

type simParser struct {
	words []simWord
	at    int
	plan  simQueryPlan
}

// scan cuts the text. An empty text in quotes, and double quotes, kill stock's
// lexer (3.5).
func (p *simParser) scan(text string) *simError {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimLeftFunc(text, unicode.IsSpace) {
		switch {
		case text[0] == '\'':
			end, value := 1, ""
			for {
				next := strings.IndexByte(text[end:], '\'')
				if next < 0 {
					return &simError{CodeInternal, MsgInternal}
				}
				value += text[end : end+next]
				if end += next + 1; !strings.HasPrefix(text[end:], "'") {
					break
				}
				value, end = value+"'", end+1
			}
			if value == "" {
				return &simError{CodeInternal, MsgInternal}
			}
			p.words, text = append(p.words, simWord{value, true}), text[end:]
		case text[0] == '"':
			return &simError{CodeInternal, MsgInternal}
		case strings.IndexByte("(),;*", text[0]) >= 0:
			p.words, text = append(p.words, simWord{text: text[:1]}), text[1:]
		case strings.IndexByte("=!<>", text[0]) >= 0:
			n := 1
			if len(text) > 1 && text[1] == '=' {
				n = 2
			}
			p.words, text = append(p.words, simWord{text: text[:n]}), text[n:]
		default:
			n := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`(),;*=!<>'"`, r) })
			if n < 0 {
				n = len(text)
			}
			p.words, text = append(p.words, simWord{text: text[:n]}), text[n:]
		}
	}
	return nil
}

func (p *simParser) take(text string) bool {
	if p.at < len(p.words) && !p.words[p.at].quoted && strings.EqualFold(p.words[p.at].text, text) {
		p.at++
		return true
	}
	return false
}

// unexpected words the error as stock does (M65, M72).
func (p *simParser) unexpected(expected string) *simError {
	token, name := "", "End of Input(0)"
	shown := func(w simWord) string {
		if w.quoted {
			return "'" + w.text + "'"
		}
		return w.text
	}
	if p.at < len(p.words) {
		token = shown(p.words[p.at])
		name = "Unknown(" + p.words[p.at].text + ")"
	} else if p.at > 0 {
		token = shown(p.words[p.at-1])
	}
	return &simError{CodeQuerySyntax, "Syntax Error on line 1: token '" + token + "' Unexpected " + name + ", expected one of: " + expected}
}

func (p *simParser) name() (string, *simError) {
	if p.at >= len(p.words) || p.words[p.at].quoted || !isSimName(p.words[p.at].text) {
		return "", p.unexpected("COLUMNNAME")
	}
	p.at++
	return p.words[p.at-1].text, nil
}

func isSimName(word string) bool {
	return word != "" && strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func (p *simParser) names() (list []string, failure *simError) {
	for {
		name, failure := p.name()
		if failure != nil {
			return nil, failure
		}
		if list = append(list, name); !p.take(",") {
			return list, nil
		}
	}
}

func (p *simParser) parse() (failure *simError) {
	if !p.take("select") {
		return p.unexpected("SELECT")
	}
	switch {
	case p.take("*"):
	case p.take("count"):
		if !p.take("(") || !p.take("*") || !p.take(")") {
			return p.unexpected("ASTERISK")
		}
		p.plan.count = true
	default:
		if p.plan.columns, failure = p.names(); failure != nil {
			return failure
		}
	}
	if !p.take("from") {
		return p.unexpected("FROM")
	}
	p.at++ // the module, known already
	if p.take("where") {
		if failure := p.where(); failure != nil {
			return failure
		}
	}
	return p.tail()
}

func (p *simParser) where() *simError {
	all := []simTest{}
	for {
		t, failure := p.test()
		if failure != nil {
			return failure
		}
		all = append(all, t)
		switch {
		case p.take("and"):
		case p.take("or"):
			p.plan.where, all = append(p.plan.where, all), []simTest{}
		default:
			p.plan.where = append(p.plan.where, all)
			return nil
		}
	}
}

func (p *simParser) test() (t simTest, failure *simError) {
	if t.column, failure = p.name(); failure != nil {
		return t, failure
	}
	for _, op := range []string{"=", "!=", "<=", ">=", "<", ">", "in", "like"} {
		if p.take(op) {
			t.op = op
			break
		}
	}
	switch {
	case t.op == "":
		return t, p.unexpected("IN,LIKE,EQ,NE,LT,GT,LTE,GTE")
	case t.op != "in":
		t.values, failure = p.value(nil)
		return t, failure
	case !p.take("("):
		return t, p.unexpected("PARENOPEN")
	}
	for {
		if t.values, failure = p.value(t.values); failure != nil {
			return t, failure
		}
		if !p.take(",") {
			break
		}
	}
	if !p.take(")") {
		return t, p.unexpected("PARENCLOSE")
	}
	return t, nil
}

func (p *simParser) value(list []string) ([]string, *simError) {
	if p.at >= len(p.words) || !p.words[p.at].quoted && strings.ContainsAny(p.words[p.at].text, "(),;*=!<>") {
		return nil, p.unexpected("VALUE")
	}
	p.at++
	return append(list, p.words[p.at-1].text), nil
}

// tail reads order, limit and the semicolon, which must stand there (M65).
func (p *simParser) tail() (failure *simError) {
	if p.take("order") {
		if !p.take("by") {
			return p.unexpected("BY")
		}
		if p.plan.order, failure = p.names(); failure != nil {
			return failure
		}
		if p.plan.desc = p.take("desc"); !p.plan.desc {
			p.take("asc")
		}
	}
	if p.take("limit") {
		list, failure := p.value(nil)
		if failure == nil && p.take(",") {
			list, failure = p.value(list)
		}
		if failure != nil {
			return failure
		}
		p.plan.limit, _ = strconv.Atoi(list[len(list)-1])
		if len(list) == 2 {
			p.plan.offset, _ = strconv.Atoi(list[0])
		}
	}
	if !p.take(";") || p.at < len(p.words) {
		return p.unexpected("SEMICOLON")
	}
	return nil
}

// checkColumns refuses unknown columns (M69, M70) and references without x.
func (p *simParser) checkColumns() *simError {
	m := p.plan.module
	for _, name := range p.plan.columns {
		if name != "id" && m.field(name) == nil {
			return &simError{CodeAccessDenied, "Permission to access '." + name + ".' attribute denied."}
		}
	}
	for _, all := range p.plan.where {
		for i, t := range all {
			f := m.field(t.column)
			if t.column != "id" && f == nil {
				return &simError{CodeAccessDenied, "Permission to access " + t.column + " attribute denied."}
			}
			if t.column != "id" && f.refers == nil {
				continue
			}
			for k, v := range t.values {
				_, number, found := strings.Cut(v, "x")
				if !found {
					return &simError{CodeInvalidID, MsgInvalidID}
				}
				all[i].values[k] = number
			}
		}
	}
	for _, name := range p.plan.order {
		if name != "id" && m.field(name) == nil {
			return &simError{CodeAccessDenied, "Permission to access " + name + " attribute denied."}
		}
	}
	return nil
}
