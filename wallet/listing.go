package wallet

import (
	_ "embed" // the listing's text
	"fmt"
	"net/url"
	"strings"
	"text/template"

	"styk"
)

//go:embed listing.bsl
var listingText string

var listing = template.Must(template.New("listing").Parse(listingText))

// listingPage is what the listing is filled with.
type listingPage struct {
	Name, ID          string
	Base, Host, Path  string
	Port              string
	Secure            bool
	Values            []listingValue
	Contacts          bool // a phone or an address is asked for
	Birthday, Balance bool
}

// listingValue is one variable and the 1C expression that gives its value; ""
// where only the customer knows.
type listingValue struct{ Name, From string }

// listingSources are where 1C:Retail keeps what a value means (spec/onec.md 3).
var listingSources = map[string]string{
	styk.MeansName:     "ВладелецКарты",
	styk.MeansPhone:    `СтыкКонтакт("НомерТелефона")`,
	styk.MeansEmail:    `СтыкКонтакт("АдресЭП")`,
	styk.MeansBirthday: "СтыкДеньРождения()",
	styk.MeansBalance:  "СтыкБаллы()",
	styk.MeansCode:     "?(ПустаяСтрока(КодКарты), Код, КодКарты)",
}

// Listing gives the code that a 1C programmer pastes into 1C:Retail so that its
// cards are issued and kept up to date here (spec/onec.md 4.2). base is the
// address of this service; the token is left open.
func Listing(t *styk.CardTemplate, base string) string {
	p := listingPage{Name: oneLine(t.Name), ID: t.ID, Base: strings.TrimRight(oneLine(base), "/"), Port: "443", Secure: true}
	if u, err := url.Parse(p.Base); err == nil && u.Host != "" {
		p.Host, p.Path = u.Hostname(), strings.TrimRight(u.EscapedPath(), "/")
		if u.Scheme == "http" {
			p.Port, p.Secure = "80", false
		}
		if u.Port() != "" {
			p.Port = u.Port()
		}
	}
	for i := range t.Variables {
		v := &t.Variables[i]
		means := v.Meaning()
		p.Values = append(p.Values, listingValue{v.Name, listingSources[means]})
		p.Contacts = p.Contacts || means == styk.MeansPhone || means == styk.MeansEmail
		p.Birthday = p.Birthday || means == styk.MeansBirthday
		p.Balance = p.Balance || means == styk.MeansBalance
	}
	var b strings.Builder
	_ = listing.Execute(&b, p) // neither a Builder nor these fields fail
	return b.String()
}

// oneLine keeps a name from ending the comment that it stands in.
func oneLine(text string) string {
	return strings.Join(strings.Fields(clean(text, false)), " ")
}

// ListingLines are the variables as a listing that is already in 1C writes them
// in its template of СтрШаблон, where each per cent sign stands twice; the
// first placeholder is the template's or the card's id.
func ListingLines(t *styk.CardTemplate) []string {
	lines := make([]string, len(t.Variables))
	for i, v := range t.Variables {
		lines[i] = fmt.Sprintf("values[%%%%%s%%%%]=%%%d", v.Name, i+2)
	}
	return lines
}
