package wallet

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"
)

// DefaultImages draws an icon in the layout's colours, a card with its stripe,
// for templates without pictures of their own. There is no logo and no strip:
// the logo text stands in their place.
func DefaultImages(background, foreground Colour) (Images, error) {
	ground, ink := iconColours(background, foreground)
	files := map[string][]byte{}
	for _, scale := range scales {
		data, err := encodePNG(cardIcon(29*scale, ground, ink))
		if err != nil {
			return Images{}, err
		}
		files[fileName(Icon, scale)] = data
	}
	return NewImages(files)
}

// light is how bright the eye finds a colour, 0 to 255.
func light(c color.NRGBA) int { return (299*int(c.R) + 587*int(c.G) + 114*int(c.B)) / 1000 }

// cardIcon draws it at a side in pixels, smooth by drawing large first.
func cardIcon(side int, ground, ink color.NRGBA) *image.NRGBA {
	const more = 4
	large := image.NewNRGBA(image.Rect(0, 0, side*more, side*more))
	unit := float64(side*more) / 29
	for y := range large.Rect.Dy() {
		for x := range large.Rect.Dx() {
			px, py := (float64(x)+0.5)/unit, (float64(y)+0.5)/unit
			c := ground
			if rounded(px-14.5, py-14.5, 10, 6.8, 1.8) && (py < 11 || py > 13.6) {
				c = ink
			}
			if math.Abs(px-9) < 2.5 && math.Abs(py-17.6) < 0.8 {
				c = ground
			}
			large.SetNRGBA(x, y, c)
		}
	}
	icon := image.NewNRGBA(image.Rect(0, 0, side, side))
	draw.BiLinear.Scale(icon, icon.Rect, large, large.Rect, draw.Src, nil)
	return icon
}

// rounded tells whether a point lies in a rectangle about the origin, of the
// given half sides and corner radius.
func rounded(x, y, w, h, radius float64) bool {
	x, y = math.Abs(x), math.Abs(y)
	if x > w || y > h {
		return false
	}
	dx, dy := x-(w-radius), y-(h-radius)
	return dx <= 0 || dy <= 0 || dx*dx+dy*dy <= radius*radius
}
