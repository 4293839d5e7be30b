package vtiger

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/hex"
)

// A login does not bring back the token of getchallenge, only proof of having
// had it: md5 over token and access key (spec/vtiger.md 2.2). So a server has
// to know which tokens it gave out; a signed token alone would not do.

// loginProof is what a client shows as accessKey: the lower-case md5 of token
// and access key.
func loginProof(token, accessKey string) string {
	sum := md5.Sum([]byte(token + accessKey))
	return hex.EncodeToString(sum[:])
}

// provesKey tells in constant time whether proof was made of token and key. The
// digits are compared exactly, as stock does.
func provesKey(token, accessKey, proof string) bool {
	return subtle.ConstantTimeCompare([]byte(loginProof(token, accessKey)), []byte(proof)) == 1
}
