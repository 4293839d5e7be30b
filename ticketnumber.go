package styk

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// moscow is where the month of a ticket number is taken. It has had no summer
// time since 2014.
var moscow = time.FixedZone("MSK", 3*60*60)

// TicketMonth gives the YYMM part of numbers drawn at now: Moscow's month.
func TicketMonth(now time.Time) string { return now.In(moscow).Format("0601") }

// TicketNumber writes YYMM-NNNN-C of the month and the n-th number in it; after
// 9999 comes 10000. C is Luhn's check digit over all digits before it, so that
// one wrong digit and most swaps of neighbours are noticed.
func TicketNumber(month string, n int64) string {
	counter := fmt.Sprintf("%04d", n)
	return month + "-" + counter + "-" + string(luhn(month+counter))
}

var errTicketNumber = errors.New("not a ticket number")

// lookAlikes are letters that people write for digits.
var lookAlikes = strings.NewReplacer("О", "0", "о", "0", "O", "0", "o", "0", "l", "1", "I", "1", "З", "3", "з", "3")

// ParseTicketNumber reads a number in any grouping ("2611 0042 7", "№26110042-7")
// and gives it as it is stored. It fails when the check digit does not hold.
func ParseTicketNumber(text string) (string, error) {
	d := onlyDigits(lookAlikes.Replace(text))
	if len(d) < 9 || len(d) > 20 {
		return "", errTicketNumber
	}
	body, check := d[:len(d)-1], d[len(d)-1]
	month, counter := body[:4], body[4:]
	n, err := strconv.ParseInt(counter, 10, 64)
	if err != nil || n == 0 || month[2:] < "01" || month[2:] > "12" || luhn(body) != check {
		return "", errTicketNumber
	}
	if number := TicketNumber(month, n); strings.ReplaceAll(number, "-", "") == d {
		return number, nil
	}
	return "", errTicketNumber // leading zeros that we never write
}

// luhn gives the digit that makes the Luhn sum of digits end in 0.
func luhn(digits string) byte {
	sum := 0
	for i := range len(digits) {
		v := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return byte('0' + (10-sum%10)%10)
}
