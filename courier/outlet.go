package courier

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"styk"
	"styk/connect"
	"styk/store"
)

// outlet is an opened target: its connector with the session it keeps, and the
// way out that all its attempts share.
type outlet struct {
	target    *styk.Target // secrets included
	kind      connect.Kind
	connector connect.Connector
	base      *http.Transport
	mask      *connect.Mask
	mapping   map[string]string
	linkDays  int // of life of links to files; 0: without end
}

// outlet gives the opened target as it is configured now. What is wrong with its
// settings is a Stop: no parcel can pass before a person mends them.
func (c *Courier) outlet(ctx context.Context, id styk.ID, version int64) (*outlet, error) {
	c.mu.Lock()
	o := c.opened[id]
	c.mu.Unlock()
	if o != nil && o.target.Version == version {
		return o, nil
	}
	var t *styk.Target
	err := c.db.View(ctx, func(tx *store.Tx) (err error) {
		t, err = tx.TargetByID(id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load target: %w", err)
	}
	o, err = c.open(t)
	if err != nil {
		return nil, connect.Stop(connect.Because(err, "Настройки цели неполны или неверны: "+connect.Explain(err)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.opened[id]; other != nil && other.target.Version == t.Version {
		return other, nil // two parcels opened it at once: one session is enough
	} else if other != nil {
		other.base.CloseIdleConnections()
	}
	c.opened[id] = o
	return o, nil
}

// open makes a connector of a target; it calls nobody.
func (c *Courier) open(t *styk.Target) (*outlet, error) {
	kind, ok := c.kinds[t.Kind]
	if !ok {
		return nil, styk.FieldError(styk.Invalid, "kind", "unknown", "нет такого вида: "+t.Kind)
	}
	values, err := kind.Check(t.Settings)
	if err != nil {
		return nil, err
	}
	o := &outlet{
		target: t, kind: kind, base: c.o.Guard.NewBase(), mask: connect.NewMask(kind.Secrets(values)...),
		mapping: maps.Clone(kind.Mapping),
	}
	if days, ok := values[connect.LinkDays.Name].(int64); ok {
		if days < 0 || days > maxLinkDays {
			return nil, styk.FieldError(styk.Invalid, connect.LinkDays.Name, "range", "от 0 (без срока) до "+strconv.Itoa(maxLinkDays)+" дней")
		}
		o.linkDays = int(days)
	}
	if o.mapping == nil {
		o.mapping = map[string]string{}
	}
	maps.Copy(o.mapping, t.Mapping)
	way := &connect.Transport{Base: o.base, Mask: o.mask}
	o.connector, err = kind.Open(connect.Settings{
		Target: t.Name, Values: t.Settings, Client: way.Client(), Dial: c.o.Guard.Dialer().DialContext, Now: c.db.Now,
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

const maxLinkDays = 36500 // of a link's life

// forget ends what a run has opened; the next one begins anew.
func (c *Courier) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.opened {
		o.base.CloseIdleConnections()
	}
	clear(c.opened)
	clear(c.lanes)
}

// SaveTarget checks a target against its kind and stores it, its secrets sealed;
// one that is left out keeps its value. All that is wrong is told at once in a
// *styk.Error. It says whether anything became different; a running courier
// takes the change over by itself.
func (c *Courier) SaveTarget(ctx context.Context, t *styk.Target) (changed bool, err error) {
	err = c.db.Update(ctx, func(tx *store.Tx) (err error) {
		changed, err = c.SaveTargetIn(tx, t)
		return err
	})
	if changed && err == nil {
		c.Renew()
	}
	return changed, err
}

// SaveTargetIn is SaveTarget as part of a larger transaction, such as apply.
func (c *Courier) SaveTargetIn(tx *store.Tx, t *styk.Target) (changed bool, err error) {
	if err := t.Validate(); err != nil {
		return false, err
	}
	kind, ok := c.kinds[t.Kind]
	if !ok {
		return false, styk.FieldError(styk.Invalid, "kind", "unknown", "нет такого вида: "+t.Kind)
	}
	var secret []string
	for _, f := range kind.Fields {
		if f.Secret {
			secret = append(secret, f.Name)
		}
	}
	full := *t
	full.Settings = maps.Clone(t.Settings)
	if full.Settings == nil {
		full.Settings = map[string]any{}
	}
	old, err := tx.Target(t.Name)
	if err == nil && old.Kind == t.Kind {
		for _, name := range secret {
			if v, had := old.Settings[name]; had && full.Settings[name] == nil {
				full.Settings[name] = v
			}
		}
	} else if err != nil && styk.CodeOf(err) != styk.NotFound {
		return false, err
	}
	if _, err := c.open(&full); err != nil {
		return false, err
	}
	saved := *t // a closure may run twice
	saved.Settings = maps.Clone(t.Settings)
	for name, v := range saved.Settings {
		if v == nil && slices.Contains(secret, name) {
			delete(saved.Settings, name)
		}
	}
	return tx.SaveTarget(&saved, secret)
}
