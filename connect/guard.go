package connect

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrAddress is inside every error about an address that must not be called.
var ErrAddress = errors.New("address not allowed")

// Guard decides which addresses may be called. It looks at the address after
// the name was resolved, at the moment of connecting, so that a name cannot
// point elsewhere between the look and the call. The zero value is for targets
// set by an owner: private and loopback addresses are allowed, link-local and
// cloud metadata ones never.
type Guard struct {
	Public bool           // for addresses given by anyone else: public ones only
	Roots  *x509.CertPool // extra authorities of a company; nil: the system's
}

// metadata are the addresses where clouds give their secrets to whoever asks.
var metadata = []netip.Addr{
	netip.MustParseAddr("100.100.100.200"),
	netip.MustParseAddr("168.63.129.16"),
	netip.MustParseAddr("192.0.0.192"),
	netip.MustParseAddr("fd00:ec2::254"),
	netip.MustParseAddr("fd20:ce::254"),
}

// notPublic are the ranges that the internet does not route.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("fec0::/10"),
}

// Allow gives nil when addr may be called, else an error with ErrAddress inside.
func (g Guard) Allow(addr netip.Addr) error {
	addr = inner(addr.WithZone(""))
	bad := !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLinkLocalUnicast()
	for _, m := range metadata {
		bad = bad || addr == m
	}
	if g.Public {
		bad = bad || addr.IsLoopback() || addr.IsPrivate()
		for _, p := range notPublic {
			bad = bad || p.Contains(addr)
		}
	}
	if bad {
		return fmt.Errorf("%w: %s", ErrAddress, addr)
	}
	return nil
}

// inner gives the IPv4 address that an IPv6 one carries (mapped, NAT64, 6to4),
// or addr itself.
func inner(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if !addr.Is6() {
		return addr
	}
	b := addr.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case netip.MustParsePrefix("2002::/16").Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return addr
}

// Dialer gives a dialer that asks the guard.
func (g Guard) Dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:   10 * time.Second,
		KeepAlive: 30 * time.Second,
		Control: func(network, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %s %s", ErrAddress, network, address)
			}
			return g.Allow(at.Addr())
		},
	}
}

// NewBase makes the innermost round-tripper, to be shared by all attempts at a
// target: guarded, keeping connections open, never by a proxy of the
// environment (which would resolve names behind the guard's back).
func (g Guard) NewBase() *http.Transport {
	return &http.Transport{
		DialContext:           g.Dialer().DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: g.Roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}
