package styk

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Webform is what capture.php takes under one public id.
type Webform struct {
	Name      string     `yaml:"name" json:"name"`
	PublicID  string     `yaml:"publicid" json:"publicid"` // 32 hex digits
	Module    string     `yaml:"module" json:"module"`     // Contacts
	Fields    []string   `yaml:"fields" json:"fields"`
	Files     []FilePart `yaml:"files,omitempty" json:"files,omitempty"`
	Match     string     `yaml:"match,omitempty" json:"match,omitempty"` // phone, or never as in stock
	ReturnURL string     `yaml:"return_url,omitempty" json:"return_url,omitempty"`
	Targets   []string   `yaml:"targets,omitempty" json:"targets,omitempty"`
	Disabled  bool       `yaml:"disabled,omitempty" json:"disabled,omitempty"`
}

// FilePart names one file of a form: its part and the title of the document.
type FilePart struct {
	Part  string `yaml:"part" json:"part"`
	Title string `yaml:"title" json:"title"`
}

// The ways a webform finds its customer.
const (
	MatchPhone = "phone"
	MatchNever = "never"
)

// Form is one form of the site, as the YAML describes it.
type Form struct {
	Name     string            `yaml:"name" json:"name"`
	Title    string            `yaml:"title" json:"title"`
	Targets  []string          `yaml:"targets,omitempty" json:"targets,omitempty"`
	Wait     *Duration         `yaml:"wait,omitempty" json:"wait,omitempty"`   // for the CRM's number; not given: 4s
	After    string            `yaml:"after,omitempty" json:"after,omitempty"` // reload, reset, or an address
	Fields   []FormField       `yaml:"fields" json:"fields"`
	Texts    map[string]string `yaml:"texts,omitempty" json:"texts,omitempty"` // words of the page by their key
	Theme    Theme             `yaml:"theme,omitempty" json:"theme,omitempty"`
	Origins  []string          `yaml:"origins,omitempty" json:"origins,omitempty"`
	Card     *FormCard         `yaml:"card,omitempty" json:"card,omitempty"` // that its visitors get; nil: none
	Disabled bool              `yaml:"disabled,omitempty" json:"disabled,omitempty"`

	Version int64 `yaml:"-" json:"-"` // counts the changes of the above, from 1; 0: not stored yet
}

// FormCard is the loyalty card that a form issues.
type FormCard struct {
	Template string            `yaml:"template" json:"template"` // id
	Fields   map[string]string `yaml:"fields" json:"fields"`     // form field → variable, without %
}

// FormField is one field of a form.
type FormField struct {
	Name     string   `yaml:"name" json:"name"`
	Label    string   `yaml:"label,omitempty" json:"label,omitempty"`
	Type     string   `yaml:"type" json:"type"`
	Required bool     `yaml:"required,omitempty" json:"required,omitempty"`
	Options  []string `yaml:"options,omitempty" json:"options,omitempty"` // of a select
	Help     string   `yaml:"help,omitempty" json:"help,omitempty"`
	Text     string   `yaml:"text,omitempty" json:"text,omitempty"`     // of a consent: what is agreed to
	Link     string   `yaml:"link,omitempty" json:"link,omitempty"`     // of a consent: the whole text
	Accept   []string `yaml:"accept,omitempty" json:"accept,omitempty"` // of a file: pdf, jpg, …; none: anything
	Max      int      `yaml:"max,omitempty" json:"max,omitempty"`       // letters of a text, number of files
	Verify   string   `yaml:"verify,omitempty" json:"verify,omitempty"` // of a phone: sms
}

// The types of form fields.
const (
	FieldText     = "text"
	FieldTextarea = "textarea"
	FieldSelect   = "select"
	FieldPhone    = "phone"
	FieldEmail    = "email"
	FieldINN      = "inn"
	FieldDate     = "date"
	FieldCheckbox = "checkbox"
	FieldHidden   = "hidden"
	FieldFile     = "file"
	FieldConsent  = "consent"
)

// FieldTypes lists them for pages and errors.
var FieldTypes = []string{
	FieldText, FieldTextarea, FieldSelect, FieldPhone, FieldEmail, FieldINN,
	FieldDate, FieldCheckbox, FieldHidden, FieldFile, FieldConsent,
}

// What happens after «Хорошо».
const (
	AfterReload = "reload"
	AfterReset  = "reset"
)

const (
	defaultWait = 4 * time.Second
	maxWait     = 20 * time.Second // a browser's patience
)

// Duration is a length of time that YAML and JSON write as "4s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("%q: нужна длительность, например 4s", text)
	}
	*d = Duration(v)
	return nil
}

// WaitFor gives how long a visitor's answer may wait for the CRM's number.
func (f *Form) WaitFor() time.Duration {
	if f.Wait == nil {
		return defaultWait
	}
	return min(time.Duration(*f.Wait), maxWait)
}

// Field finds a field by name; nil when there is none.
func (f *Form) Field(name string) *FormField {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			return &f.Fields[i]
		}
	}
	return nil
}

// Validate says everything that is wrong with the form's definition. The faults
// name places as in the YAML: fields[2].type.
func (f *Form) Validate() error {
	var faults []Fault
	add := func(field, rule, text string) { faults = append(faults, Fault{Field: field, Rule: rule, Text: text}) }
	if !nounName.MatchString(f.Name) {
		add("name", "name", nounNameText)
	}
	if f.Wait != nil && time.Duration(*f.Wait) > maxWait {
		add("wait", "range", "не больше "+maxWait.String()+": дольше посетитель не ждёт")
	}
	if f.After != "" && f.After != AfterReload && f.After != AfterReset && !strings.HasPrefix(f.After, "https://") &&
		!strings.HasPrefix(f.After, "http://") {
		add("after", "after", "reload, reset или адрес https://…")
	}
	for _, fault := range f.Theme.validate() {
		add("theme."+fault.Field, fault.Rule, fault.Text)
	}
	if len(f.Fields) == 0 {
		add("fields", "required", "в форме нет полей")
	}
	for _, fault := range f.Card.validate(f) {
		add("card."+fault.Field, fault.Rule, fault.Text)
	}
	seen := map[string]bool{}
	for i := range f.Fields {
		field := &f.Fields[i]
		place := fmt.Sprintf("fields[%d].", i)
		if seen[field.Name] {
			add(place+"name", "unique", "поле "+field.Name+" уже есть")
		}
		seen[field.Name] = true
		for _, fault := range field.validate() {
			add(place+fault.Field, fault.Rule, fault.Text)
		}
	}
	if faults != nil {
		return &Error{Code: Invalid, Faults: faults, Text: "форма " + short(f.Name)}
	}
	return nil
}

func (c *FormCard) validate(f *Form) (faults []Fault) {
	if c == nil {
		return nil
	}
	if !ValidCardNumber(c.Template) {
		faults = append(faults, Fault{Field: "template", Rule: "hex", Value: short(c.Template), Text: "нужен номер шаблона карты: 24 знака 0–9 и a–f"})
	}
	if len(c.Fields) == 0 {
		faults = append(faults, Fault{Field: "fields", Rule: "required", Text: "скажите, какое поле формы какой переменной карты служит"})
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		variable := c.Fields[name]
		field := f.Field(name)
		switch {
		case field == nil || field.Type == FieldFile || field.Type == FieldConsent:
			faults = append(faults, Fault{Field: "fields." + name, Rule: "unknown", Value: name, Text: "такого поля со значением в форме нет"})
		case !ValidVariable(variable):
			faults = append(faults, Fault{Field: "fields." + name, Rule: "identifier", Value: short(variable), Text: "имя переменной пишется без %"})
		case seen[variable]:
			faults = append(faults, Fault{Field: "fields." + name, Rule: "unique", Value: variable, Text: "переменная стоит дважды"})
		}
		seen[variable] = true
	}
	return faults
}

func (field *FormField) validate() (faults []Fault) {
	add := func(name, rule, text string) { faults = append(faults, Fault{Field: name, Rule: rule, Text: text}) }
	if !fieldName.MatchString(field.Name) {
		add("name", "name", "имя поля из латинских букв, цифр и _, начинается с буквы")
	}
	if !slices.Contains(FieldTypes, field.Type) {
		add("type", "choice", "одно из: "+strings.Join(FieldTypes, ", "))
	}
	if field.Type == FieldSelect && len(field.Options) == 0 {
		add("options", "required", "у списка нет вариантов")
	}
	if field.Type != FieldSelect && len(field.Options) > 0 {
		add("options", "unused", "варианты бывают только у select")
	}
	if field.Verify != "" { // better refused than not done
		add("verify", "later", "проверять телефон кодом из SMS styk ещё не умеет: уберите это поле")
	}
	if field.Max < 0 {
		add("max", "range", "не меньше нуля")
	}
	return faults
}

var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// maxLetters bounds a field's value where the form does not.
func (field *FormField) maxLetters() int {
	switch {
	case field.Max > 0 && field.Type != FieldFile:
		return field.Max
	case field.Type == FieldTextarea:
		return 20000
	}
	return 1000
}
