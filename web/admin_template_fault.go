package web

import (
	"errors"

	"styk"
)

// placedFaults hands the faults of an error out to their fields.
type placedFaults struct {
	err    error
	placed []adminFault
	taken  map[int]bool
}

// take gives the fault of a field, which stands on the page at the anchor.
func (p *placedFaults) take(field, anchor string) string {
	for i, f := range p.all() {
		if f.Field == field && !p.taken[i] {
			if p.taken == nil {
				p.taken = map[int]bool{}
			}
			p.taken[i] = true
			p.placed = append(p.placed, adminFault{anchor, f.Text})
			return f.Text
		}
	}
	return ""
}

func (p *placedFaults) all() []styk.Fault {
	var e *styk.Error
	if errors.As(p.err, &e) {
		return e.Faults
	}
	return nil
}

// plainFaults are the fields that stand on the page once: their name in errors,
// and there.
var plainFaults = [][2]string{{"name", "name"}, {"organization", "organization"}, {"description", "description"}, {"logoText", "logo_text"},
	{"background", "background"}, {"foreground", "foreground"}, {"labelColor", "label_color"}, {"barcode.symbol", "symbol"}, {"variables", "variables"}}

// rest gives all that was placed, and what has no place.
func (p *placedFaults) rest() (placed []adminFault, unplaced []string) {
	for _, f := range plainFaults {
		p.take(f[0], f[1])
	}
	for i, f := range p.all() {
		if !p.taken[i] {
			unplaced = append(unplaced, f.Text)
		}
	}
	if p.err != nil && len(p.all()) == 0 {
		unplaced = append(unplaced, faultText(p.err))
	}
	return p.placed, unplaced
}
