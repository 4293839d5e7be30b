package wallet

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
)

// shape is a code with its quiet zone, in modules.
type shape struct {
	width, height int // whole
	left, top     int // of the code inside
	rows          int // of the code; 1 for bars
	tall          int // height of one row
}

// shape gives each kind the quiet zone that its standard asks for, and bars a
// height that a scanner at the till meets easily.
func (c *Code) shape() shape {
	w, h := c.grid.Bounds().Dx(), c.grid.Bounds().Dy()
	s := shape{rows: h, tall: 1}
	side, above := 4, 4
	switch c.Symbol {
	case EAN13:
		side, above, s.rows, s.tall = 11, 2, 1, w/2
	case Code128:
		side, above, s.rows, s.tall = 10, 2, 1, max(w/4, 30)
	case PDF417: // its rows come as high as the encoder made them
		side, above = 3, 3
	case Aztec:
		side, above = 1, 1
	}
	s.left, s.top = side, above
	s.width, s.height = w+2*side, s.rows*s.tall+2*above
	return s
}

func (c *Code) dark(x, y int) bool {
	at := c.grid.Bounds().Min
	r, _, _, _ := c.grid.At(at.X+x, at.Y+y).RGBA()
	return r < 0x8000
}

// SVG draws the code black on white, one module a unit, without a size of its
// own, so that it fills what holds it. It has no text of the card in it.
func (c *Code) SVG() string {
	s, w := c.shape(), c.grid.Bounds().Dx()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`, s.width, s.height)
	fmt.Fprintf(&b, `<path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="`, s.width, s.height)
	for y := range s.rows {
		for x := 0; x < w; {
			run := 0
			for x+run < w && c.dark(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv%dh-%dz", s.left+x, s.top+y*s.tall, run, s.tall, run)
			}
			x += max(run, 1)
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String()
}

// PNG draws the code black on white, scale pixels a module (1 to 32).
func (c *Code) PNG(scale int) ([]byte, error) {
	if scale < 1 || scale > 32 {
		return nil, fmt.Errorf("draw a barcode: scale %d is not within 1 to 32", scale)
	}
	s, w := c.shape(), c.grid.Bounds().Dx()
	img := image.NewPaletted(image.Rect(0, 0, s.width*scale, s.height*scale), color.Palette{color.White, color.Black})
	line := make([]uint8, img.Stride)
	for y := range s.rows {
		clear(line)
		for x := range w {
			if !c.dark(x, y) {
				continue
			}
			for i := range scale {
				line[(s.left+x)*scale+i] = 1
			}
		}
		from := (s.top + y*s.tall) * scale
		for i := range s.tall * scale {
			copy(img.Pix[(from+i)*img.Stride:], line)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("draw a barcode: %w", err)
	}
	return b.Bytes(), nil
}
