package wallet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	_ "image/gif" // kinds that readImage takes
	"image/jpeg"
	_ "image/png"

	"golang.org/x/image/draw"

	"styk"
)

// Limits of an upload: what a phone's camera makes passes, what would fill the
// memory does not.
const (
	UploadLimit = 10 << 20    // bytes
	pixelLimit  = 4096 * 3072 // 12.6 million
	sideLimit   = 8192        // pixels
	passLimit   = 64          // scans of a progressive JPEG; cameras make ten
)

// decoding lets one upload at a time into the memory: the largest takes up to
// 200 MB.
var decoding = make(chan struct{}, 1)

// readImage decodes an upload upright. Size and number of pixels are checked
// before anything is unpacked. Errors: styk.TooLarge and styk.Invalid in plain
// words.
func readImage(upload []byte) (image.Image, error) {
	if len(upload) > UploadLimit {
		return nil, refusedImage(styk.TooLarge, "Картинка больше %d МБ.", UploadLimit>>20)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(upload))
	if err != nil {
		return nil, refusedImage(styk.Invalid, "Это не картинка: нужен файл PNG, JPEG или GIF.")
	}
	w, h := config.Width, config.Height
	if w <= 0 || h <= 0 {
		return nil, refusedImage(styk.Invalid, "В картинке нет ни одной точки.")
	}
	if w > sideLimit || h > sideLimit || w*h > pixelLimit {
		return nil, refusedImage(styk.TooLarge, "Картинка слишком велика: %d×%d точек. Уменьшите её до 4096×3072.", w, h)
	}
	if format == "jpeg" && bytes.Count(upload, []byte{0xff, 0xda}) > passLimit {
		return nil, refusedImage(styk.Invalid, "Файл JPEG устроен необычно. Пересохраните картинку и загрузите снова.")
	}
	decoding <- struct{}{}
	defer func() { <-decoding }()
	img, err := decodeImage(upload, format)
	if err != nil {
		return nil, refusedImage(styk.Invalid, "Картинка повреждена. Пересохраните её и загрузите снова.")
	}
	return img, nil
}

func decodeImage(upload []byte, format string) (image.Image, error) {
	if format != "jpeg" {
		img, _, err := image.Decode(bytes.NewReader(upload))
		if err == nil && img.Bounds().Empty() {
			err = fmt.Errorf("an empty picture")
		}
		return img, err
	}
	img, err := jpeg.Decode(bytes.NewReader(upload))
	if err != nil {
		return nil, err
	}
	return upright(img, orientation(upload)), nil
}

func refusedImage(code styk.Code, format string, args ...any) error {
	return styk.FieldError(code, "image", "image", fmt.Sprintf(format, args...))
}

// orientation reads how a camera was held from the EXIF of a JPEG, 1 to 8; 1,
// upright, where it does not say.
func orientation(data []byte) int {
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		marker, size := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if marker == 0xda || size < 2 || at+2+size > len(data) {
			break
		}
		segment := data[at+4 : at+2+size]
		if tiff, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok && marker == 0xe1 {
			return tiffOrientation(tiff)
		}
		at += 2 + size
	}
	return 1
}

// tiffOrientation looks for the tag 0x0112 in the first directory.
func tiffOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	count := int(order.Uint16(tiff[at:]))
	rows := tiff[at+2:]
	for i := 0; i < count && 12*(i+1) <= len(rows); i++ {
		row := rows[12*i:]
		if order.Uint16(row) != 0x0112 {
			continue
		}
		if o := int(order.Uint16(row[8:])); o >= 1 && o <= 8 {
			return o
		}
		return 1
	}
	return 1
}

// upright turns and mirrors a picture as its orientation says.
func upright(img image.Image, how int) image.Image {
	if how == 1 {
		return img
	}
	from := image.NewNRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(from, from.Rect, img, img.Bounds().Min, draw.Src)
	w, h := from.Rect.Dx(), from.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if how >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	to := image.NewNRGBA(size)
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch how {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			copy(to.Pix[to.PixOffset(tx, ty):][:4], from.Pix[from.PixOffset(x, y):])
		}
	}
	return to
}
