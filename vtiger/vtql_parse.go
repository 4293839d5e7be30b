package vtiger

import (
	"slices"
	"strconv"
	"strings"

	"styk"
)

// Rules of the errors of parseVTQL.
const (
	ruleNoModule = "from"   // no "from Module": stock answers msgDeniedQuery
	ruleSyntax   = "syntax" // the text is stock's QUERY_SYNTAX_ERROR
)

// parseVTQL reads a query: stock's grammar, and beyond it a missing or doubled
// ";", empty and double-quoted texts, parentheses, is [not] null, not in, not like, <>
// (spec/vtiger.md 3.5). Any white space separates, NBSP too.
//
// Errors are *styk.Error about the field "query": code Invalid with the rule
// ruleNoModule or ruleSyntax, or code TooLarge.
func parseVTQL(text string) (*Select, error) {
	if len(text) > maxQueryBytes {
		return nil, limitError("query", "max_bytes", "the query is longer than "+strconv.Itoa(maxQueryBytes)+" bytes")
	}
	tokens, err := scanVTQL(repairText(text))
	if err != nil {
		return nil, err
	}
	if !namesModule(tokens) {
		return nil, queryError(ruleNoModule, `the query names no module: expected select … from Module`)
	}
	p := vtqlParser{tokens: tokens}
	query, err := p.query()
	if err != nil {
		return nil, err
	}
	return query, nil
}

// namesModule tells whether a word follows from; without one stock refuses a
// query before it looks at its grammar.
func namesModule(tokens []vtqlToken) bool {
	for i := range len(tokens) - 1 {
		if tokens[i].is("from") && tokens[i+1].kind == tokenWord {
			return true
		}
	}
	return false
}

// vtqlParser walks the tokens; the last is always tokenEnd.
type vtqlParser struct {
	tokens []vtqlToken
	at     int
	depth  int
	tests  int
}

func (p *vtqlParser) peek() vtqlToken { return p.tokens[p.at] }

// accept steps over the next token when it is the word or sign.
func (p *vtqlParser) accept(text string) bool {
	if !p.peek().is(text) {
		return false
	}
	p.at++
	return true
}

// expect is accept with an error that calls what was wanted by its stock name.
func (p *vtqlParser) expect(text, name string) error {
	if p.accept(text) {
		return nil
	}
	return p.unexpected(name)
}

func (p *vtqlParser) query() (*Select, error) {
	s := &Select{}
	if err := p.expect("select", "SELECT"); err != nil {
		return nil, err
	}
	if err := p.columns(s); err != nil {
		return nil, err
	}
	if err := p.expect("from", "FROM"); err != nil {
		return nil, err
	}
	var err error
	if s.Module, err = p.name("TABLENAME"); err != nil {
		return nil, err
	}
	if p.accept("where") {
		if s.Where, err = p.or(); err != nil {
			return nil, err
		}
	}
	if err = p.order(s); err != nil {
		return nil, err
	}
	if err = p.limit(s); err != nil {
		return nil, err
	}
	for p.accept(";") {
	}
	if p.peek().kind != tokenEnd {
		return nil, p.unexpected("SEMICOLON")
	}
	return s, nil
}

func (p *vtqlParser) columns(s *Select) (err error) {
	if p.accept("*") {
		s.All = true
		return nil
	}
	if p.peek().is("count") && p.tokens[p.at+1].is("(") {
		p.at += 2
		s.Count = true
		if err := p.expect("*", "ASTERISK"); err != nil {
			return err
		}
		return p.expect(")", "PARENCLOSE")
	}
	s.Columns, err = p.names()
	return err
}

// names reads column names between commas.
func (p *vtqlParser) names() ([]string, error) {
	var names []string
	for {
		name, err := p.name("COLUMNNAME")
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		if !p.accept(",") {
			return names, nil
		}
	}
}

var reservedWords = []string{"select", "from", "where", "and", "or", "not", "in", "like", "is", "null", "order", "by", "asc", "desc", "limit"}

// name reads a word that can be a module or a column.
func (p *vtqlParser) name(wanted string) (string, error) {
	token := p.peek()
	if token.kind != tokenWord || !isName(token.text) || slices.Contains(reservedWords, strings.ToLower(token.text)) {
		return "", p.unexpected(wanted)
	}
	p.at++
	return token.text, nil
}

func isName(word string) bool {
	for i := range len(word) {
		c := word[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return word != ""
}

func (p *vtqlParser) order(s *Select) (err error) {
	if !p.accept("order") {
		return nil
	}
	if err := p.expect("by", "BY"); err != nil {
		return err
	}
	if s.OrderBy, err = p.names(); err != nil {
		return err
	}
	if s.Desc = p.accept("desc"); !s.Desc {
		p.accept("asc")
	}
	return nil
}

func (p *vtqlParser) limit(s *Select) (err error) {
	if !p.accept("limit") {
		return nil
	}
	s.Limit.Set = true
	if s.Limit.Count, err = p.number(); err != nil || !p.accept(",") {
		return err
	}
	s.Limit.Offset = s.Limit.Count
	s.Limit.Count, err = p.number()
	return err
}

func (p *vtqlParser) number() (int, error) {
	n, err := strconv.ParseUint(p.peek().text, 10, 31)
	if err != nil || p.peek().kind != tokenWord {
		return 0, p.unexpected("VALUE")
	}
	p.at++
	return int(n), nil
}

// unexpected words the error as stock does: the token, its name, what could
// have stood there. At the end stock quotes the last token.
func (p *vtqlParser) unexpected(expected ...string) error {
	token := p.peek()
	shown, name := token.text, token.name()+"("+token.text+")"
	if token.kind == tokenEnd {
		name = "End of Input(0)"
		if p.at > 0 {
			shown = p.tokens[p.at-1].source
		}
	}
	return queryError(ruleSyntax, "Syntax Error on line "+strconv.Itoa(token.line)+": token '"+clip(shown)+
		"' Unexpected "+clip(name)+", expected one of: "+strings.Join(expected, ","))
}

// clip keeps an error text short whatever the query held.
func clip(text string) string {
	runes := []rune(text)
	if len(runes) <= 60 {
		return text
	}
	return string(runes[:60]) + "…"
}

func queryError(rule, text string) error { return styk.FieldError(styk.Invalid, "query", rule, text) }
