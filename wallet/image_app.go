package wallet

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"slices"

	"styk"
	"styk/store"
)

// AppIconSides are the sides, in pixels, of the icons with which a web card
// stands on a home screen.
var AppIconSides = []int{180, 192, 512}

// AppIcon gives a template's icon as a PNG of one of AppIconSides: of the upload
// where there is one, else drawn. It is not kept: see who asks. Errors:
// styk.NotFound for another side.
func (c *Cards) AppIcon(ctx context.Context, template string, layout *Layout, side int) ([]byte, error) {
	if !slices.Contains(AppIconSides, side) {
		return nil, styk.Failed(styk.NotFound, fmt.Sprintf("no icon has a side of %d", side))
	}
	upload, err := c.upload(ctx, template, Icon)
	if styk.CodeOf(err) == styk.NotFound {
		ground, ink := iconColours(layout.Background, layout.Foreground)
		return encodePNG(cardIcon(side, ground, ink))
	}
	if err != nil {
		return nil, err
	}
	source, err := readImage(upload)
	if err != nil {
		return nil, err
	}
	return encodePNG(fit(Icon, source, side, side, layout.Background))
}

// upload gives the picture as it came; styk.NotFound where none did.
func (c *Cards) upload(ctx context.Context, template string, place Picture) ([]byte, error) {
	var list []store.CardImage
	err := c.DB.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.CardImages(template)
		return err
	})
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(list, func(f store.CardImage) bool { return f.Name == string(place) })
	if at < 0 {
		return nil, styk.Failed(styk.NotFound, "the template has no picture of its own there")
	}
	data, err := c.bytes(ctx, list[at].Sum)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("picture %s", place), err)
	}
	return data, nil
}

// iconColours are what an icon is drawn in: the layout's, as far as they can be
// told apart.
func iconColours(background, foreground Colour) (ground, ink color.NRGBA) {
	ground = background.RGB(color.NRGBA{0x1f, 0x2a, 0x44, 255})
	ink = foreground.RGB(color.NRGBA{255, 255, 255, 255})
	if far := light(ink) - light(ground); far > -60 && far < 60 { // a card of one colour would show nothing
		ink = color.NRGBA{255, 255, 255, 255}
		if light(ground) > 140 {
			ink = color.NRGBA{0, 0, 0, 255}
		}
	}
	return ground, ink
}
