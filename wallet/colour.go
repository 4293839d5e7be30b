package wallet

import (
	"fmt"
	"image/color"
	"strconv"
)

// Colour is "#rrggbb", or "" where the phone shall choose.
type Colour string

// RGB gives the colour, or otherwise where it is none.
func (c Colour) RGB(otherwise color.NRGBA) color.NRGBA {
	if rgb, ok := c.rgb(); ok {
		return rgb
	}
	return otherwise
}

func (c Colour) rgb() (color.NRGBA, bool) {
	if len(c) != 7 || c[0] != '#' {
		return color.NRGBA{}, false
	}
	n, err := strconv.ParseUint(string(c[1:]), 16, 32)
	return color.NRGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}, err == nil
}

// apple gives the colour as a pass has it (spec/passteam.md 3.2), "" for none.
func (c Colour) apple() string {
	rgb, ok := c.rgb()
	if !ok {
		return ""
	}
	return fmt.Sprintf("rgb(%d, %d, %d)", rgb.R, rgb.G, rgb.B)
}
