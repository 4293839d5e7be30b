package styk

import (
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Card is a loyalty card. It belongs to one template and, where its values say
// who holds it, to one contact.
type Card struct {
	ID       ID     // a line of its own, known inside only
	Number   string // what others call it: 24 lower-case hex digits, never used again
	Template string
	Contact  ID     // 0: nobody is known
	Code     string // text of the barcode; "" when the template's is made of other values
	// Values are the variables' texts as they came, trimmed, by name without
	// %; see CardVariable.Normal for how they are compared.
	Values   map[string]string
	Warnings []Warning // about values that were odd and were kept all the same
	// Revision is raised by every change of what the card shows, from 1 on.
	Revision int64
	// Shown is the second from which phones have this revision: it rises with
	// every revision, even within one second (spec/passteam.md 3.5).
	Shown     time.Time
	Created   time.Time
	Modified  time.Time
	Deleted   time.Time // zero: alive
	Installed time.Time // zero: on no phone now
	Removed   time.Time // when it left the last phone; zero: never
	Source    string    // where it came from: passteam, form, import, admin
}

// LogValue keeps the holder out of logs.
func (c *Card) LogValue() slog.Value { return slog.StringValue("card " + c.Number) }

var cardNumber = regexp.MustCompile(`^[0-9a-f]{24}$`)

// ValidCardNumber tells whether text can be the number of a card or template.
func ValidCardNumber(text string) bool { return cardNumber.MatchString(text) }

// CardTemplate says what the cards of one kind hold and who hears of them.
// Its look is kept beside it, see package wallet.
type CardTemplate struct {
	ID   string `json:"-" yaml:"id"` // 24 lower-case hex digits
	Name string `json:"name" yaml:"name"`
	// Adopt answers a second create for a taken phone with the existing card
	// instead of a refusal: 1C rolls its own writes back.
	Adopt bool `json:"adopt,omitempty" yaml:"adopt,omitempty"`
	// UnknownCard is what an update of a card that is not here does: "" refuses,
	// "create" makes it under that number (contract's move from another service).
	UnknownCard string         `json:"unknown_card,omitempty" yaml:"unknown_card,omitempty"`
	Targets     []string       `json:"targets,omitempty" yaml:"targets,omitempty"`     // names of targets that hear of its cards
	PassType    string         `json:"pass_type,omitempty" yaml:"pass_type,omitempty"` // of the Apple certificate; "": the development one
	Disabled    bool           `json:"disabled,omitempty" yaml:"disabled,omitempty"`   // takes no new cards
	Variables   []CardVariable `json:"variables" yaml:"variables"`

	Layout  []byte    `json:"-" yaml:"-"` // JSON of a wallet.Layout; empty: the default one
	Version int64     `json:"-" yaml:"-"` // raised by every change of the above
	Tick    int64     `json:"-" yaml:"-"` // when its look last changed, on the counter of changes
	Created time.Time `json:"-" yaml:"-"`
	Changed time.Time `json:"-" yaml:"-"` // its look
}

// UnknownCreate is the one other value of CardTemplate.UnknownCard.
const UnknownCreate = "create"

// CardVariable is one value that cards of a template hold.
type CardVariable struct {
	Name     string `json:"name" yaml:"name"` // without %
	Type     string `json:"type" yaml:"type"` // one of CardTypes
	Unique   bool   `json:"unique,omitempty" yaml:"unique,omitempty"`
	Required bool   `json:"required,omitempty" yaml:"required,omitempty"`
	Default  string `json:"default,omitempty" yaml:"default,omitempty"`
	// Means says what the value is to us: one of CardMeanings. "" is by type
	// and name, "none" nothing.
	Means string `json:"means,omitempty" yaml:"means,omitempty"`
}

// The types of a variable. Their texts are stored.
const (
	CardString = "string"
	CardDate   = "date"
	CardNumber = "number"
	CardPhone  = "phone"
	CardEmail  = "email"
	CardBool   = "bool"
)

// CardTypes lists the types of a variable.
var CardTypes = []string{CardString, CardDate, CardNumber, CardPhone, CardEmail, CardBool}

// What a variable may mean.
const (
	MeansNone     = "none"
	MeansName     = "name" // of the holder
	MeansPhone    = "phone"
	MeansEmail    = "email"
	MeansBirthday = "birthday"
	MeansBalance  = "balance" // bonuses, points, roubles: what the holder looks for
	MeansCode     = "code"    // text of the barcode
)

// CardMeanings lists what a variable may mean.
var CardMeanings = []string{MeansName, MeansPhone, MeansEmail, MeansBirthday, MeansBalance, MeansCode, MeansNone}

// usualMeanings are the names that 1C's listings use.
var usualMeanings = map[string]string{
	"CLIENT_NAME": MeansName, "NAME": MeansName, "FIO": MeansName, "ФИО": MeansName, "ИМЯ": MeansName,
	"BIRTHDAY": MeansBirthday, "BONUS": MeansBalance, "BALANCE": MeansBalance, "БОНУСЫ": MeansBalance, "БАЛАНС": MeansBalance,
	"_CODE": MeansCode, "CODE": MeansCode, "BARCODE": MeansCode, "CARD_CODE": MeansCode, "ШТРИХКОД": MeansCode,
}

// Meaning gives what the value is to us, "" for nothing.
func (v *CardVariable) Meaning() string {
	switch {
	case v.Means == MeansNone:
		return ""
	case v.Means != "":
		return v.Means
	case v.Type == CardPhone:
		return MeansPhone
	case v.Type == CardEmail:
		return MeansEmail
	}
	return usualMeanings[strings.ToUpper(v.Name)]
}

// Normal gives a value in the form in which it is compared: a phone as E.164,
// a date as 2006-01-02, a number as a plain decimal, e-mail in lower case. ok is
// false for a text that is not of the type; it is then trimmed only. A phone
// without ten digits is not one, and counts as empty (contract 18).
func (v *CardVariable) Normal(text string) (normal string, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", true
	}
	switch v.Type {
	case CardPhone:
		p, ok := ParsePhone(text)
		return string(p), ok
	case CardNumber:
		if n, ok := ParseDecimal(text); ok {
			return n, true
		}
		return text, false
	case CardDate:
		if d, ok := ParseDay(text); ok {
			return string(d), true
		}
		return text, false
	case CardEmail:
		return Fold(text), strings.Contains(strings.Trim(text, "@"), "@")
	case CardBool:
		if yes, known := cardBool[strings.ToLower(text)]; known {
			return yes, true
		}
		return text, false
	}
	return text, true
}

var cardBool = map[string]string{
	"1": "1", "true": "1", "да": "1", "истина": "1", "yes": "1",
	"0": "0", "false": "0", "нет": "0", "ложь": "0", "no": "0",
}

// Variable gives the variable of that name, or nil. Names are told apart by
// case, as Passteam's are.
func (t *CardTemplate) Variable(name string) *CardVariable {
	for i := range t.Variables {
		if t.Variables[i].Name == name {
			return &t.Variables[i]
		}
	}
	return nil
}

// Meant gives the variable that has the meaning, or nil.
func (t *CardTemplate) Meant(meaning string) *CardVariable {
	for i := range t.Variables {
		if t.Variables[i].Meaning() == meaning {
			return &t.Variables[i]
		}
	}
	return nil
}

// Value gives the card's value of that meaning, in normal form; "" for none.
func (t *CardTemplate) Value(c *Card, meaning string) string {
	v := t.Meant(meaning)
	if v == nil {
		return ""
	}
	normal, _ := v.Normal(c.Values[v.Name])
	return normal
}

// Names lists the card's values by name: the template's in its order, others
// behind them by alphabet.
func (t *CardTemplate) Names(c *Card) []string {
	var names []string
	for _, v := range t.Variables {
		if _, has := c.Values[v.Name]; has {
			names = append(names, v.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Values)) {
		if t.Variable(name) == nil {
			names = append(names, name)
		}
	}
	return names
}

var variableName = regexp.MustCompile(`^[A-Za-zА-Яа-яЁё_][A-Za-zА-Яа-яЁё0-9_]{0,63}$`)

// ValidVariable tells whether 1C takes name as a property's name: a letter,
// Latin or Cyrillic, or an underscore, then those and digits. It deletes every
// per cent sign from an answer before reading it (spec/onec.md 2.6).
func ValidVariable(name string) bool { return variableName.MatchString(name) }

// Validate says all that is wrong with the template, but for its layout.
func (t *CardTemplate) Validate() error {
	var faults []Fault
	fault := func(field, rule, value, text string) {
		faults = append(faults, Fault{Field: field, Rule: rule, Value: short(value), Text: text})
	}
	if !ValidCardNumber(t.ID) {
		fault("id", "hex", t.ID, "нужны 24 знака 0–9 и a–f")
	}
	if strings.TrimSpace(t.Name) == "" || len([]rune(t.Name)) > 200 {
		fault("name", "length", t.Name, "нужно название до 200 знаков")
	}
	if t.UnknownCard != "" && t.UnknownCard != UnknownCreate {
		fault("unknown_card", "choice", t.UnknownCard, "возможно только create; без этого поля неизвестная карта отвергается")
	}
	if len(t.Variables) == 0 {
		fault("variables", "required", "", "нет ни одной переменной")
	}
	seen := map[string]bool{}
	for i := range t.Variables {
		v := &t.Variables[i]
		at := "variables." + v.Name
		switch {
		case !ValidVariable(v.Name):
			fault(at, "identifier", v.Name, "1С прочтёт только имя из букв, цифр и _, которое начинается не с цифры (без %)")
		case seen[strings.ToLower(v.Name)]:
			fault(at, "unique", v.Name, "имя повторяется: 1С не различает большие и малые буквы")
		}
		seen[strings.ToLower(v.Name)] = true
		if !slices.Contains(CardTypes, v.Type) {
			fault(at+".type", "choice", v.Type, "возможны "+strings.Join(CardTypes, ", "))
		}
		if v.Means != "" && !slices.Contains(CardMeanings, v.Means) {
			fault(at+".means", "choice", v.Means, "возможны "+strings.Join(CardMeanings, ", "))
		}
		if _, ok := v.Normal(v.Default); !ok {
			fault(at+".default", v.Type, v.Default, "не того типа")
		}
	}
	if faults != nil {
		return &Error{Code: Invalid, Faults: faults}
	}
	return nil
}
