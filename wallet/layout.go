package wallet

// Layout is the look of all cards of one template: what the editor edits. Its
// texts hold variables as %NAME%, see Fill. The zero Layout is not valid: see
// Check. It is never changed by this package and may be shared.
type Layout struct {
	Organization string `json:"organization" yaml:"organization"` // whose card it is: the title of notices on the lock screen
	Description  string `json:"description" yaml:"description"`   // what a screen reader says
	LogoText     string `json:"logoText,omitempty" yaml:"logoText,omitempty"`

	Background Colour `json:"background,omitempty" yaml:"background,omitempty"`
	Foreground Colour `json:"foreground,omitempty" yaml:"foreground,omitempty"` // of values
	LabelColor Colour `json:"labelColor,omitempty" yaml:"labelColor,omitempty"`

	Header    []Field `json:"header,omitempty" yaml:"header,omitempty"`       // at most 3, beside the logo
	Primary   []Field `json:"primary,omitempty" yaml:"primary,omitempty"`     // at most 1, large, over the strip
	Secondary []Field `json:"secondary,omitempty" yaml:"secondary,omitempty"` // with Auxiliary at most 4
	Auxiliary []Field `json:"auxiliary,omitempty" yaml:"auxiliary,omitempty"`
	Back      []Field `json:"back,omitempty" yaml:"back,omitempty"` // any number

	Barcode Barcode `json:"barcode" yaml:"barcode"`

	// Strings translates labels, values and change messages, taken literally:
	// language -> text in the layout -> text in that language. The layout's own
	// texts are Russian; what has no translation is shown as it is.
	Strings map[string]map[string]string `json:"strings,omitempty" yaml:"strings,omitempty"`
}

// Field is one labelled value of a card.
type Field struct {
	Key   string `json:"key" yaml:"key"` // unique in the layout; [A-Za-z0-9_.-]
	Label string `json:"label,omitempty" yaml:"label,omitempty"`
	Value string `json:"value" yaml:"value"` // "%BONUS%", "Здравствуйте, %CLIENT_NAME%!"
	Kind  Kind   `json:"kind,omitempty" yaml:"kind,omitempty"`
	Empty string `json:"empty,omitempty" yaml:"empty,omitempty"` // shown in place of an empty value
	// Change is the notice on the lock screen when the value changes; it holds
	// %@, where the new value comes. "" changes the value silently.
	Change string `json:"change,omitempty" yaml:"change,omitempty"`
	Align  Align  `json:"align,omitempty" yaml:"align,omitempty"`
}

// Kind says how a value reads. A value that does not fit its kind is shown as
// the text it is.
type Kind string

// The kinds.
const (
	Text   Kind = ""       // as it is
	Number Kind = "number" // "1000000" or "12.5": digits in groups, as the phone's language has it
	Money  Kind = "money"  // the same in roubles
	Day    Kind = "date"   // "2026-11-21" or "21.11.2026"
)

// Align is where a field's text stands; "" is the phone's choice.
type Align string

// The places.
const (
	Left   Align = "left"
	Centre Align = "center"
	Right  Align = "right"
)

// Barcode is what the till scans.
type Barcode struct {
	Symbol Symbol `json:"symbol,omitempty" yaml:"symbol,omitempty"` // asked for; see Encode for what comes of it
	Value  string `json:"value,omitempty" yaml:"value,omitempty"`   // "%CARD_CODE%"; empty: no barcode
	// Caption stands below it; "" = the coded text itself.
	Caption string `json:"caption,omitempty" yaml:"caption,omitempty"`
}

// fields gives every field of the layout in the order of the card.
func (l *Layout) fields() []Field {
	var all []Field
	for _, part := range [][]Field{l.Header, l.Primary, l.Secondary, l.Auxiliary, l.Back} {
		all = append(all, part...)
	}
	return all
}

// Variables gives the names of all variables that the layout uses, in the
// order of their first use, each once.
func (l *Layout) Variables() []string {
	seen := map[string]bool{}
	var names []string
	note := func(text string) {
		for _, name := range variablesOf(text) {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	note(l.LogoText)
	for _, f := range l.fields() {
		note(f.Label)
		note(f.Value)
	}
	note(l.Barcode.Value)
	note(l.Barcode.Caption)
	return names
}

// DefaultLayout is a loyalty card of the organization as a new template
// begins: balance, name and phone in front, the news on the back. Its
// variables are those of the 1C listing and CARD_CODE, the text of the barcode.
func DefaultLayout(organization string) Layout {
	return Layout{
		Organization: organization, Description: "Карта клиента: " + organization, LogoText: organization,
		Background: "#1f2a44", Foreground: "#ffffff", LabelColor: "#b9c4dd",
		Header:    []Field{{Key: "bonus", Label: "Бонусы", Value: "%BONUS%", Kind: Number, Empty: "0", Change: "Бонусы: %@"}},
		Secondary: []Field{{Key: "name", Label: "Клиент", Value: "%CLIENT_NAME%", Empty: "—"}},
		Auxiliary: []Field{{Key: "phone", Label: "Телефон", Value: "%PHONE%", Empty: "—"}},
		Back: []Field{
			{Key: "news", Label: "Новости", Value: "%NEWS%", Change: "%@"},
			{Key: "code", Label: "Номер карты", Value: "%CARD_CODE%"},
		},
		Barcode: Barcode{Symbol: EAN13, Value: "%CARD_CODE%"},
		Strings: map[string]map[string]string{"en": {
			"Бонусы": "Points", "Бонусы: %@": "Points: %@", "Клиент": "Name", "Телефон": "Phone",
			"Новости": "News", "Номер карты": "Card number",
		}},
	}
}
