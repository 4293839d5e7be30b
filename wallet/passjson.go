package wallet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// pass.json of spec/passteam.md 3.2.

type passJSON struct {
	FormatVersion int    `json:"formatVersion"`
	PassType      string `json:"passTypeIdentifier"`
	Serial        string `json:"serialNumber"`
	Team          string `json:"teamIdentifier"`
	Service       string `json:"webServiceURL,omitempty"`
	Token         string `json:"authenticationToken,omitempty"`
	Organization  string `json:"organizationName"`
	Description   string `json:"description"`
	LogoText      string `json:"logoText,omitempty"`
	Background    string `json:"backgroundColor,omitempty"`
	Foreground    string `json:"foregroundColor,omitempty"`
	LabelColor    string `json:"labelColor,omitempty"`
	Expires       string `json:"expirationDate,omitempty"`
	Voided        bool   `json:"voided,omitempty"`
	NoSharing     bool   `json:"sharingProhibited"`

	Barcodes []passBarcode `json:"barcodes,omitempty"`
	Barcode  *passBarcode  `json:"barcode,omitempty"` // for readers of before iOS 9

	StoreCard passFields `json:"storeCard"`
}

type passBarcode struct {
	Format   string `json:"format"`
	Message  string `json:"message"`
	Encoding string `json:"messageEncoding"`
	Alt      string `json:"altText,omitempty"`
}

type passFields struct {
	Header    []passField `json:"headerFields,omitempty"`
	Primary   []passField `json:"primaryFields,omitempty"`
	Secondary []passField `json:"secondaryFields,omitempty"`
	Auxiliary []passField `json:"auxiliaryFields,omitempty"`
	Back      []passField `json:"backFields,omitempty"`
}

type passField struct {
	Key      string `json:"key"`
	Label    string `json:"label,omitempty"`
	Value    any    `json:"value"` // string or json.Number
	Change   string `json:"changeMessage,omitempty"`
	Align    string `json:"textAlignment,omitempty"`
	Number   string `json:"numberStyle,omitempty"`
	Currency string `json:"currencyCode,omitempty"`
	Date     string `json:"dateStyle,omitempty"`
	Time     string `json:"timeStyle,omitempty"`
	NoZone   bool   `json:"ignoresTimeZone,omitempty"`
}

// document writes pass.json of one card.
func (l *Layout) document(signer *Signer, p Pass) ([]byte, error) {
	face := l.Show(p.Values, "") // the layout's own words: pass.strings translates
	doc := passJSON{
		FormatVersion: 1, PassType: signer.PassType, Team: signer.Team, Serial: p.Serial,
		Service: p.Service, Token: p.Token,
		Organization: l.Organization, Description: l.Description, LogoText: face.LogoText,
		Background: l.Background.apple(), Foreground: l.Foreground.apple(), LabelColor: l.LabelColor.apple(),
		Voided: p.Voided, NoSharing: true, // the barcode is worth money, and the balance is one person's
		StoreCard: passFields{
			passFieldsOf(face.Header), passFieldsOf(face.Primary), passFieldsOf(face.Secondary),
			passFieldsOf(face.Auxiliary), passFieldsOf(face.Back),
		},
	}
	if !p.Expires.IsZero() {
		doc.Expires = p.Expires.UTC().Format(time.RFC3339)
	}
	if face.Barcode != nil {
		code := passBarcode{Format: face.Barcode.apple(), Message: face.Barcode.Text, Encoding: "iso-8859-1", Alt: face.Caption}
		if !plainASCII(code.Message) {
			code.Encoding = "utf-8"
		}
		doc.Barcodes = []passBarcode{code}
		if face.Barcode.Symbol != EAN13 && face.Barcode.Symbol != Code128 { // the old key knows no Code 128
			doc.Barcode = &code
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("write pass.json: %w", err)
	}
	return b.Bytes(), nil
}

func passFieldsOf(shown []Shown) []passField {
	fields := make([]passField, len(shown))
	for i, s := range shown {
		f := passField{Key: s.Key, Label: s.Label, Value: s.Text, Change: s.Change}
		if s.plain != "" {
			s.style(&f)
		}
		switch s.Align {
		case Left:
			f.Align = "PKTextAlignmentLeft"
		case Centre:
			f.Align = "PKTextAlignmentCenter"
		case Right:
			f.Align = "PKTextAlignmentRight"
		}
		fields[i] = f
	}
	return fields
}

// style leaves the writing of numbers and days to the phone, which knows its
// owner's language.
func (s *Shown) style(f *passField) {
	switch s.Kind {
	case Number:
		f.Value, f.Number = json.Number(s.plain), "PKNumberStyleDecimal"
	case Money:
		f.Value, f.Currency = json.Number(s.plain), "RUB"
	case Day:
		f.Value, f.Date, f.Time, f.NoZone = s.plain+"T00:00:00Z", "PKDateStyleMedium", "PKDateStyleNone", true
	}
}
