package api

import "testing"

// A key made by a key opens no door that is shut to its maker.
func TestKeyComesFromNoMorePlacesThanItsMaker(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		networks, allowed []string
		want              string
	}{
		{[]string{"10.0.0.0/8"}, nil, ""},
		{[]string{"10.1.0.0/16", "10.2.0.7/32"}, []string{"10.0.0.0/8"}, ""},
		{[]string{"10.1.0.0/16", "192.168.0.0/24"}, []string{"10.0.0.0/8"}, "192.168.0.0/24"},
		{[]string{"10.0.0.0/7"}, []string{"10.0.0.0/8"}, "10.0.0.0/7"},
		{[]string{"0.0.0.0/0"}, []string{"10.0.0.0/8", "::1/128"}, "0.0.0.0/0"},
		{[]string{"::1/128"}, []string{"10.0.0.0/8", "::1/128"}, ""},
	} {
		if got := outside(row.networks, row.allowed); got != row.want {
			t.Errorf("%v within %v: got %q, want %q", row.networks, row.allowed, got, row.want)
		}
	}
}
