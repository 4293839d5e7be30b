package passteam

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// Body is a request's parameters, whatever form they came in. All text is valid
// UTF-8 without NUL.
type Body struct {
	Values  []Value      // variables, each once, in the order of first appearance
	CardIDs []string     // of deletecards, sendpush
	Cards   []CardChange // of updatecards
	// Mended tells in fixed words what the reader had to put up with, for a
	// log: MendedBOM and so on. It holds nothing of what was sent.
	Mended []string

	fields map[string]string
}

// CardChange is one card of updatecards: chosen by id, by code, or, both empty,
// by the unique variable among its values.
type CardChange struct {
	CardID, CardCode string
	Values           []Value
}

// What Body.Mended may hold.
const (
	MendedBOM      = "byte order mark"
	MendedCharset  = "not UTF-8"
	MendedRaw      = "not escaped"
	MendedPlus     = "raw plus sign"
	MendedRepeated = "repeated parameter"
	MendedUnknown  = "unknown parameter"
	MendedFile     = "file left out"
)

// Field gives a parameter by its name in wire.go. given is false when it was
// absent, which is not the same as empty.
func (b *Body) Field(name string) (text string, given bool) {
	text, given = b.fields[name]
	return text, given
}

// ReadBody reads a request for m; it must come before anything that parses
// r's form, and takes no parameter from the query. Every error is a *Failure.
func ReadBody(r *http.Request, m *Method) (*Body, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	var tooLarge *http.MaxBytesError
	switch {
	case len(data) > MaxBody || errors.As(err, &tooLarge):
		return nil, BodyTooLarge()
	case err != nil:
		return nil, badRequest("The request broke off.")
	}
	return ParseBody(data, r.Header.Get("Content-Type"), m)
}

// ParseBody reads what a caller sent for m: JSON if it begins with a brace,
// multipart if contentType says so, else a form read by spec/passteam.md 2.2:
// 1C escapes nothing, so the parsers of the standard library lose its fields.
// Every error is a *Failure.
func ParseBody(data []byte, contentType string, m *Method) (*Body, error) {
	if len(data) > MaxBody {
		return nil, BodyTooLarge()
	}
	c := &collector{method: m, body: &Body{fields: map[string]string{}}}
	text := string(data)
	if rest, found := strings.CutPrefix(text, "\ufeff"); found {
		text = rest
		c.mended(MendedBOM)
	}
	kind, params, _ := mime.ParseMediaType(contentType)
	c.charset = charsets[strings.ToLower(params["charset"])]
	var err error
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		err = c.multipart(text, params["boundary"])
	case strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{"):
		err = c.json(c.utf8(text))
	default:
		c.form(c.utf8(strings.TrimRight(text, "\r\n\x00")))
	}
	if err == nil && c.failure != nil {
		err = c.failure
	}
	if err != nil {
		return nil, err
	}
	return c.body, nil
}

// charsets are those that a Content-Type from a Russian Windows may name.
var charsets = map[string]encoding.Encoding{
	"windows-1251": charmap.Windows1251, "cp1251": charmap.Windows1251, "win-1251": charmap.Windows1251,
	"koi8-r": charmap.KOI8R, "ibm866": charmap.CodePage866, "cp866": charmap.CodePage866, "iso-8859-5": charmap.ISO8859_5,
}

// utf8 gives text that is not UTF-8 by the declared charset, or as windows-1251,
// which old 1C code writes.
func (c *collector) utf8(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	c.mended(MendedCharset)
	charset := c.charset
	if charset == nil {
		charset = charmap.Windows1251
	}
	text, _ = charset.NewDecoder().String(text) // these charsets know every byte
	return text
}

// collector gathers what the three readers find.
type collector struct {
	method  *Method
	charset encoding.Encoding // declared and not UTF-8; nil: none
	body    *Body
	failure error // the first

	values map[string]int            // name -> place in body.Values
	cards  map[string]int            // index as written -> place in body.Cards
	inCard map[string]map[string]int // the same -> name -> place
}

func (c *collector) mended(what string) {
	if !slices.Contains(c.body.Mended, what) {
		c.body.Mended = append(c.body.Mended, what)
	}
}

func (c *collector) refuse(format string, args ...any) {
	if c.failure == nil {
		c.failure = badRequest(format, args...)
	}
}

// put takes one parameter: its key cut at the brackets, "values[%A%]" being
// values and %A%. The last of several wins.
func (c *collector) put(key []string, text string) {
	text = strings.ReplaceAll(text, "\x00", "") // no database keeps it
	switch head := key[0]; {
	case strings.EqualFold(head, FieldValues):
		if len(key) == 1 && text == "" {
			return // PHP's empty list
		}
		if c.values == nil {
			c.values = map[string]int{}
		}
		c.variable(&c.body.Values, c.values, key[1:], text)
	case strings.EqualFold(head, FieldCardIDs):
		c.cardIDs(key[1:], text)
	case strings.EqualFold(head, FieldCards):
		c.card(key[1:], text)
	default:
		c.field(key, text)
	}
}

func (c *collector) field(key []string, text string) {
	i := slices.IndexFunc(c.method.Fields, func(f string) bool { return strings.EqualFold(f, key[0]) })
	if i < 0 {
		c.mended(MendedUnknown)
		return
	}
	name := c.method.Fields[i]
	if len(key) > 1 {
		c.refuse("Parameter (%s) must be one value.", name)
		return
	}
	if _, given := c.body.fields[name]; given {
		c.mended(MendedRepeated)
	}
	c.body.fields[name] = text
}

// variable takes one member of values. PHP's lists have no names, which is a
// slip of the caller's (spec/passteam.md 2.2).
func (c *collector) variable(list *[]Value, index map[string]int, key []string, text string) {
	name := ""
	if len(key) == 1 {
		name = strings.Trim(strings.ReplaceAll(key[0], "\x00", ""), "%")
	}
	if name == "" || strings.Trim(key[0], "0123456789") == "" {
		c.refuse("Parameter (values) must be written as values[%%NAME%%]=text.")
		return
	}
	if i, found := index[name]; found {
		c.mended(MendedRepeated)
		(*list)[i].Text = text
		return
	}
	index[name] = len(*list)
	*list = append(*list, Value{name, text})
}

func (c *collector) cardIDs(key []string, text string) {
	if len(key) > 1 {
		c.refuse("Parameter (cardIds) must be a list.")
		return
	}
	ids := []string{text}
	if len(key) == 0 {
		ids = strings.Split(text, ",")
	}
	for _, id := range ids {
		if id = strings.TrimSpace(id); id != "" {
			c.body.CardIDs = append(c.body.CardIDs, id)
		}
	}
}

// card takes cards[i][cardId], cards[i][cardCode] and cards[i][values][%NAME%].
func (c *collector) card(key []string, text string) {
	if len(key) == 0 && text == "" {
		return
	}
	if len(key) < 2 || key[0] == "" {
		c.refuse("Parameter (cards) must be written as cards[0][cardId]=id.")
		return
	}
	if c.cards == nil {
		c.cards, c.inCard = map[string]int{}, map[string]map[string]int{}
	}
	i, found := c.cards[key[0]]
	if !found {
		i = len(c.body.Cards)
		c.cards[key[0]], c.inCard[key[0]] = i, map[string]int{}
		c.body.Cards = append(c.body.Cards, CardChange{})
	}
	card := &c.body.Cards[i]
	switch {
	case strings.EqualFold(key[1], FieldValues):
		if len(key) > 2 || text != "" {
			c.variable(&card.Values, c.inCard[key[0]], key[2:], text)
		}
	case len(key) == 2 && strings.EqualFold(key[1], FieldCardID):
		card.CardID = text
	case len(key) == 2 && strings.EqualFold(key[1], FieldCardCode):
		card.CardCode = text
	default:
		c.mended(MendedUnknown)
	}
}

// keyParts cuts "cards[0][values][%A%]" at its brackets. Text behind the last
// bracket, or a bracket never closed, makes it one part.
func keyParts(key string) []string {
	head, rest, found := strings.Cut(key, "[")
	if !found || !strings.HasSuffix(rest, "]") {
		return []string{key}
	}
	return append([]string{head}, strings.Split(strings.TrimSuffix(rest, "]"), "][")...)
}
