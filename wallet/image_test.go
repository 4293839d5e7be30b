package wallet

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"styk"
)

// photo is a picture with many colours, red at the top left.
func photo(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			wave := 127 * (1 + math.Sin(float64(x)/17)*math.Cos(float64(y)/23))
			img.SetNRGBA(x, y, color.NRGBA{uint8(255 * (w - x) / w), uint8(wave), uint8(255 * y / h), 255})
		}
	}
	for y := range h / 4 {
		for x := range w / 4 {
			img.SetNRGBA(x, y, color.NRGBA{255, 0, 0, 255})
		}
	}
	return img
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withEXIF puts an orientation and a word that must not survive into a JPEG.
func withEXIF(data []byte, how uint16) []byte {
	tiff := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	tiff = binary.BigEndian.AppendUint16(tiff, how)
	tiff = append(tiff, "\x00\x00\x00\x00\x00\x00GPS 55.7558 37.6173"...)
	body := append([]byte("Exif\x00\x00"), tiff...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(body)+2))
	return append(append(head, body...), data[2:]...)
}

func TestScale(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		place Picture
		w, h  int
		want  [3]image.Point
	}{
		{Icon, 500, 300, [3]image.Point{{29, 29}, {58, 58}, {87, 87}}},
		{Logo, 500, 300, [3]image.Point{{83, 50}, {166, 100}, {250, 150}}},
		{Logo, 1000, 20, [3]image.Point{{160, 3}, {320, 6}, {480, 9}}},
		{Logo, 1, 4000, [3]image.Point{{1, 50}, {1, 100}, {1, 150}}},
		{Strip, 640, 480, [3]image.Point{{375, 144}, {750, 288}, {1125, 432}}},
		{Strip, 1, 1, [3]image.Point{{375, 144}, {750, 288}, {1125, 432}}},
	} {
		files, err := Scale(c.place, pngOf(t, image.NewGray(image.Rect(0, 0, c.w, c.h))), "#00ff00")
		if err != nil {
			t.Errorf("%s of %d×%d: %v", c.place, c.w, c.h, err)
			continue
		}
		for i, scale := range scales {
			data := files[fileName(c.place, scale)]
			config, err := png.DecodeConfig(bytes.NewReader(data))
			if err != nil || config.Width != c.want[i].X || config.Height != c.want[i].Y {
				t.Errorf("%s@%d of %d×%d: got %d×%d %v, want %v", c.place, scale, c.w, c.h, config.Width, config.Height, err, c.want[i])
			}
		}
		if images, err := NewImages(files); err != nil || len(images.Files()) != 3 || images.Size() == 0 {
			t.Errorf("%s: %v", c.place, err)
		}
	}
}

// A photo for the strip becomes files that may travel with every balance.
func TestScaleKeepsThePackSmall(t *testing.T) {
	t.Parallel()
	source := fit(Strip, photo(700, 350), 400, 150, "")
	grain := rand.New(rand.NewPCG(1, 2))
	for i := range source.Pix {
		if i%4 != 3 {
			source.Pix[i] = uint8(min(255, int(source.Pix[i])+grain.IntN(24)))
		}
	}
	large, err := encodePNG(source)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(large))
	if err != nil {
		t.Fatal(err)
	}
	if _, reduced := img.(*image.Paletted); !reduced || len(large) > heavy {
		t.Errorf("the strip has %d bytes, %T", len(large), img)
	}
	var sum float64
	for y := 0; y < 150; y += 3 {
		for x := 0; x < 400; x += 2 {
			sum += distance(img.At(x, y), source.At(x, y))
		}
	}
	if mean := sum / (50 * 200); mean > 12 {
		t.Errorf("colours are off by %.1f of 255 on average", mean)
	}
}

func distance(a, b color.Color) float64 {
	ar, ag, ab, _ := a.RGBA()
	br, bg, bb, _ := b.RGBA()
	d := func(x, y uint32) float64 { return math.Abs(float64(x)-float64(y)) / 257 }
	return (d(ar, br) + d(ag, bg) + d(ab, bb)) / 3
}

func TestScaleDropsEXIFAndTurns(t *testing.T) {
	t.Parallel()
	red := map[int]image.Point{1: {0, 0}, 2: {1, 0}, 3: {1, 1}, 4: {0, 1}, 5: {0, 0}, 6: {1, 0}, 7: {1, 1}, 8: {0, 1}}
	for how := 1; how <= 9; how++ {
		upload := withEXIF(jpegOf(t, photo(160, 80)), uint16(how))
		img, err := readImage(upload)
		if err != nil {
			t.Fatal(err)
		}
		w, h := img.Bounds().Dx(), img.Bounds().Dy()
		corner := red[how]
		if how == 9 { // no orientation: as it is
			corner = red[1]
		}
		if turned := how >= 5 && how <= 8; turned != (w == 80) {
			t.Errorf("orientation %d: %d×%d", how, w, h)
		}
		r, g, _, _ := img.At(5+corner.X*(w-11), 5+corner.Y*(h-11)).RGBA()
		if r < 0xc000 || g > 0x4000 {
			t.Errorf("orientation %d: no red at %v", how, corner)
		}
	}
	files, err := Scale(Icon, withEXIF(jpegOf(t, photo(160, 80)), 6), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if bytes.Contains(data, []byte("GPS")) || bytes.Contains(data, []byte("eXIf")) {
			t.Errorf("%s: EXIF survived", name)
		}
	}
}

// pngHead is a PNG that says to be of a size and holds nothing of it.
func pngHead(w, h uint32) []byte {
	body := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h)
	body = append(body, 8, 6, 0, 0, 0)
	data := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), body...)
	return binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(body))
}

func TestImagesRefused(t *testing.T) {
	t.Parallel()
	scans := jpegOf(t, photo(8, 8))
	scans = append(scans, bytes.Repeat([]byte{0xff, 0xda}, 100)...)
	whole := pngOf(t, photo(50, 50))
	for name, c := range map[string]struct {
		upload []byte
		code   styk.Code
		says   string
	}{
		"bomb":            {pngHead(50000, 50000), styk.TooLarge, "50000×50000"},
		"long bomb":       {pngHead(1, 1<<31-1), styk.TooLarge, "велика"},
		"scans":           {scans, styk.Invalid, "JPEG"},
		"megabytes":       {make([]byte, UploadLimit+1), styk.TooLarge, "10 МБ"},
		"text":            {[]byte("hello"), styk.Invalid, "не картинка"},
		"SVG":             {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), styk.Invalid, "PNG, JPEG или GIF"},
		"nothing":         {nil, styk.Invalid, "не картинка"},
		"cut":             {whole[:len(whole)/2], styk.Invalid, "повреждена"},
		"head alone":      {pngHead(10, 10), styk.Invalid, "повреждена"},
		"without a pixel": {pngHead(0, 10), styk.Invalid, ""},
	} {
		_, err := Scale(Icon, c.upload, "")
		if styk.CodeOf(err) != c.code || !strings.Contains(faultOf(err).Text, c.says) {
			t.Errorf("%s: got %v, want %s …%s…", name, err, c.code, c.says)
		}
	}
	if _, err := Scale("thumbnail", whole, ""); styk.CodeOf(err) != styk.Invalid {
		t.Errorf("an unknown place: %v", err)
	}
	for _, name := range []string{"icon@4x.png", "../icon.png", "icon", "signature", "icon@1x.png", "pass.json"} {
		if _, err := NewImages(map[string][]byte{name: whole}); err == nil {
			t.Errorf("%s is taken for a picture", name)
		}
	}
	if _, err := NewImages(map[string][]byte{"icon.png": jpegOf(t, photo(9, 9))}); err == nil {
		t.Error("a JPEG is taken for a PNG")
	}
}

func TestScaleTakesEveryKind(t *testing.T) {
	t.Parallel()
	var animated bytes.Buffer
	frame := image.NewPaletted(image.Rect(0, 0, 40, 40), color.Palette{color.White, color.Black})
	if err := gif.EncodeAll(&animated, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	deep := image.NewNRGBA64(image.Rect(0, 0, 40, 40))
	for name, upload := range map[string][]byte{
		"gif": animated.Bytes(), "16 bits": pngOf(t, deep), "grey": jpegOf(t, image.NewGray(image.Rect(0, 0, 40, 40))),
	} {
		if _, err := Scale(Logo, upload, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDefaultImages(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]Colour{{"", ""}, {"#000000", "#ffffff"}, {"#ffffff", ""}, {"#808080", "#808080"}, {"#1f2a44", "#202b45"}, {"nonsense", "#000"}} {
		images, err := DefaultImages(c[0], c[1])
		if err != nil || len(images.entries) != 3 || images.Size() > 20<<10 {
			t.Fatalf("%q: %d files of %d bytes: %v", c, len(images.entries), images.Size(), err)
		}
		img, err := png.Decode(bytes.NewReader(images.Files()["icon@3x.png"]))
		if err != nil || distance(img.At(2, 2), img.At(43, 30)) < 50 {
			t.Errorf("%q: the icon shows nothing: %v", c, err)
		}
	}
}

// Whatever is uploaded gives pictures of a pass or one sentence.
func FuzzScale(f *testing.F) {
	f.Add(pngOf(f, photo(20, 10)))
	f.Add(withEXIF(jpegOf(f, photo(16, 8)), 6))
	f.Add(pngHead(3, 3))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00"))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, upload []byte) {
		if how := orientation(upload); how < 1 || how > 8 {
			t.Errorf("orientation %d", how)
		}
		files, err := Scale(Logo, upload, "#123456")
		if err != nil {
			if faultOf(err).Text == "" {
				t.Errorf("no plain words: %v", err)
			}
			return
		}
		if _, err := NewImages(files); err != nil || len(files) != 3 {
			t.Errorf("%d files: %v", len(files), err)
		}
	})
}
