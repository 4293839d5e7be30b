package vtiger

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"styk"
)

// maxElementFields is PHP's max_input_vars; no module has as many.
const maxElementFields = 1000

// Field is one field of a record that came as JSON.
type Field struct {
	Name, Text string
	Null       bool // came as null; Text is ""
}

// Fields are a record's fields in the order they came; each name stands once,
// the last of doubles wins in the place of the first.
type Fields []Field

// Text gives a field's text; ok is false when it did not come.
func (f Fields) Text(name string) (text string, ok bool) {
	for i := range f {
		if f[i].Name == name {
			return f[i].Text, true
		}
	}
	return "", false
}

// decodeElement reads the parameter element of create, update and revise: a
// JSON object of plain values. Numbers keep their literal text, true is "1",
// false is "0", null is "". PHP writes an empty map as [], so that is one too.
// One client sends it url-encoded twice (spec/vtiger.md 7), so a text that
// begins with %7B is decoded once more.
//
// Stock takes malformed JSON for an empty record and blames a mandatory field
// (spec/vtiger.md 3.4); here it is a *styk.Error that says where it broke. All
// fields that hold a list or an object are named at once.
func decodeElement(text string) (Fields, error) {
	if strings.HasPrefix(text, "%7B") || strings.HasPrefix(text, "%7b") {
		text = unescapeURL(text)
	}
	text = strings.TrimPrefix(text, "\ufeff")
	if strings.TrimSpace(text) == "" {
		return nil, styk.FieldError(styk.Missing, "element", "required", "element does not have a value")
	}
	if err := checkJSON(text); err != nil {
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	switch first, err := d.Token(); {
	case err != nil:
		return nil, elementError("json", err.Error())
	case first == json.Delim('['):
		if !d.More() {
			return nil, nil
		}
		return nil, elementError("object", "expected an object {\"field\":\"value\"}, got a list")
	case first != json.Delim('{'):
		return nil, elementError("object", "expected an object {\"field\":\"value\"}, got a single value")
	}
	return readMembers(d)
}

// checkJSON finds the first offence against the grammar.
func checkJSON(text string) error {
	var whole json.RawMessage
	err := json.Unmarshal([]byte(text), &whole)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return elementError("json", "malformed JSON at byte "+strconv.FormatInt(syntax.Offset, 10)+": "+syntax.Error())
	}
	return elementError("json", "malformed JSON: "+err.Error())
}

// readMembers reads the members of an object whose { is read.
func readMembers(d *json.Decoder) (Fields, error) {
	var fields Fields
	at := map[string]int{}
	nested := &styk.Error{Code: styk.Invalid}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, elementError("json", err.Error())
		}
		name, _ := token.(string)
		field, kind, err := readMember(d, name)
		switch {
		case err != nil:
			return nil, elementError("json", err.Error())
		case kind != "":
			nested.Faults = append(nested.Faults, styk.Fault{Field: name, Rule: "text", Text: name + ": expected text, got " + kind})
		}
		if i, double := at[name]; double {
			fields[i] = field
			continue
		}
		if len(fields) == maxElementFields {
			return nil, limitError("element", "max_fields", "element: more than "+strconv.Itoa(maxElementFields)+" fields")
		}
		at[name] = len(fields)
		fields = append(fields, field)
	}
	if len(nested.Faults) > 0 {
		return nil, nested
	}
	return fields, nil
}

// readMember reads one value; kind tells what stood there when it is not plain.
func readMember(d *json.Decoder, name string) (field Field, kind string, err error) {
	token, err := d.Token()
	if err != nil {
		return Field{}, "", err
	}
	field.Name = name
	switch v := token.(type) {
	case string:
		field.Text = v
	case json.Number:
		field.Text = v.String()
	case bool:
		field.Text = boolText(v)
	case nil:
		field.Null = true
	case json.Delim:
		kind = "an object"
		if v == '[' {
			kind = "a list"
		}
		err = skipNested(d)
	}
	return field, kind, err
}

// skipNested passes over a list or an object whose opening is read.
func skipNested(d *json.Decoder) error {
	for depth := 1; depth > 0; {
		token, err := d.Token()
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
	return nil
}

// encodeElement writes fields as the parameter element, in ASCII, so that no
// proxy can spoil it.
func encodeElement(fields Fields) string {
	object := make(Object, len(fields))
	for i, field := range fields {
		object[i] = Pair{field.Name, Text(field.Text)}
		if field.Null {
			object[i].Value = Null{}
		}
	}
	return string(object.appendJSON(nil))
}

func elementError(rule, text string) error {
	return styk.FieldError(styk.Invalid, "element", rule, "element: "+text)
}
