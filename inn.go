package styk

import "strings"

// CheckINN gives what is odd about a taxpayer's number, or "" when its check
// digits hold. It never refuses: two of the seed's own three examples fail.
// Source: spec/vtiger.md 9.
func CheckINN(inn string) string {
	if !digits(inn) {
		return "ИНН состоит из цифр"
	}
	ok := false
	switch len(inn) {
	case 10:
		ok = checkDigit(inn, []int{2, 4, 10, 3, 5, 9, 4, 6, 8})
	case 12:
		ok = checkDigit(inn, []int{7, 2, 4, 10, 3, 5, 9, 4, 6, 8}) &&
			checkDigit(inn, []int{3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8})
	default:
		return "в ИНН 10 или 12 цифр"
	}
	if !ok {
		return "контрольная цифра ИНН не сходится"
	}
	return ""
}

// checkDigit compares the digit after the weighted ones with their sum mod 11
// mod 10.
func checkDigit(number string, weights []int) bool {
	sum := 0
	for i, w := range weights {
		sum += w * int(number[i]-'0')
	}
	return sum%11%10 == int(number[len(weights)]-'0')
}

// CheckOGRN gives what is odd about a state registration number, or "".
// 13 digits for a firm (mod 11), 15 for a sole trader (mod 13).
func CheckOGRN(ogrn string) string {
	if !digits(ogrn) {
		return "ОГРН состоит из цифр"
	}
	n := len(ogrn)
	if n != 13 && n != 15 {
		return "в ОГРН 13 или 15 цифр"
	}
	rest, mod := 0, n-2
	for i := range n - 1 {
		rest = (rest*10 + int(ogrn[i]-'0')) % mod
	}
	if rest%10 != int(ogrn[n-1]-'0') {
		return "контрольная цифра ОГРН не сходится"
	}
	return ""
}

// CleanINN trims spaces, which people paste along; leading zeros stay.
func CleanINN(inn string) string { return strings.TrimSpace(inn) }
