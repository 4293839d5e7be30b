package store

import (
	"cmp"
	"database/sql"
	"slices"
	"strings"

	"styk"
)

// Hit is one found record.
type Hit struct {
	Kind styk.Kind
	ID   styk.ID
}

// What bounds a search, however many records there are. A word that stands in
// more records than commonWord is common: of those the newest are looked at.
const (
	commonWord   = 5000
	commonTokens = 48  // different words that one common beginning stands for
	newestHits   = 300 // of each of them
)

// SearchKinds are the kinds of all that is in the search table.
var SearchKinds = append(slices.Clone(styk.RecordKinds), KindCard)

// Search finds living records by what people type: each word must begin a
// token; digits are also tried as the tail of a phone. Newest first, at most
// limit. Of words that stand in thousands of records it finds some of the
// newest, not all: whoever looks for one record types more.
func (tx *Tx) Search(text string, kinds []styk.Kind, limit int) ([]Hit, error) {
	return tx.search(text, kinds, func(found []Hit, _ Hit) (take, enough bool) { return true, len(found)+1 >= limit })
}

// SearchEach is Search with a limit for each kind of its own.
func (tx *Tx) SearchEach(text string, kinds []styk.Kind, limit int) (map[styk.Kind][]styk.ID, error) {
	found, full := map[styk.Kind][]styk.ID{}, 0
	_, err := tx.search(text, kinds, func(_ []Hit, h Hit) (take, enough bool) {
		if take = len(found[h.Kind]) < limit; take {
			if found[h.Kind] = append(found[h.Kind], h.ID); len(found[h.Kind]) == limit {
				full++
			}
		}
		return take, full == len(kinds)
	})
	return found, err
}

// wanted says whether a hit that has all words is taken, and whether the search
// has enough now.
type wanted func(found []Hit, h Hit) (take, enough bool)

func (tx *Tx) search(text string, kinds []styk.Kind, want wanted) ([]Hit, error) {
	words := queryTokens(text)
	if len(words) == 0 {
		return nil, nil
	}
	if len(kinds) == 0 {
		kinds = SearchKinds
	}
	var found []Hit // in all rare words, sorted; nil before the first
	var common []string
	for _, w := range words {
		hits, all, err := tx.rare(w, kinds)
		switch {
		case err != nil:
			return nil, err
		case !all:
			common = append(common, w)
		case found == nil:
			found = hits
		default:
			found = intersect(found, hits)
		}
		if all && len(found) == 0 {
			return nil, nil
		}
	}
	if found == nil {
		var err error
		if found, err = tx.newest(common[0], kinds); err != nil {
			return nil, err
		}
		common = common[1:]
	}
	return tx.withWords(found, common, want)
}

// newestFirst is the order of hits.
func newestFirst(a, b Hit) int {
	return cmp.Or(cmp.Compare(b.ID, a.ID), cmp.Compare(a.Kind, b.Kind))
}

func sorted(hits []Hit) []Hit {
	slices.SortFunc(hits, newestFirst)
	return slices.Compact(hits)
}

func intersect(a, b []Hit) []Hit {
	return slices.DeleteFunc(a, func(h Hit) bool {
		_, also := slices.BinarySearchFunc(b, h, newestFirst)
		return !also
	})
}

// span is a range of tokens: from, and before to.
type span struct{ from, to string }

// spans gives where the tokens stand that a typed word begins.
func spans(word string) []span {
	list := []span{{word, word + "\U0010ffff"}}
	if len(word) >= 3 && strings.Trim(word, "0123456789") == "" {
		tail := "<" + reversed(word)
		list = append(list, span{tail, tail + "\U0010ffff"})
	}
	return list
}

// rare gives all records of a word; all is false when it is common.
func (tx *Tx) rare(word string, kinds []styk.Kind) (hits []Hit, all bool, err error) {
	hits = []Hit{}
	for _, s := range spans(word) {
		// Kinds are told apart here: the table would be read all the same.
		list, err := tx.hits(`token >= $1 AND token < $2 LIMIT $3`, s.from, s.to, int64(commonWord+1))
		if err != nil {
			return nil, false, err
		}
		if hits = append(hits, list...); len(hits) > commonWord {
			return nil, false, nil
		}
	}
	return sorted(slices.DeleteFunc(hits, func(h Hit) bool { return !slices.Contains(kinds, h.Kind) })), true, nil
}

// newest gives the newest records of the first tokens that a common word begins,
// the word itself before all.
func (tx *Tx) newest(word string, kinds []styk.Kind) ([]Hit, error) {
	var hits []Hit
	for _, s := range spans(word) {
		for token, n := s.from, 0; n < commonTokens; n++ {
			err := tx.row(`SELECT token FROM search WHERE token >= $1 AND token < $2 ORDER BY token LIMIT 1`, token, s.to).Scan(&token)
			if err == sql.ErrNoRows {
				break
			}
			if err != nil {
				return nil, err
			}
			for _, k := range kinds {
				list, err := tx.hits(`token = $1 AND kind = $2 ORDER BY record_id DESC LIMIT $3`, token, string(k), int64(newestHits))
				if err != nil {
					return nil, err
				}
				hits = append(hits, list...)
			}
			token += "\x01" // the next one
		}
	}
	return sorted(hits), nil
}

func (tx *Tx) hits(where string, args ...any) ([]Hit, error) {
	var list []Hit
	err := tx.each(func(rows *sql.Rows) error {
		var h Hit
		err := rows.Scan((*string)(&h.Kind), (*int64)(&h.ID))
		list = append(list, h)
		return err
	}, `SELECT kind, record_id FROM search WHERE `+where, args...)
	return list, err
}

// withWords takes of sorted hits the wanted ones that have all the words too.
func (tx *Tx) withWords(hits []Hit, words []string, want wanted) ([]Hit, error) {
	var kept []Hit
	for _, h := range hits {
		if len(words) > 0 {
			tokens, err := tx.tokensNow(h)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(words, func(w string) bool { return !begins(tokens, w) }) {
				continue
			}
		}
		take, enough := want(kept, h)
		if take {
			kept = append(kept, h)
		}
		if enough {
			break
		}
	}
	return kept, nil
}

// tokensNow gives the tokens of a record, none when it has gone.
func (tx *Tx) tokensNow(h Hit) ([]string, error) {
	if h.Kind == KindCard {
		c, err := tx.CardByID(h.ID)
		if err != nil {
			return nil, err
		}
		return codeTokens(c.Code), nil
	}
	rec := styk.NewRecord(h.Kind)
	if rec == nil {
		return nil, nil
	}
	rec.Base().ID = h.ID
	if err := tx.Load(rec); err != nil {
		if styk.CodeOf(err) == styk.NotFound {
			return nil, nil
		}
		return nil, err
	}
	return tokensOf(rec), nil
}

func begins(tokens []string, word string) bool {
	for _, s := range spans(word) {
		if slices.ContainsFunc(tokens, func(t string) bool { return t >= s.from && t < s.to }) {
			return true
		}
	}
	return false
}

// queryTokens cuts what was typed into tokens: an address with @ stays whole,
// a phone or a number in any grouping becomes digits, the rest words. The
// longest comes first, because it finds least.
func queryTokens(text string) []string {
	text = strings.TrimSpace(styk.Fold(text))
	if strings.Trim(text, "+-() .0123456789") == "" {
		if d := PhoneToken(text); d != "" {
			return []string{d}
		}
	}
	var words []string
	for _, part := range strings.Fields(text) {
		if strings.Contains(part, "@") {
			words = append(words, part)
			continue
		}
		words = append(words, styk.Words(part)...)
	}
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	var cut tokens
	for _, w := range words[:min(len(words), 6)] {
		cut.add(w) // as long as it stands in the table
	}
	return cut
}
