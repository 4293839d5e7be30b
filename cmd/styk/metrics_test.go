package main

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"styk"
)

// TestAttemptsAreCountedByCause, and a foreign system that words each error anew
// does not fill the memory of whoever reads the figures.
func TestAttemptsAreCountedByCause(t *testing.T) {
	t.Parallel()
	h := openTestHouse(t, &folder{Data: newFolder(t)})
	defer h.close()
	m := newMetrics(h)
	h.attempted("crm", styk.AttemptDone, "", 20*time.Millisecond)
	h.attempted("crm", styk.AttemptRetry, "CRM не ответила.", time.Second)
	h.attempted("crm", styk.AttemptRetry, "CRM не ответила.", time.Second)
	for i := range 3 * maxCauses {
		h.attempted("old", styk.AttemptFailed, fmt.Sprint("Ошибка № ", i), time.Second)
	}
	h.attempted("old", styk.AttemptFailed, "Ошибка № 0", time.Second)
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, _ := io.ReadAll(w.Body)
	for _, line := range []string{
		`styk_delivery_attempts_total{cause="",outcome="done",target="crm"} 1`,
		`styk_delivery_attempts_total{cause="CRM не ответила.",outcome="retry",target="crm"} 2`,
		`styk_delivery_attempts_total{cause="Ошибка № 0",outcome="failed",target="old"} 2`,
		fmt.Sprintf(`styk_delivery_attempts_total{cause="other",outcome="failed",target="old"} %d`, 2*maxCauses+1),
		`styk_delivery_attempt_seconds_count{outcome="retry",target="crm"} 2`,
	} {
		if !strings.Contains(string(body), line+"\n") {
			t.Errorf("lacks %s", line)
		}
	}
}
