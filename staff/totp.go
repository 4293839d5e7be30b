package staff

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// One-time codes by the clock, as RFC 6238 has them: SHA-1, six digits, a step
// of 30 seconds. Every application on a phone knows these.
const (
	codeStep   = 30 * time.Second
	codeDigits = 6
	codeDrift  = 1  // steps before and after now whose code fits too
	codeSecret = 20 // bytes
)

func newTOTPSecret() []byte {
	b := make([]byte, codeSecret)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return b
}

// stepOf counts the steps until a moment.
func stepOf(at time.Time) int64 { return at.Unix() / int64(codeStep/time.Second) }

// codeAt gives the code of a step, with so many digits (RFC 4226 5.3).
func codeAt(secret []byte, step int64, digits int) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step) // never fails: a hash takes all
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	n := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	mod := uint32(1)
	for range digits {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%mod)
}

// CodeAt gives the code that a phone with the secret shows at a moment.
func CodeAt(secret []byte, at time.Time) string { return codeAt(secret, stepOf(at), codeDigits) }

// stepFor finds the step after used whose code it is, near a moment; false when
// there is none.
func stepFor(secret []byte, code string, at time.Time, used int64) (int64, bool) {
	for step := stepOf(at) - codeDrift; step <= stepOf(at)+codeDrift; step++ {
		if step > used && hmac.Equal([]byte(codeAt(secret, step, codeDigits)), []byte(code)) {
			return step, true
		}
	}
	return 0, false
}

// secretText is the secret as a person types it into a phone.
func secretText(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// codeAddress is what the QR code of an enrolment holds.
func codeAddress(secret []byte, issuer, name string) string {
	label := url.PathEscape(issuer) + ":" + url.PathEscape(name)
	q := "secret=" + secretText(secret) + "&issuer=" + strings.ReplaceAll(url.QueryEscape(issuer), "+", "%20")
	return "otpauth://totp/" + label + "?" + q
}

// Codes for a lost phone: 50 bits each, in two groups that can be read aloud.
const (
	recoveryCodes   = 10
	recoveryLetters = 10
	recoverySigns   = "abcdefghijkmnpqrstuvwxyz23456789" // 32 signs, none that look alike
)

func newRecoveryCodes() []string {
	list := make([]string, recoveryCodes)
	for i := range list {
		b := make([]byte, recoveryLetters)
		_, _ = rand.Read(b)
		for k := range b {
			b[k] = recoverySigns[b[k]%32]
		}
		list[i] = string(b[:5]) + "-" + string(b[5:])
	}
	return list
}

// tidyCode takes away what people put between the digits or letters.
func tidyCode(code string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "\u00a0", "", "\t", "").Replace(code))
}
