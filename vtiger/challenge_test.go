package vtiger

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The proof of transcript 07's shape: 32 lower-case hex digits.
func TestLoginProof(t *testing.T) {
	t.Parallel()
	if got := loginProof("6b02092c6e7bf", "DemoKey000000001"); got != string(php(t, `echo md5('6b02092c6e7bf'.'DemoKey000000001');`, nil)) {
		t.Error(got)
	}
}

func TestProvesKey(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		token, key := rapid.String().Draw(t, "token"), rapid.String().Draw(t, "key")
		proof := loginProof(token, key)
		if !provesKey(token, key, proof) {
			t.Fatal("the right proof is refused")
		}
		for _, wrong := range []string{"", proof[1:], proof + "0", strings.Replace(proof, proof[:1], "g", 1)} {
			if provesKey(token, key, wrong) {
				t.Fatalf("%q passed", wrong)
			}
		}
		if provesKey(token+"x", key, proof) || provesKey(token, key+"x", proof) {
			t.Fatal("the proof of another token or key passed")
		}
	})
}
