package wallet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"styk"
	"styk/store"
)

// Printed is a card's signed pass as it is now.
type Printed struct {
	Card     *styk.Card
	PassType string
	Revision int64
	Data     []byte    // shared: not to be changed
	Modified time.Time // whole seconds; rises with every revision and every new look
}

// pressKey names what all passes of one template have in common.
type pressKey struct {
	template string
	version  int64
	signer   *Signer
}

// Pass gives the card's signed pass, printed anew only when the card, its
// template or the certificate changed. A deleted card's pass is void. Errors:
// styk.NotFound, styk.Invalid when the template has no usable certificate.
func (c *Cards) Pass(ctx context.Context, number string) (*Printed, error) {
	card, t, err := c.Load(ctx, number)
	if err != nil {
		return nil, err
	}
	return c.print(ctx, card, t)
}

// PassSince is Pass, but gives no data when the pass was the same already at the
// time since (whole seconds).
func (c *Cards) PassSince(ctx context.Context, number string, since time.Time) (*Printed, error) {
	card, t, err := c.Load(ctx, number)
	if err != nil {
		return nil, err
	}
	if m := modified(card, t); !since.IsZero() && !m.After(since) {
		return &Printed{Card: card, PassType: passTypeOf(t), Revision: card.Revision, Modified: m}, nil
	}
	return c.print(ctx, card, t)
}

// Load gives a card, alive or deleted, with its template.
func (c *Cards) Load(ctx context.Context, number string) (card *styk.Card, t *styk.CardTemplate, err error) {
	err = c.DB.View(ctx, func(tx *store.Tx) error {
		if card, err = tx.Card(number); err != nil {
			return err
		}
		t, err = c.TemplateIn(tx, card.Template)
		return err
	})
	return card, t, err
}

// modified tells states of a pass apart: it rises with each revision of the card,
// which have a second each, and with each version of the template. The later of
// two times would not: cards and templates that change often run ahead of the
// clock, and one would hide the other.
func modified(card *styk.Card, t *styk.CardTemplate) time.Time {
	return card.Shown.Add(time.Duration(t.Version) * time.Second)
}

func (c *Cards) print(ctx context.Context, card *styk.Card, t *styk.CardTemplate) (*Printed, error) {
	signer, err := c.Signer(ctx, t.PassType)
	if err != nil {
		return nil, err
	}
	p := &Printed{Card: card, PassType: signer.PassType, Revision: card.Revision, Modified: modified(card, t)}
	key := passKey{pressKey{t.ID, t.Version, signer}, card.Number, card.Revision}
	if p.Data = c.passes.get(key); p.Data != nil {
		return p, nil
	}
	press, err := c.press(ctx, t, signer)
	if err != nil {
		return nil, err
	}
	now := c.DB.Now()
	if err := signer.Check(now); err != nil {
		return nil, err
	}
	pass := Pass{Serial: card.Number, Values: Values(t, card), Voided: !card.Deleted.IsZero()}
	if strings.HasPrefix(c.PublicURL, "https://") || signer.Development() {
		pass.Service, pass.Token = c.PublicURL+"/wallet", c.Token(card.Number)
	}
	if p.Data, err = press.Print(pass, now); err != nil {
		return nil, fmt.Errorf("print pass: %w", err)
	}
	c.passes.put(key, p.Data)
	return p, nil
}

// The variables that every layout may use besides the template's own.
const (
	CodeVariable   = "CARD_CODE"   // text of the barcode
	NumberVariable = "CARD_NUMBER" // 24 hex digits
)

// Values gives what the layout's variables stand for: the card's values,
// numbers and days in plain form, and the card's own.
func Values(t *styk.CardTemplate, card *styk.Card) map[string]string {
	all := make(map[string]string, len(card.Values)+2)
	for name, text := range card.Values {
		if v := t.Variable(name); v != nil && (v.Type == styk.CardNumber || v.Type == styk.CardDate) {
			text, _ = v.Normal(text)
		}
		all[name] = text
	}
	all[CodeVariable], all[NumberVariable] = card.Code, card.Number
	return all
}

// press gives what prints the template's passes, made once per look.
func (c *Cards) press(ctx context.Context, t *styk.CardTemplate, signer *Signer) (*Press, error) {
	key := pressKey{t.ID, t.Version, signer}
	c.mu.Lock()
	p := c.presses[key]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	layout, err := LayoutOf(t)
	if err != nil {
		return nil, err
	}
	images, err := c.Images(ctx, t.ID, layout)
	if err != nil {
		return nil, err
	}
	if p, err = NewPress(*layout, images, signer); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.presses == nil {
		c.presses = map[pressKey]*Press{}
	}
	for old := range c.presses { // a look that has gone, or an old certificate
		if old.template == t.ID {
			delete(c.presses, old)
		}
	}
	c.presses[key] = p
	return p, nil
}

// LayoutOf gives the template's look; the default one where it has none.
func LayoutOf(t *styk.CardTemplate) (*Layout, error) {
	if len(t.Layout) == 0 {
		l := layoutFor(t)
		return &l, nil
	}
	l := &Layout{}
	if err := json.Unmarshal(t.Layout, l); err != nil {
		return nil, fmt.Errorf("layout of template %s: %w", t.ID, err)
	}
	return l, nil
}

// Images gives the template's pictures, the default icon where there is none.
func (c *Cards) Images(ctx context.Context, template string, layout *Layout) (Images, error) {
	var list []store.CardImage
	err := c.DB.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.CardImages(template)
		return err
	})
	if err != nil {
		return Images{}, err
	}
	drawn, err := DefaultImages(layout.Background, layout.Foreground)
	if err != nil {
		return Images{}, err
	}
	files := drawn.Files()
	for _, f := range list {
		if !strings.HasSuffix(f.Name, ".png") {
			continue // the upload
		}
		if files[f.Name], err = c.bytes(ctx, f.Sum); err != nil {
			return Images{}, fmt.Errorf("picture %s: %w", f.Name, err)
		}
	}
	return NewImages(files)
}

func (c *Cards) bytes(ctx context.Context, sum string) (data []byte, err error) {
	r, _, err := c.Blobs.Open(ctx, sum)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return io.ReadAll(io.LimitReader(r, UploadLimit))
}
