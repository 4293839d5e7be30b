package store

import (
	"time"

	"styk"
)

// The scopes in which misses are counted.
const (
	GuessCode  = "code"  // subject: the ИНН
	GuessFrom  = "from"  // subject: ИНН and session or address
	GuessLogin = "login" // subject: user and address

	GuessPassword = "password" // subject: a person's name and address
	GuessName     = "name"     // subject: a person's name
	GuessAddress  = "address"  // subject: the address
)

// Missed notes a wrong guess.
func (tx *Tx) Missed(scope, subject string) error {
	return tx.exec(`INSERT INTO guess (scope, subject, at) VALUES ($1, $2, $3)`, scope, styk.Fold(subject), ms(tx.now))
}

// Misses counts the wrong guesses of the last while, and says when the newest
// was.
func (tx *Tx) Misses(scope, subject string, while time.Duration) (n int, last time.Time, err error) {
	var at int64
	err = tx.row(`SELECT count(*), coalesce(max(at), 0) FROM guess WHERE scope = $1 AND subject = $2 AND at > $3`,
		scope, styk.Fold(subject), ms(tx.now.Add(-while))).Scan(&n, &at)
	return n, fromMS(at), err
}

// forgetGuesses clears what was counted against subject, also together with
// who guessed ("inn address").
func (tx *Tx) forgetGuesses(scope, subject string) error {
	subject = styk.Fold(subject)
	err := tx.exec(`DELETE FROM guess WHERE scope = $1 AND subject = $2`, scope, subject)
	if err != nil {
		return err
	}
	return tx.exec(`DELETE FROM guess WHERE scope = $1 AND subject >= $2 AND subject < $3`,
		GuessFrom, subject+" ", subject+"!")
}

// ForgiveLogin clears the misses of one user from one address.
func (tx *Tx) ForgiveLogin(subject string) error {
	return tx.exec(`DELETE FROM guess WHERE scope = $1 AND subject = $2`, GuessLogin, styk.Fold(subject))
}

// Forgive clears the misses of one subject.
func (tx *Tx) Forgive(scope, subject string) error {
	return tx.exec(`DELETE FROM guess WHERE scope = $1 AND subject = $2`, scope, styk.Fold(subject))
}
