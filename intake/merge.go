package intake

import (
	"maps"
	"slices"

	"styk"
	"styk/store"
)

// MergeField is one value of two contacts that are to become one.
type MergeField struct {
	Column string
	Has    string // the winner
	Comes  string // the loser
}

// MergePlan is what a merge would do.
type MergePlan struct {
	Winner, Loser *styk.Contact
	Same          []MergeField // both have it, or only the winner
	Filled        []MergeField // the winner has none: the loser's goes over
	Differing     []MergeField // a person chooses; the winner's stays unless he does
	Moved         store.Moved
}

// PlanMerge tells what merging two living contacts would do.
func PlanMerge(tx *store.Tx, winner, loser styk.ID) (*MergePlan, error) {
	if winner == loser {
		return nil, styk.Failed(styk.Invalid, "Это один и тот же клиент")
	}
	p := &MergePlan{Winner: &styk.Contact{}, Loser: &styk.Contact{}}
	p.Winner.ID, p.Loser.ID = winner, loser
	for _, c := range []*styk.Contact{p.Winner, p.Loser} {
		if err := tx.Load(c); err != nil {
			return nil, err
		}
	}
	comes := p.Loser.Columns()
	for i, c := range p.Winner.Columns() {
		f := MergeField{c.Name, c.Text(), comes[i].Text()}
		switch {
		case f.Comes == "" && f.Has == "":
		case f.Has == "":
			p.Filled = append(p.Filled, f)
		case f.Comes == "" || samePhone(f.Column, f.Has, f.Comes) || styk.Fold(f.Has) == styk.Fold(f.Comes):
			p.Same = append(p.Same, f)
		default:
			p.Differing = append(p.Differing, f)
		}
	}
	var err error
	p.Moved, err = tx.Movable(loser)
	return p, err
}

// Merge makes the loser one with the winner. Empty values of the winner are
// filled; of differing ones those named in take are the loser's. Foreign fields
// are filled likewise. It belongs in a DB.Update closure.
func Merge(tx *store.Tx, winner, loser styk.ID, take []string, by store.By) error {
	p, err := PlanMerge(tx, winner, loser)
	if err != nil {
		return err
	}
	var wanted []string
	for _, f := range p.Filled {
		wanted = append(wanted, f.Column)
	}
	for _, f := range p.Differing {
		if slices.Contains(take, f.Column) {
			wanted = append(wanted, f.Column)
		}
	}
	from := p.Loser.Columns()
	return tx.Merge(p.Winner, p.Loser, by, func() {
		for i, c := range p.Winner.Columns() {
			if slices.Contains(wanted, c.Name) {
				_ = c.SetText(from[i].Text()) // its own text always parses
			}
		}
		extra := styk.Extra{}
		maps.Copy(extra, p.Loser.Extra)
		maps.Copy(extra, p.Winner.Extra)
		if len(extra) > 0 {
			p.Winner.Extra = extra
		}
		Warn(p.Winner)
	})
}
