package wallet

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/aztec"
	"github.com/boombuler/barcode/code128"
	"github.com/boombuler/barcode/ean"
	"github.com/boombuler/barcode/pdf417"
	"github.com/boombuler/barcode/qr"

	"styk"
)

// Symbol is a kind of barcode.
type Symbol string

// The kinds. "" is EAN13, the retail one, with its way down.
const (
	EAN13   Symbol = "ean13"
	Code128 Symbol = "code128"
	QR      Symbol = "qr"
	PDF417  Symbol = "pdf417"
	Aztec   Symbol = "aztec"
)

// Symbols lists the kinds for pages and errors.
var Symbols = []Symbol{EAN13, Code128, QR, PDF417, Aztec}

// longestBars is the widest Code 128 in modules: on the 290 points that a card
// has, each bar keeps a point, which the till's scanner still sees. 24 letters
// or 48 digits.
const longestBars = 300

// longestText bounds what is put into any barcode, in bytes.
const longestText = 500

// Code is an encoded barcode. It is never changed and may be shared.
type Code struct {
	Symbol Symbol // what it became
	Text   string // what a scanner reads
	grid   barcode.Barcode
}

// Encode makes a barcode of text, of the asked kind or of the next that can
// hold it: EAN-13 → Code 128 → QR; PDF417 and Aztec → QR. EAN-13 holds 13
// digits whose last one checks, and no digit is ever added: the till must read
// the number that the card has. Code 128 holds short plain ASCII. Errors:
// styk.Missing for an empty text, styk.TooLarge for one over 500 bytes.
func Encode(symbol Symbol, text string) (*Code, error) {
	if text == "" {
		return nil, styk.Failed(styk.Missing, "У карты нет номера для штрихкода.")
	}
	if len(text) > longestText || !utf8.ValidString(text) {
		return nil, styk.Failed(styk.TooLarge, fmt.Sprintf("Штрихкод вмещает не больше %d байт текста.", longestText))
	}
	var ways []Symbol
	switch symbol {
	case "", EAN13:
		ways = []Symbol{EAN13, Code128, QR}
	case QR:
		ways = []Symbol{QR}
	default:
		ways = []Symbol{symbol, QR}
	}
	var err error
	for _, way := range ways {
		var grid barcode.Barcode
		if grid, err = encodeAs(way, text); err == nil {
			return &Code{Symbol: way, Text: text, grid: grid}, nil
		}
	}
	return nil, fmt.Errorf("encode a barcode: %w", err)
}

func encodeAs(symbol Symbol, text string) (barcode.Barcode, error) {
	switch symbol {
	case EAN13:
		if !ValidEAN13(text) {
			return nil, fmt.Errorf("no EAN-13")
		}
		return ean.Encode(text)
	case Code128:
		if !plainASCII(text) {
			return nil, fmt.Errorf("not plain ASCII")
		}
		grid, err := code128.Encode(text)
		if err == nil && grid.Bounds().Dx() > longestBars {
			err = fmt.Errorf("too wide")
		}
		return grid, err
	case PDF417:
		return pdf417.Encode(text, 2)
	case Aztec:
		return aztec.Encode([]byte(text), 33, 0)
	case QR:
		return qr.Encode(text, qr.M, qrMode(text))
	}
	return nil, fmt.Errorf("no symbol %q", symbol)
}

// qrMode picks how a QR code packs text. The encoder's own choice takes "+79"
// for digits and loses the sign.
func qrMode(text string) qr.Encoding {
	switch {
	case strings.Trim(text, "0123456789") == "":
		return qr.Numeric
	case strings.Trim(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:") == "":
		return qr.AlphaNumeric
	}
	return qr.Unicode
}

// plainASCII: code128 takes some characters beyond for its function codes.
func plainASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// ValidEAN13 tells whether text is 13 digits whose check digit is right.
func ValidEAN13(text string) bool {
	if len(text) != 13 {
		return false
	}
	digit, ok := EANDigit(text[:12])
	return ok && text[12] == digit
}

// EANDigit gives the check digit of an EAN without its last place (7 or 12
// digits, or any number of them); ok is false where there is no digit or
// another character.
func EANDigit(digits string) (digit byte, ok bool) {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i]) - '0'
		if d < 0 || d > 9 {
			return 0, false
		}
		if i%2 == 0 {
			d *= 3
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10), digits != ""
}

// apple gives the format of a pass (spec/passteam.md 3.2): Wallet draws no
// EAN-13, whose digits a scanner reads as well from Code 128.
func (c *Code) apple() string {
	switch c.Symbol {
	case QR:
		return "PKBarcodeFormatQR"
	case PDF417:
		return "PKBarcodeFormatPDF417"
	case Aztec:
		return "PKBarcodeFormatAztec"
	}
	return "PKBarcodeFormatCode128"
}
