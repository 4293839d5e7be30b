package wallet

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"styk"
)

// PassMIME is the media type of a pass.
const PassMIME = "application/vnd.apple.pkpass"

// Pass is what differs from card to card of one template.
type Pass struct {
	Serial  string            // at least 16 characters; never changes
	Token   string            // for the phone's calls, at least 16 characters; never changes
	Service string            // https address below which the phone finds /v1; with "" Token is "" too: a pass without updates
	Values  map[string]string // of the layout's variables, named without %
	Expires time.Time         // zero: never
	Voided  bool              // shown as no longer valid
}

// Press prints the passes of one template: what they have in common is made
// ready and hashed once. Many goroutines may use one; it is never changed.
type Press struct {
	layout Layout
	signer *Signer
	common []entry // sorted by name
}

// NewPress makes ready a layout, its pictures and the certificate. Errors: what
// Layout.Check tells, and styk.Missing when icon.png or icon@2x.png is not
// among the pictures (Wallet refuses such a pass).
func NewPress(layout Layout, images Images, signer *Signer) (*Press, error) {
	if err := layout.Check(); err != nil {
		return nil, err
	}
	common := slices.Clone(images.entries)
	for _, name := range []string{"icon.png", "icon@2x.png"} {
		if !slices.ContainsFunc(common, func(e entry) bool { return e.name == name }) {
			return nil, styk.FieldError(styk.Missing, "images", "icon", "нет значка карты: "+name)
		}
	}
	files := layout.passStrings()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		common = append(common, newEntry(name, files[name]))
	}
	slices.SortFunc(common, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return &Press{layout: layout, signer: signer, common: common}, nil
}

// Print gives the signed pass (spec/passteam.md 3.1–3.4). The same pass at the
// same second gives the same bytes. signed is the signing time, which Apple
// wants within the certificate's life; see Signer.Check for that.
func (p *Press) Print(pass Pass, signed time.Time) ([]byte, error) {
	if err := pass.check(p.signer.Development()); err != nil {
		return nil, err
	}
	doc, err := p.layout.document(p.signer, pass)
	if err != nil {
		return nil, err
	}
	main := newEntry("pass.json", doc)
	list := manifest(main, p.common)
	signature, err := p.signer.sign(list, signed)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(p.common)+3)
	entries = append(entries, main)
	entries = append(entries, p.common...)
	entries = append(entries, newEntry("manifest.json", list), newEntry("signature", signature))
	return archive(entries)
}

// check holds what Wallet demands of the two secrets. A pass of a development
// certificate, which no real Wallet takes, may be updated without TLS.
func (p *Pass) check(development bool) error {
	switch {
	case len(p.Serial) < 16:
		return fmt.Errorf("print a pass: a serial number of %d characters, 16 are needed", len(p.Serial))
	case (p.Token == "") != (p.Service == ""):
		return fmt.Errorf("print a pass: address and token go together")
	case p.Service != "" && len(p.Token) < 16:
		return fmt.Errorf("print a pass: a token of %d characters, 16 are needed", len(p.Token))
	case p.Service != "" && !strings.HasPrefix(p.Service, "https://") && !development:
		return fmt.Errorf("print a pass: the address of updates is not https")
	}
	return nil
}

// manifest names every file and its SHA-1, sorted; first goes in at its place.
func manifest(first entry, rest []entry) []byte {
	all := append([]entry{first}, rest...)
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	var b bytes.Buffer
	b.WriteString("{")
	for i, e := range all {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n  " + strconv.Quote(e.name) + ": \"" + e.sha1 + "\"") // names are plain ASCII
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}
