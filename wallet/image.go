package wallet

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"slices"
	"strings"

	"golang.org/x/image/draw"

	"styk"
)

// Picture is a place for an image on the card.
type Picture string

// The places of a loyalty card (spec/passteam.md 3.3).
const (
	Icon  Picture = "icon"  // on the lock screen and in mails
	Logo  Picture = "logo"  // the top left corner
	Strip Picture = "strip" // behind the primary field
)

// Pictures lists the places for pages and errors.
var Pictures = []Picture{Icon, Logo, Strip}

// points gives the size of a place in points; a pixel at @1x.
func (p Picture) points() (width, height int) {
	switch p {
	case Icon:
		return 29, 29
	case Logo:
		return 160, 50
	}
	return 375, 144
}

// Images are the picture files of a template, hashed once. The zero Images is
// empty. They are never changed and may be shared.
type Images struct{ entries []entry }

// NewImages takes files by their names in the pass, "icon@2x.png", as Scale
// makes them and a store keeps them. The bytes must not be changed afterwards.
// Errors: styk.Invalid for a name that no pass has or bytes that are no PNG.
func NewImages(files map[string][]byte) (Images, error) {
	var images Images
	for _, name := range slices.Sorted(maps.Keys(files)) {
		place, _, _ := strings.Cut(strings.TrimSuffix(name, ".png"), "@")
		known := slices.Contains(Pictures, Picture(place)) &&
			slices.ContainsFunc(scales, func(s int) bool { return name == fileName(Picture(place), s) })
		if !known || !bytes.HasPrefix(files[name], []byte("\x89PNG\r\n\x1a\n")) {
			return Images{}, refused("images", "name", "не картинка карты: %s", clean(name, false))
		}
		images.entries = append(images.entries, newEntry(name, files[name]))
	}
	return images, nil
}

// Files gives the files by their names.
func (i Images) Files() map[string][]byte {
	files := make(map[string][]byte, len(i.entries))
	for _, e := range i.entries {
		files[e.name] = e.data
	}
	return files
}

// Size gives the bytes of all files: a phone loads them again with every
// change of the balance.
func (i Images) Size() int {
	size := 0
	for _, e := range i.entries {
		size += len(e.data)
	}
	return size
}

var scales = []int{1, 2, 3}

func fileName(place Picture, scale int) string {
	if scale == 1 {
		return string(place) + ".png"
	}
	return fmt.Sprintf("%s@%dx.png", place, scale)
}

// Scale makes of one upload (PNG, JPEG or GIF) the three PNG files of a place,
// by their names in the pass. The icon is put whole on a square of the
// background colour, the logo keeps its proportions and transparency, the strip
// is cut to its shape about the middle. Nothing of the upload but its pixels
// goes into the files: no EXIF, no comment. Errors: see readImage.
func Scale(place Picture, upload []byte, background Colour) (map[string][]byte, error) {
	if !slices.Contains(Pictures, place) {
		return nil, styk.FieldError(styk.Invalid, "images", "place", "нет такой картинки: "+string(place))
	}
	source, err := readImage(upload)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, scale := range scales {
		w, h := place.points()
		data, err := encodePNG(fit(place, source, w*scale, h*scale, background))
		if err != nil {
			return nil, err
		}
		files[fileName(place, scale)] = data
	}
	return files, nil
}

// fit draws source into the given room as its place wants it.
func fit(place Picture, source image.Image, w, h int, background Colour) *image.RGBA {
	from := source.Bounds()
	switch place {
	case Strip:
		to := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.CatmullRom.Scale(to, to.Rect, source, cut(from, w, h), draw.Src, nil)
		return to
	case Logo:
		to := image.NewRGBA(inside(from, w, h))
		draw.CatmullRom.Scale(to, to.Rect, source, from, draw.Src, nil)
		return to
	}
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(to, to.Rect, image.NewUniform(background.RGB(color.NRGBA{255, 255, 255, 255})), image.Point{}, draw.Src)
	room := inside(from, w, h)
	room = room.Add(image.Pt((w-room.Dx())/2, (h-room.Dy())/2))
	draw.CatmullRom.Scale(to, room, source, from, draw.Over, nil)
	return to
}

// inside gives the largest rectangle of the shape of r that w×h holds.
func inside(r image.Rectangle, w, h int) image.Rectangle {
	if r.Dx()*h > r.Dy()*w {
		return image.Rect(0, 0, w, max(1, r.Dy()*w/r.Dx()))
	}
	return image.Rect(0, 0, max(1, r.Dx()*h/r.Dy()), h)
}

// cut gives the largest middle part of r that has the shape w×h.
func cut(r image.Rectangle, w, h int) image.Rectangle {
	if r.Dx()*h > r.Dy()*w {
		width := max(1, r.Dy()*w/h)
		left := r.Min.X + (r.Dx()-width)/2
		return image.Rect(left, r.Min.Y, left+width, r.Max.Y)
	}
	height := max(1, r.Dx()*h/w)
	top := r.Min.Y + (r.Dy()-height)/2
	return image.Rect(r.Min.X, top, r.Max.X, top+height)
}

// heavy is the size of a PNG, in bytes, from which it is reduced to 256
// colours: the pack of pictures travels with every new balance
// (spec/passteam.md 3.3).
const heavy = 100 << 10

func encodePNG(img image.Image) ([]byte, error) {
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	var b bytes.Buffer
	if err := enc.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("write a picture: %w", err)
	}
	full, ours := img.(*image.RGBA)
	if b.Len() < heavy || !ours || !full.Opaque() {
		return b.Bytes(), nil
	}
	var small bytes.Buffer
	if err := enc.Encode(&small, reduce(full)); err != nil {
		return nil, fmt.Errorf("write a picture: %w", err)
	}
	if small.Len() < b.Len() {
		return small.Bytes(), nil
	}
	return b.Bytes(), nil
}
