package courier

import (
	"strings"

	"styk"
	"styk/connect"
)

// What is kept of an attempt.
const (
	keepBody     = 64 << 10 // bytes of one body
	keepBodies   = 64 << 10 // bytes of all bodies of an attempt
	maxExchanges = 200
)

// storable gives exchanges as they are kept: bodies as text, and no more of them
// than keepBodies in all. The last ones are kept whole first: they tell why.
func storable(list []connect.Exchange) []styk.Exchange {
	left := keepBodies
	out := make([]styk.Exchange, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		x := list[i]
		out[i] = styk.Exchange{
			Step: x.Step, Method: x.Method, URL: x.URL, DryRun: x.DryRun,
			RequestHeader: x.RequestHeader, RequestBody: cut(x.RequestBody, &left), RequestSize: x.RequestSize,
			Status: x.Status, AnswerHeader: x.AnswerHeader, AnswerBody: cut(x.AnswerBody, &left), AnswerSize: x.AnswerSize,
			Err: x.Err, Start: x.Start.UTC(),
			DNS: x.Timing.DNS, Connect: x.Timing.Connect, TLS: x.Timing.TLS,
			Wait: x.Timing.Wait, Total: x.Timing.Total, Reused: x.Timing.Reused,
		}
	}
	return out
}

func cut(body []byte, left *int) string {
	if len(body) <= *left {
		*left -= len(body)
		return string(body)
	}
	text := strings.ToValidUTF8(string(body[:*left]), "") + "…"
	*left = 0
	return text
}
