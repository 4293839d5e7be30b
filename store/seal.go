package store

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

const keySize = 32 // bytes of the master key

// sealer closes secrets with keys derived from the master key.
type sealer struct {
	master []byte
	seal   []byte
}

func newSealer(master []byte) sealer {
	s := sealer{master: append([]byte(nil), master...)}
	s.seal = s.derive("seal")
	return s
}

// derive gives the 32-byte key of one purpose.
func (s sealer) derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, s.master, nil, "styk/"+purpose, keySize)
	if err != nil {
		panic(err) // only for absurd lengths
	}
	return key
}

func (s sealer) fingerprint() string {
	sum := sha256.Sum256(s.derive("fingerprint"))
	return hex.EncodeToString(sum[:8])
}

// Derive gives the 32-byte key of one purpose outside the store, such as the
// signing of challenges. It is the same for all processes of one key file.
func (db *DB) Derive(purpose string) []byte { return db.sealer.derive("use/" + purpose) }

// Seal closes secret so that it opens only at the same place (table, row,
// column): a sealed value moved elsewhere does not open.
func (db *DB) Seal(place, secret string) string {
	aead, err := chacha20poly1305.NewX(db.sealer.seal)
	if err != nil {
		panic(err) // the key has the right size
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(secret)+aead.Overhead())
	_, _ = rand.Read(nonce)
	return base64.RawStdEncoding.EncodeToString(aead.Seal(nonce, nonce, []byte(secret), []byte(place)))
}

// Open opens what Seal closed at the same place.
func (db *DB) Open(place, sealed string) (string, error) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return "", fmt.Errorf("open secret at %s: %w", place, err)
	}
	aead, err := chacha20poly1305.NewX(db.sealer.seal)
	if err != nil {
		return "", err
	}
	if len(raw) < aead.NonceSize() {
		return "", errors.New("open secret at " + place + ": too short")
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(place))
	if err != nil {
		return "", fmt.Errorf("open secret at %s: %w", place, err)
	}
	return string(plain), nil
}

// KeyedHash gives the hex HMAC of value for one purpose: equal values can be
// found again, but not read back.
func (db *DB) KeyedHash(purpose, value string) string {
	mac := hmac.New(sha256.New, db.sealer.derive("hash/"+purpose))
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil))
}
