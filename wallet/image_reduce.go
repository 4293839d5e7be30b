package wallet

import (
	"cmp"
	"image"
	"image/color"
	"slices"
)

// shade is one of 32768 groups of like colours with the number of its pixels
// and the sums of their channels.
type shade struct {
	n   int
	sum [3]int
}

func (s *shade) mean(channel int) int { return s.sum[channel] / s.n }

// reduce gives an opaque picture in the 256 colours that suit it best, found by
// cutting the space of its colours at the median, with the error spread.
func reduce(img *image.RGBA) *image.Paletted {
	boxes := [][]shade{shadesOf(img)}
	for len(boxes) < 256 {
		widest, channel, width := -1, 0, 0
		for i, box := range boxes {
			if c, w := extent(box); w > width {
				widest, channel, width = i, c, w
			}
		}
		if widest < 0 {
			break // every box is one colour
		}
		low, high := halve(boxes[widest], channel)
		boxes[widest] = low
		boxes = append(boxes, high)
	}
	palette := make(color.Palette, len(boxes))
	for i, box := range boxes {
		palette[i] = average(box)
	}
	return dither(img, palette)
}

// dither draws in the palette and spreads the error of each pixel to its
// neighbours by Floyd and Steinberg. It is draw.FloydSteinberg, but looks for
// the nearest of 256 colours once per group of like ones and not per pixel.
func dither(img *image.RGBA, palette color.Palette) *image.Paletted {
	to := image.NewPaletted(img.Rect, palette)
	w, h := img.Rect.Dx(), img.Rect.Dy()
	var nearest [1 << 15]int16 // 1 + index in the palette; 0 = not yet sought
	here, below := make([][3]int, w+2), make([][3]int, w+2)
	for y := range h {
		clear(below)
		for x := range w {
			pixel := img.Pix[y*img.Stride+4*x:]
			var c [3]int
			for i := range c {
				c[i] = min(255, max(0, int(pixel[i])+here[x+1][i]/16))
			}
			known := &nearest[c[0]>>3<<10|c[1]>>3<<5|c[2]>>3]
			if *known == 0 {
				*known = int16(1 + palette.Index(color.NRGBA{uint8(c[0]), uint8(c[1]), uint8(c[2]), 255}))
			}
			to.Pix[y*to.Stride+x] = uint8(*known - 1)
			r, g, b, _ := palette[*known-1].RGBA()
			for i, got := range [3]int{int(r >> 8), int(g >> 8), int(b >> 8)} {
				off := c[i] - got
				here[x+2][i] += 7 * off
				below[x][i] += 3 * off
				below[x+1][i] += 5 * off
				below[x+2][i] += off
			}
		}
		here, below = below, here
	}
	return to
}

func shadesOf(img *image.RGBA) []shade {
	var groups [1 << 15]shade
	for i := 0; i+3 < len(img.Pix); i += 4 {
		r, g, b := int(img.Pix[i]), int(img.Pix[i+1]), int(img.Pix[i+2])
		s := &groups[r>>3<<10|g>>3<<5|b>>3]
		s.n++
		s.sum[0] += r
		s.sum[1] += g
		s.sum[2] += b
	}
	var used []shade
	for _, s := range groups {
		if s.n > 0 {
			used = append(used, s)
		}
	}
	return used
}

// extent gives the channel in which the box is widest, and how wide; a box of
// one shade has no width.
func extent(box []shade) (channel, width int) {
	for c := range 3 {
		low, high := 255, 0
		for i := range box {
			low, high = min(low, box[i].mean(c)), max(high, box[i].mean(c))
		}
		if high-low > width {
			channel, width = c, high-low
		}
	}
	return channel, width
}

// halve cuts a box of at least two shades so that each half has as many pixels.
func halve(box []shade, channel int) (low, high []shade) {
	slices.SortFunc(box, func(a, b shade) int { return cmp.Compare(a.mean(channel), b.mean(channel)) })
	all := 0
	for _, s := range box {
		all += s.n
	}
	at, seen := 1, box[0].n
	for at < len(box)-1 && seen < all/2 {
		seen += box[at].n
		at++
	}
	return box[:at:at], box[at:]
}

func average(box []shade) color.NRGBA {
	var whole shade
	for _, s := range box {
		whole.n += s.n
		for c := range 3 {
			whole.sum[c] += s.sum[c]
		}
	}
	return color.NRGBA{uint8(whole.mean(0)), uint8(whole.mean(1)), uint8(whole.mean(2)), 255}
}
