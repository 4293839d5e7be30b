package wallet

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// judge reads an answer of the push service (spec/passteam.md 3.6).
func judge(resp *http.Response, body []byte) PushResult {
	var said struct {
		Reason    string `json:"reason"`
		Timestamp int64  `json:"timestamp"` // Unix ms
	}
	_ = json.Unmarshal(body, &said) // an answer of a proxy has no reason
	r := PushResult{ID: resp.Header.Get("Apns-Id"), Status: resp.StatusCode, Reason: word(said.Reason)}
	switch {
	case r.Status == http.StatusOK:
		r.Verdict, r.Reason = Pushed, ""
		return r
	case r.Status == http.StatusGone:
		r.Verdict = Pruned
		if said.Timestamp > 0 {
			r.Since = time.UnixMilli(said.Timestamp).UTC()
		}
		return r
	case r.Reason == "BadDeviceToken", r.Reason == "DeviceTokenNotForTopic":
		r.Verdict = Pruned
		return r
	case r.Status == http.StatusTooManyRequests, r.Status >= 500, r.Status < 400, r.Status == http.StatusRequestTimeout, r.Reason == "IdleTimeout":
		r.Verdict, r.After = Later, retryAfter(resp.Header.Get("Retry-After"))
	case r.Reason == "": // no word of Apple: something stands between
		r.Verdict = Later
	default:
		r.Verdict = Stopped
	}
	r.Err = fmt.Errorf("push: the service answered %d %s", r.Status, r.Reason)
	return r
}

// word keeps a reason fit for a log.
func word(reason string) string {
	if len(reason) > 60 {
		reason = reason[:60]
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, reason)
}

func retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}
