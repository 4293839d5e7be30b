package passteam

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// form reads a form by spec/passteam.md 2.2. A body is loose when something in
// it was not escaped, and raw when names of variables were not: then a value may
// hold an ampersand, and a plus sign is one.
func (c *collector) form(text string) {
	loose := rawNames(text) || !escaped(text)
	if loose {
		c.mended(MendedRaw)
	}
	for text != "" {
		pair := text[:c.pairEnd(text, loose)]
		text = strings.TrimPrefix(text[len(pair):], "&")
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		c.put(c.formKey(key, loose), c.formValue(value, loose))
	}
}

// pairEnd gives where the first pair of text ends. In a loose body a value goes
// on until an ampersand with a parameter we know behind it; but no identifier
// holds an ampersand.
func (c *collector) pairEnd(text string, loose bool) int {
	end := strings.IndexByte(text, '&')
	if end < 0 {
		return len(text)
	}
	if !loose || !c.holdsText(text[:end]) {
		return end
	}
	for end < len(text) && !c.startsPair(text[end+1:]) {
		next := strings.IndexByte(text[end+1:], '&')
		if next < 0 {
			return len(text)
		}
		end += 1 + next
	}
	return end
}

// wordFields hold no free text.
var wordFields = []string{FieldTemplateID, FieldCardID, FieldPage, FieldLimit, FieldPassTypeID, FieldChannel}

func (c *collector) holdsText(pair string) bool {
	key, _, found := strings.Cut(pair, "=")
	known, word := c.knows(key)
	return found && known && !word
}

// startsPair tells whether text begins with a parameter we know and its equals
// sign.
func (c *collector) startsPair(text string) bool {
	end := strings.IndexAny(text, "=&")
	if end < 1 || text[end] != '=' {
		return false
	}
	known, _ := c.knows(text[:end])
	return known
}

// knows tells of a key as written, escaped or not, whether it is a parameter of
// the method or part of a list, and whether no free text can stand in it.
func (c *collector) knows(key string) (known, word bool) {
	if literalName(key) {
		return true, false
	}
	fold := func(f string) bool { return strings.EqualFold(f, key) }
	if slices.ContainsFunc(c.method.Fields, fold) {
		return true, slices.ContainsFunc(wordFields, fold)
	}
	if fold(FieldCardIDs) {
		return true, true
	}
	for _, list := range []string{FieldValues, FieldCards, FieldCardIDs} {
		if len(key) > len(list) && strings.EqualFold(key[:len(list)], list) {
			parts := c.formKey(key, true)
			return len(parts) > 1 && strings.EqualFold(parts[0], list), false
		}
	}
	return false, false
}

// formKey gives a key's parts. A name between literal per cent signs is taken as
// it stands: decoding would make of %BALANCE% the byte BA and LANCE%.
func (c *collector) formKey(key string, loose bool) []string {
	if literalName(key) {
		return keyParts(key)
	}
	if !loose {
		key = strings.ReplaceAll(key, "+", " ")
	}
	key = c.unescapeKey(key)
	// Escaped brackets first and per cent signs after them: %255B.
	if i := strings.Index(key, "%5"); i > 0 && !strings.Contains(key[:i], "[") {
		key = twiceEscaped.Replace(key)
	}
	return keyParts(key)
}

var twiceEscaped = strings.NewReplacer("%5B", "[", "%5b", "[", "%5D", "]", "%5d", "]", "%25", "%")

// literalName tells whether key is values[%NAME%] or cards[0][values][%NAME%]
// with literal per cent signs.
func literalName(key string) bool {
	inner, found := strings.CutSuffix(key, "%]")
	if !found {
		return false
	}
	head, name, found := strings.Cut(inner, "[%")
	if !found || name == "" || strings.ContainsAny(name, "%[]&=") || strings.Contains(head, "%") {
		return false
	}
	if strings.EqualFold(head, FieldValues) {
		return true
	}
	parts := keyParts(head)
	return len(parts) == 3 && strings.EqualFold(parts[0], FieldCards) && strings.EqualFold(parts[2], FieldValues)
}

// rawNames tells whether a variable's name stands in text with literal per cent
// signs.
func rawNames(text string) bool {
	for {
		end := strings.IndexAny(text, "=&")
		if end < 0 {
			return false
		}
		if text[end] == '=' && literalName(text[:end]) {
			return true
		}
		next := strings.IndexByte(text, '&')
		if next < 0 {
			return false
		}
		text = text[next+1:]
	}
}

// escaped tells whether text could have come out of an encoder.
func escaped(text string) bool {
	for i := range len(text) {
		if text[i] < 0x21 || text[i] > 0x7e {
			return false
		}
	}
	return true
}

// formValue reads a value. One with a character that an encoder would not leave
// is literal to the last sign. A plus sign stands for a space only where the
// whole body was encoded, and not beside a raw @, which encoders escape.
func (c *collector) formValue(text string, loose bool) string {
	if !strings.ContainsAny(text, "%+") || !escaped(text) {
		return text
	}
	value := text
	if strings.Contains(text, "+") && !loose {
		if strings.Contains(text, "@") {
			c.mended(MendedPlus)
		} else {
			value = strings.ReplaceAll(value, "+", " ")
		}
	}
	value, broken := unescape(value)
	switch {
	case broken:
		return text
	case utf8.ValidString(value):
		return value
	case c.charset != nil:
		return c.utf8(value)
	}
	return text
}

func (c *collector) unescapeKey(key string) string {
	if !strings.Contains(key, "%") {
		return key
	}
	if plain, _ := unescape(key); utf8.ValidString(plain) {
		return plain
	}
	return key
}

// unescape undoes per cent escapes; broken ones stay as they are.
func unescape(text string) (plain string, broken bool) {
	if !strings.Contains(text, "%") {
		return text, false
	}
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			b = append(b, text[i])
			continue
		}
		if i+2 >= len(text) || hexDigit(text[i+1]) < 0 || hexDigit(text[i+2]) < 0 {
			b, broken = append(b, '%'), true
			continue
		}
		b = append(b, byte(hexDigit(text[i+1])<<4|hexDigit(text[i+2])))
		i += 2
	}
	return string(b), broken
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
