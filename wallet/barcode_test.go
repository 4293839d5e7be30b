package wallet

import (
	"bytes"
	"encoding/xml"
	"image"
	"image/color"
	"image/png"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/aztec"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"
	"pgregory.net/rapid"
)

func TestEncodeFallsBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ask  Symbol
		text string
		want Symbol
	}{
		{EAN13, "4600682000013", EAN13},
		{"", "4600682000013", EAN13},
		{EAN13, "4600682000010", Code128}, // wrong check digit
		{EAN13, "460068200001", Code128},  // 12 digits: none is added
		{EAN13, "КАРТА 7", QR},
		{EAN13, "2900000000001234", Code128},
		{EAN13, strings.Repeat("7", 60), QR},
		{Code128, "CARD-42", Code128},
		{Code128, strings.Repeat("A", 30), QR},
		{Code128, "\u00f1", QR}, // a function code of the encoder
		{QR, "4600682000013", QR},
		{PDF417, "4600682000013", PDF417},
		{Aztec, "4600682000013", Aztec},
	} {
		code, err := Encode(c.ask, c.text)
		if err != nil || code.Symbol != c.want || code.Text != c.text {
			t.Errorf("%s of %q: got %+v %v, want %s", c.ask, c.text, code, err, c.want)
		}
	}
	for _, text := range []string{"", strings.Repeat("x", 501), "\xff"} {
		if code, err := Encode(QR, text); err == nil {
			t.Errorf("%q: got %v", text, code)
		}
	}
}

func TestEANDigit(t *testing.T) {
	t.Parallel()
	for digits, want := range map[string]byte{"460068200001": '3', "400638133393": '1', "9638507": '4', "000000000000": '0'} {
		if got, ok := EANDigit(digits); !ok || got != want {
			t.Errorf("%s: got %c, want %c", digits, got, want)
		}
	}
	for _, text := range []string{"", "12a", "１２"} {
		if got, ok := EANDigit(text); ok {
			t.Errorf("%q: got %c", text, got)
		}
	}
}

// decode reads a picture with another library than the one that drew it.
func decode(t rapid.TB, symbol Symbol, img image.Image) string {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	reader := map[Symbol]gozxing.Reader{
		EAN13: oned.NewEAN13Reader(), Code128: oned.NewCode128Reader(), QR: qrcode.NewQRCodeReader(), Aztec: aztec.NewAztecReader(),
	}[symbol]
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: symbol == QR, gozxing.DecodeHintType_CHARACTER_SET: "UTF-8"}
	if symbol != QR {
		delete(hints, gozxing.DecodeHintType_PURE_BARCODE)
	}
	result, err := reader.Decode(bitmap, hints)
	if err != nil {
		t.Fatalf("%s: %v", symbol, err)
	}
	return result.GetText()
}

func TestBarcodesReadBack(t *testing.T) {
	t.Parallel()
	digits := func(n string) *rapid.Generator[string] { return rapid.StringMatching(`[0-9]{` + n + `}`) }
	for symbol, texts := range map[Symbol]*rapid.Generator[string]{
		EAN13: rapid.Map(digits("12"), func(s string) string {
			d, _ := EANDigit(s)
			return s + string(d)
		}),
		Code128: rapid.StringMatching(`[!-~]([ -~]{0,18}[!-~])?`),
		QR:      rapid.StringMatching(`[!-~а-яА-Я]{1,60}`),
		Aztec:   rapid.StringMatching(`[!-~]{1,40}`),
	} {
		t.Run(string(symbol), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(r *rapid.T) {
				readBack(r, symbol, texts.Draw(r, "text"))
			})
		})
	}
}

// A phone number in a QR code keeps its plus sign.
func TestQRKeepsSigns(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"+79286646611", "-12", "+0", "0", "007", "A-1", "A+B %", "12.5", "№ 7"} {
		readBack(t, QR, text)
	}
}

func readBack(t rapid.TB, symbol Symbol, text string) {
	code, err := Encode(symbol, text)
	if err != nil || code.Symbol != symbol {
		t.Fatalf("%q became %+v: %v", text, code, err)
	}
	data, err := code.PNG(3)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got := decode(t, symbol, img); got != text {
		t.Errorf("PNG of %q reads %q", text, got)
	}
	if got := decode(t, symbol, rasterise(t, code.SVG(), 3)); got != text {
		t.Errorf("SVG of %q reads %q", text, got)
	}
}

// TestPDF417 compares with a drawing that ZXing has read: there is no
// reader of it in Go.
func TestPDF417(t *testing.T) {
	t.Parallel()
	code, err := Encode(PDF417, "4600682000013 Карта")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "pdf417.svg"), []byte(code.SVG()))
}

var step = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v(\d+)h-(\d+)z`)

// rasterise draws the rectangles of our SVG.
func rasterise(t rapid.TB, svg string, scale int) image.Image {
	var doc struct {
		ViewBox string `xml:"viewBox,attr"`
		Paths   []struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal([]byte(svg), &doc); err != nil || len(doc.Paths) != 2 {
		t.Fatalf("%v: %s", err, svg)
	}
	box := strings.Fields(doc.ViewBox)
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n * scale
	}
	img := image.NewGray(image.Rect(0, 0, number(box[2]), number(box[3])))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	drawn := 0
	for _, m := range step.FindAllStringSubmatch(doc.Paths[1].D, -1) {
		drawn += len(m[0])
		x, y, w, h := number(m[1]), number(m[2]), number(m[3]), number(m[4])
		for dy := range h {
			for dx := range w {
				img.SetGray(x+dx, y+dy, color.Gray{})
			}
		}
	}
	if drawn != len(doc.Paths[1].D) {
		t.Fatalf("strange path %s", doc.Paths[1].D)
	}
	return img
}
