package vtiger

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// or reads conditions joined by or; and binds tighter, as in MySQL, to which
// stock hands them in written order.
func (p *vtqlParser) or() (Expr, error) { return p.chain("or", p.and) }

func (p *vtqlParser) and() (Expr, error) { return p.chain("and", p.condition) }

// chain reads one or more parts between a word and keeps the result flat.
func (p *vtqlParser) chain(word string, part func() (Expr, error)) (Expr, error) {
	isOr := word == "or"
	var terms []Expr
	for {
		term, err := part()
		if err != nil {
			return nil, err
		}
		if inner, ok := term.(*Logic); ok && inner.Or == isOr {
			terms = append(terms, inner.Terms...)
		} else {
			terms = append(terms, term)
		}
		if !p.accept(word) {
			break
		}
	}
	if len(terms) == 1 {
		return terms[0], nil
	}
	return &Logic{Or: isOr, Terms: terms}, nil
}

// condition reads one test or a group in parentheses.
func (p *vtqlParser) condition() (Expr, error) {
	if p.accept("(") {
		if p.depth++; p.depth > maxQueryDepth {
			return nil, limitError("query", "max_depth", "the query has more than "+strconv.Itoa(maxQueryDepth)+" nested parentheses")
		}
		inner, err := p.or()
		if err != nil {
			return nil, err
		}
		p.depth--
		return inner, p.expect(")", "PARENCLOSE")
	}
	if p.tests++; p.tests > maxQueryTests {
		return nil, limitError("query", "max_conditions", "the query has more than "+strconv.Itoa(maxQueryTests)+" conditions")
	}
	column, err := p.name("COLUMNNAME")
	if err != nil {
		return nil, err
	}
	test := &Test{Column: column}
	if test.Op, err = p.operator(); err != nil {
		return nil, err
	}
	switch test.Op {
	case OpIsNull, OpIsNotNull:
	case OpIn, OpNotIn:
		test.Values, err = p.list()
	default:
		test.Values, err = p.values(1)
	}
	return test, err
}

func (p *vtqlParser) operator() (TestOp, error) {
	for _, op := range []TestOp{OpEqual, OpUnequal, OpLess, OpGreater, OpAtMost, OpAtLeast, OpIn, OpLike} {
		if p.accept(string(op)) {
			return op, nil
		}
	}
	switch {
	case p.accept("<>"):
		return OpUnequal, nil
	case p.accept("is"):
		op := OpIsNull
		if p.accept("not") {
			op = OpIsNotNull
		}
		return op, p.expect("null", "NULL")
	case p.accept("not"):
		if p.accept("in") {
			return OpNotIn, nil
		}
		if p.accept("like") {
			return OpNotLike, nil
		}
		return "", p.unexpected("IN", "LIKE")
	}
	return "", p.unexpected("IN", "LIKE", "EQ", "NE", "LT", "GT", "LTE", "GTE")
}

// list reads the values of an IN.
func (p *vtqlParser) list() ([]string, error) {
	if err := p.expect("(", "PARENOPEN"); err != nil {
		return nil, err
	}
	values, err := p.values(maxQueryIn)
	if err != nil {
		return nil, err
	}
	return values, p.expect(")", "PARENCLOSE")
}

// values reads up to most literals between commas.
func (p *vtqlParser) values(most int) ([]string, error) {
	var values []string
	for {
		token := p.peek()
		if token.kind != tokenWord && token.kind != tokenString {
			return nil, p.unexpected("VALUE")
		}
		p.at++
		if values = append(values, token.text); most == 1 || !p.accept(",") {
			return values, nil
		}
		if len(values) == most {
			return nil, limitError("query", "max_in", "the query has more than "+strconv.Itoa(most)+" values in one IN")
		}
	}
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenString
	tokenSign
)

type vtqlToken struct {
	kind   tokenKind
	text   string // without quotes
	source string // as written
	line   int
}

// is tells whether the token is this keyword, in any case, or this sign.
func (t vtqlToken) is(text string) bool {
	return (t.kind == tokenWord || t.kind == tokenSign) && strings.EqualFold(t.text, text)
}

var signNames = map[string]string{
	"(": "PARENOPEN", ")": "PARENCLOSE", ",": "COMMA", ";": "SEMICOLON", "*": "ASTERISK",
	"=": "EQ", "!=": "NE", "<>": "NE", "<": "LT", ">": "GT", "<=": "LTE", ">=": "GTE",
}

// name is what stock would call the token in an error.
func (t vtqlToken) name() string {
	switch word := strings.ToLower(t.text); {
	case t.kind == tokenString:
		return "VALUE"
	case t.kind == tokenSign:
		return signNames[t.text]
	case slices.Contains(reservedWords, word):
		return strings.ToUpper(word)
	}
	return "Unknown"
}

// scanVTQL cuts valid UTF-8 into tokens.
func scanVTQL(text string) ([]vtqlToken, error) {
	tokens := make([]vtqlToken, 0, 32)
	line := 1
	for {
		trimmed := strings.TrimLeftFunc(text, unicode.IsSpace)
		line += strings.Count(text[:len(text)-len(trimmed)], "\n")
		if text = trimmed; text == "" {
			return append(tokens, vtqlToken{line: line}), nil
		}
		token := nextToken(text)
		if token.line = line; token.source == "" {
			return nil, queryError(ruleSyntax, "Syntax Error on line "+strconv.Itoa(line)+": "+token.text)
		}
		line += strings.Count(token.source, "\n")
		tokens = append(tokens, token)
		text = text[len(token.source):]
	}
}

// nextToken cuts the token at the front; an empty source is an error with its
// text.
func nextToken(text string) vtqlToken {
	switch c := text[0]; {
	case c == '\'' || c == '"':
		return quotedToken(text, text[:1])
	case strings.IndexByte("(),;*=", c) >= 0:
		return vtqlToken{kind: tokenSign, text: text[:1], source: text[:1]}
	case strings.IndexByte("<>!", c) >= 0:
		for _, sign := range []string{"<=", ">=", "<>", "!=", "<", ">"} {
			if strings.HasPrefix(text, sign) {
				return vtqlToken{kind: tokenSign, text: sign, source: sign}
			}
		}
		return vtqlToken{text: "'!' stands alone, expected !="}
	}
	end := strings.IndexFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`(),;*=<>!'"`, r)
	})
	if end < 0 {
		end = len(text)
	}
	return vtqlToken{kind: tokenWord, text: text[:end], source: text[:end]}
}

// quotedToken reads a literal in which a doubled quote is one quote.
func quotedToken(text, quote string) vtqlToken {
	for end := 1; ; {
		next := strings.Index(text[end:], quote)
		if next < 0 {
			return vtqlToken{text: "a text that begins with " + quote + " is not closed: " + clip(text)}
		}
		if end += next + 1; !strings.HasPrefix(text[end:], quote) {
			inner := strings.ReplaceAll(text[1:end-1], quote+quote, quote)
			return vtqlToken{kind: tokenString, text: inner, source: text[:end]}
		}
		end++
	}
}
