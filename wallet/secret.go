package wallet

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"math/big"
	"strings"

	"styk"
)

// secretLength is 22 base62 characters: 131 bits.
const secretLength = 22

// secret derives a text of secretLength letters and digits from the card's
// number: nothing is stored, and every process of one key finds the same.
func (c *Cards) secret(purpose, number string) string {
	mac := hmac.New(sha256.New, c.DB.Derive("card "+purpose))
	mac.Write([]byte(number))
	text := new(big.Int).SetBytes(mac.Sum(nil)).Text(62)
	return (strings.Repeat("0", secretLength) + text)[len(text):][:secretLength]
}

// URL gives the card's page: a link for its holder, without any per cent sign.
func (c *Cards) URL(number string) string {
	return c.PublicURL + "/c/" + number + "-" + c.secret("page", number)
}

// FromLink gives the card's number out of the last part of its link, when the
// secret is right.
func (c *Cards) FromLink(part string) (number string, ok bool) {
	number, secret, _ := strings.Cut(part, "-")
	if !styk.ValidCardNumber(number) {
		return "", false
	}
	return number, same(secret, c.secret("page", number))
}

// Token gives what a phone shows to change or fetch the card's pass.
func (c *Cards) Token(number string) string { return c.secret("pass", number) }

// GoodToken tells whether a phone's token is the card's.
func (c *Cards) GoodToken(number, token string) bool {
	return styk.ValidCardNumber(number) && same(token, c.Token(number))
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
