// Package connect is the contract between the courier and foreign systems: what
// a connector must do, what a parcel carries, what its errors mean, and the one
// way out to the network. It knows the nouns and HTTP; it must not know the
// store, the files on disk, or any foreign system.
package connect

import (
	"context"
	"net"
	"net/http"
	"time"
)

// A Connector brings parcels to one configured foreign system. One value serves
// many parcels at once, from many goroutines; it keeps the session with the
// foreign system and nothing about a parcel.
type Connector interface {
	// Check logs in and reads one harmless thing: the "test connection" button.
	// Its error is shown to a person through Explain.
	Check(ctx context.Context) error

	// Deliver brings p to the foreign system. It is called again after any error
	// that is not Permanent, and after a crash, perhaps by another process: each
	// foreign write stands inside p.Step. It returns soon after ctx ends.
	Deliver(ctx context.Context, p *Parcel) error
}

// A Puller is a connector that also fetches what changed over there.
type Puller interface {
	// Pull hands every change after cursor to take, oldest first, and gives the
	// cursor to continue from. An empty cursor means from the beginning. When
	// take or the foreign system fails, next is the last place that may safely
	// be continued from; a change may be handed over twice, never skipped.
	Pull(ctx context.Context, cursor string, take func(context.Context, Change) error) (next string, err error)
}

// Change is one record that a Puller found changed.
type Change struct {
	Key    string  // what the foreign system calls the record
	Phone  string  // +79001234567, when it names a customer by phone
	Values []Value // new values, in the foreign system's order
	At     time.Time
}

// Settings are what a target was configured with. Values have passed the Kind's
// Fields: defaults are filled in, types converted (see the accessors), secrets
// unsealed.
type Settings struct {
	Target string         // the target's name, for texts
	Values map[string]any // by Field.Name

	// Client is for Check and Pull; Deliver uses Parcel.HTTP. It has deadlines,
	// the address guard and no redirects.
	Client *http.Client
	// Dial opens connections for what is not HTTP (SMTP), behind the same guard.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the clock; never nil after Kind.Open.
	Now func() time.Time
}

// Kind describes one sort of foreign system well enough to configure it.
type Kind struct {
	Name    string            // stored in the database: never rename it
	Title   string            // shown to people, Russian
	Fields  []Field           // what the settings page asks and YAML accepts
	Mapping map[string]string // the default of a target's "mapping:"; may be nil
	// Parallel is how many parcels the system takes well at once, where a target
	// does not say; 0: 4.
	Parallel int
	New      func(Settings) (Connector, error)
}
