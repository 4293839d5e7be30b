package styk

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The seed's word for a missing file, letter for letter (contract 12).
const textAttachFile = "Прикрепите файл"

// FilledFile is one file that came with a post, as far as a form looks at it.
type FilledFile struct {
	Field string
	Name  string
	Ext   string // usual extension of what the bytes are, without the dot
	Size  int64  // bytes
}

// Filled is what a form made of a post.
type Filled struct {
	Fields   []FieldValue // in form order, empty ones too
	Consents []Consent    // given ones, without time and place
	Warnings []Fault      // odd, but taken
}

// Read checks a post against the form, repeating whatever the browser checked,
// and gives its values cleaned. All faults come at once in an *Error, in the
// words that a visitor sees. Values of fields that the form does not have are
// left out.
func (f *Form) Read(values map[string]string, files []FilledFile) (*Filled, error) {
	out := &Filled{}
	var faults []Fault
	for i := range f.Fields {
		field := &f.Fields[i]
		var fault *Fault
		switch field.Type {
		case FieldFile:
			fault = field.readFiles(files)
		case FieldConsent:
			fault = field.readConsent(values[field.Name], out)
		default:
			fault = field.readValue(values[field.Name], out)
		}
		if fault != nil {
			faults = append(faults, *fault)
		}
	}
	if faults != nil {
		return nil, &Error{Code: Invalid, Faults: faults}
	}
	return out, nil
}

func (field *FormField) fault(rule, text string) *Fault {
	return &Fault{Field: field.Name, Rule: rule, Text: text}
}

func (field *FormField) readFiles(files []FilledFile) *Fault {
	n := 0
	for _, file := range files {
		if file.Field != field.Name {
			continue
		}
		n++
		if len(field.Accept) > 0 && !field.accepts(file) {
			return field.fault("type", "Файл «"+file.Name+"» не подходит. Можно: "+strings.Join(field.Accept, ", "))
		}
	}
	switch {
	case n == 0 && field.Required:
		return field.fault("required", textAttachFile)
	case field.Max > 0 && n > field.Max:
		return field.fault("max", "Не больше "+strconv.Itoa(field.Max)+" файлов")
	}
	return nil
}

// accepts looks at the bytes' own type first: a name can say anything. Bytes
// that have no type of their own (txt, csv) go by the name.
func (field *FormField) accepts(file FilledFile) bool {
	named := ""
	if i := strings.LastIndexByte(file.Name, '.'); i >= 0 {
		named = sameExt(file.Name[i+1:])
	}
	real := sameExt(file.Ext)
	fits := func(ext string) bool {
		return slices.ContainsFunc(field.Accept, func(a string) bool { return sameExt(a) == ext })
	}
	if !fits(named) {
		return false
	}
	switch real {
	case "", "txt", "zip", "bin", "xml": // containers and texts of many kinds
		return named == real || named != "pdf" && named != "jpg" && named != "png"
	}
	return fits(real)
}

func sameExt(ext string) string {
	ext = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(ext), "."))
	if ext == "jpeg" {
		return "jpg"
	}
	return ext
}

func (field *FormField) readConsent(value string, out *Filled) *Fault {
	if agreed, ok := parseBool(strings.ToLower(strings.TrimSpace(value))); ok && !agreed {
		if field.Required {
			return field.fault("required", "Поставьте отметку: без согласия мы не можем принять заявку")
		}
		return nil
	}
	text := field.Text
	if text == "" {
		text = field.Label
	}
	sum := sha256.Sum256([]byte(text + "\n" + field.Link))
	out.Consents = append(out.Consents, Consent{Field: field.Name, Text: text, Version: hex.EncodeToString(sum[:8])})
	return nil
}

func (field *FormField) readValue(raw string, out *Filled) *Fault {
	v, fault := field.clean(raw)
	if fault == nil && v == "" && field.Required {
		fault = field.fault("required", field.ask())
	}
	if fault != nil {
		return fault
	}
	if field.Type == FieldINN && v != "" {
		if odd := CheckINN(v); odd != "" {
			out.Warnings = append(out.Warnings, *field.fault("inn", "Похоже, в ИНН опечатка: "+odd))
		}
	}
	out.Fields = append(out.Fields, FieldValue{Name: field.Name, Label: field.Label, Type: field.Type, Value: v})
	return nil
}

var emailShape = regexp.MustCompile(`^[^\s@<>"(),;:]+@[^\s@<>"(),;:]+\.[^\s@<>"(),;:.]{2,}$`)

// clean gives the value as it is kept, or what is wrong with it.
func (field *FormField) clean(raw string) (string, *Fault) {
	v := cleanText(raw, field.Type == FieldTextarea)
	if utf8.RuneCountInString(v) > field.maxLetters() {
		return "", field.fault("max_length", "Слишком длинно: не больше "+strconv.Itoa(field.maxLetters())+" знаков")
	}
	if v == "" {
		return "", nil
	}
	switch field.Type {
	case FieldPhone:
		if _, ok := ParsePhone(v); !ok {
			return "", field.fault("phone", field.ask())
		}
	case FieldEmail:
		if !emailShape.MatchString(v) {
			return "", field.fault("email", field.ask())
		}
	case FieldSelect:
		if !slices.Contains(field.Options, v) {
			return "", field.fault("choice", "Выберите из списка")
		}
	case FieldDate:
		if _, err := ParseDate(v); err != nil {
			return "", field.fault("date", "Введите дату: год-месяц-день")
		}
	case FieldCheckbox:
		if yes, ok := parseBool(strings.ToLower(v)); ok && !yes {
			return "", nil
		}
		return "да", nil
	}
	return v, nil
}

// ask says what to do at an empty or wrong field.
func (field *FormField) ask() string {
	label := field.Label
	if label == "" {
		label = field.Name
	}
	switch field.Type {
	case FieldPhone:
		return "Введите телефон, например +7 900 123-45-67"
	case FieldEmail:
		return "Введите адрес почты, например anna@firm.ru"
	case FieldINN:
		return "Введите ИНН: 10 или 12 цифр"
	case FieldSelect:
		return "Выберите: " + label
	case FieldCheckbox:
		return "Поставьте отметку: " + label
	}
	return "Заполните поле «" + label + "»"
}

// cleanText makes text of whatever came: valid UTF-8, no control signs, no
// spaces around, lines only where the field has them.
func cleanText(raw string, lines bool) string {
	raw = strings.ToValidUTF8(raw, "\uFFFD")
	raw = strings.ReplaceAll(raw, "\r\n", "\n")
	raw = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			if lines {
				return r
			}
			return ' '
		case unicode.IsControl(r), r == '\u202e', r == '\u202d', r == '\ufeff':
			return -1
		}
		return r
	}, raw)
	return strings.TrimSpace(raw)
}
