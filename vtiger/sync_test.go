package vtiger

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"styk"
	"styk/store"
)

type syncPage struct {
	Updated          []map[string]string
	Deleted          []string
	More             bool
	LastModifiedTime int64
}

func (c *caller) sync(since int64, module string) syncPage {
	c.t.Helper()
	pairs := []string{"modifiedTime", strconv.FormatInt(since, 10), "syncType", "user"}
	if module != "" {
		pairs = append(pairs, "elementType", module)
	}
	body := c.get(OpSync, pairs...)
	var a struct {
		Success bool
		Result  syncPage
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil || !a.Success {
		c.t.Fatalf("no page: %v in %s", err, body)
	}
	return a.Result
}

func idsOf(rows []map[string]string) []string {
	ids := []string{}
	for _, row := range rows {
		ids = append(ids, row["id"])
	}
	return ids
}

// A reader that hands back lastModifiedTime sees every change, also several of
// one second, and each record once.
func TestSyncMissesNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		me := signedIn(t, b.Server, b.api)
		start := b.clock.Now().Unix()
		one, two := me.make(ModuleContacts, `{"lastname":"1"}`), me.make(ModuleContacts, `{"lastname":"2"}`)
		firm := me.make(ModuleAccounts, `{"accountname":"О"}`)
		page := me.sync(start, "")
		if got := idsOf(page.Updated); !slices.Equal(got, []string{one, two, firm}) || page.More {
			t.Fatalf("first page %+v", page)
		}
		if page.Updated[0]["lastname"] != "1" || page.Updated[0]["label"] != "" {
			t.Errorf("record %v", page.Updated[0])
		}
		again := me.sync(page.LastModifiedTime, "")
		if len(again.Updated)+len(again.Deleted) != 0 || again.LastModifiedTime != page.LastModifiedTime {
			t.Errorf("nothing changed, yet %+v", again)
		}
		me.post(OpRevise, "element", `{"id":"`+one+`","title":"a"}`) // within the same second
		me.post(OpRevise, "element", `{"id":"`+one+`","title":"b"}`)
		me.post(OpDelete, "id", two)
		page = me.sync(page.LastModifiedTime, ModuleContacts)
		if got := idsOf(page.Updated); !slices.Equal(got, []string{one}) || page.Updated[0]["title"] != "b" ||
			!slices.Equal(page.Deleted, []string{two}) {
			t.Errorf("second page %+v", page)
		}
		if page = me.sync(b.clock.Now().UnixMilli()-1, ModuleAccounts); len(page.Updated) != 1 {
			t.Errorf("by milliseconds %+v", page)
		}
		if page = me.sync(b.clock.Now().Unix()+1, ""); len(page.Updated) != 0 {
			t.Errorf("from the future %+v", page)
		}
		if page = me.sync(0, ""); len(page.Updated) != 2 || len(page.Deleted) != 1 {
			t.Errorf("from the beginning %+v", page)
		}
	})
}

func TestSyncPages(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	me := signedIn(t, b.Server, b.api)
	ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error {
		for i := range 230 {
			rec := &styk.Contact{LastName: "П"}
			if err := tx.Insert(rec, store.By{}); err != nil {
				return err
			}
			for n := range 3 { // each changes more than once
				if _, err := tx.Edit(rec, store.By{}, func() error { rec.Title = strconv.Itoa(i*10 + n); return nil }); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	seen := map[string]bool{}
	last, pages := int64(0), 0
	for more := true; more; pages++ {
		page := me.sync(last, "")
		if len(page.Updated) > syncRows || page.LastModifiedTime <= last {
			t.Fatalf("page of %d rows up to %d", len(page.Updated), page.LastModifiedTime)
		}
		for _, id := range idsOf(page.Updated) {
			seen[id] = true
		}
		last, more = page.LastModifiedTime, page.More
	}
	if len(seen) != 230 || pages != 3 {
		t.Errorf("%d records on %d pages", len(seen), pages)
	}
}

// Times of stock and places of ours do not overlap for ages.
func TestSyncPlaces(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]time.Time{
		1795295533: time.Unix(1795295533, 0), 1795295533123: time.UnixMilli(1795295533123), secondsEnd - 1: time.Unix(secondsEnd-1, 0),
	} {
		if got := syncTime(n); !got.Equal(want) {
			t.Errorf("%d is %v, want %v", n, got, want)
		}
	}
	if cursorBase <= time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() || cursorBase+1<<52 > 1<<53 {
		t.Error("places of ours collide with times, or do not fit 53 bits")
	}
}

// Writers at once, a reader meanwhile: each record reaches the reader, though
// all are of one second and commit in any order.
func TestSyncBesideWriters(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		me := signedIn(t, b.Server, b.api)
		const writers, each = 4, 15
		var wait sync.WaitGroup
		made := make([][]string, writers)
		for w := range writers {
			wait.Go(func() {
				for i := range each {
					id := me.make(ModuleContacts, `{"lastname":"`+strconv.Itoa(i)+`"}`)
					made[w] = append(made[w], id)
				}
			})
		}
		finished := make(chan struct{})
		go func() { wait.Wait(); close(finished) }()
		seen := map[string]bool{}
		last, over := int64(0), false
		for !over {
			select {
			case <-finished:
				over = true // one more round
			default:
			}
			page := me.sync(last, ModuleContacts)
			for _, id := range idsOf(page.Updated) {
				seen[id] = true
			}
			last = page.LastModifiedTime
		}
		for _, id := range slices.Concat(made...) {
			if !seen[id] {
				t.Errorf("%s was missed", id)
			}
		}
		if len(seen) != writers*each {
			t.Errorf("%d seen, %d made", len(seen), writers*each)
		}
	})
}
