package wallet

import (
	"container/list"
	"sync"
)

// passCacheSize bounds the kept passes, in bytes.
const passCacheSize = 48 << 20

// passKey names one printed state of a card.
type passKey struct {
	pressKey
	number   string
	revision int64
}

// passCache keeps the passes that were printed last. The zero one is empty and
// ready.
type passCache struct {
	mu    sync.Mutex
	items map[string]*list.Element // by card number: one state of each
	order list.List                // newest use first
	size  int
}

type keptPass struct {
	key  passKey
	data []byte
}

func (c *passCache) get(key passKey) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.items[key.number]
	if e == nil || e.Value.(keptPass).key != key {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(keptPass).data
}

func (c *passCache) put(key passKey, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.items == nil {
		c.items = map[string]*list.Element{}
	}
	if e := c.items[key.number]; e != nil {
		c.drop(e)
	}
	c.items[key.number] = c.order.PushFront(keptPass{key, data})
	for c.size += len(data); c.size > passCacheSize && c.order.Len() > 1; {
		c.drop(c.order.Back())
	}
}

func (c *passCache) drop(e *list.Element) {
	p := c.order.Remove(e).(keptPass)
	delete(c.items, p.key.number)
	c.size -= len(p.data)
}
