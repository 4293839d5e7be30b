package styk

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
