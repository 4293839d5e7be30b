package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"styk"
)

func init() { emptyPages["admin_home.html"] = adminHomePage{} }

// Each role's first page says how today goes and what waits for it, and no more.
func TestOverviewTellsTheDay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fill()
	for role, want := range map[styk.Role][]string{
		styk.RoleOwner:      {"Сегодня", "Заявки по дням", "Ждёт вас", "Открытых обращений"},
		styk.RoleOperator:   {"Сегодня", "Открытых обращений"},
		styk.RoleIntegrator: {"Сегодня", "Заявки по дням"},
		styk.RoleAuditor:    {"Сегодня", "Открытых обращений"},
	} {
		a := d.person(role).get("/admin/")
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d", role, a.status)
		}
		for _, text := range want {
			if !strings.Contains(a.body, text) {
				t.Errorf("%s does not see %q", role, text)
			}
		}
		if role == styk.RoleIntegrator && strings.Contains(a.body, "Открытых обращений") {
			t.Error("an integrator has no business with tickets")
		}
	}
}

func TestTodaySentence(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		lang                  string
		posts, moving, failed int64
		median                time.Duration
		want                  string
	}{
		{"ru", 48, 0, 0, 1800 * time.Millisecond, "Сегодня 48 заявок, всё доставлено. Обычно заявка доходит за 1,8 с."},
		{"ru", 1, 0, 2, 0, "Сегодня 1 заявка, 2 доставки ждут решения человека."},
		{"ru", 22, 3, 0, 0, "Сегодня 22 заявки, в пути 3."},
		{"ru", 0, 0, 0, 0, "Сегодня заявок ещё не было."},
		{"ru", 0, 0, 312, 0, "Сегодня заявок ещё не было, 312 доставок ждут решения человека."},
		{"en", 1, 0, 0, 2 * time.Second, "Today 1 request, all delivered. A request usually arrives in 2.0 s."},
	} {
		if got := todaySentence(row.lang, row.posts, row.moving, row.failed, row.median); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}
