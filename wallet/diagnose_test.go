package wallet

import (
	"strings"
	"testing"
	"time"

	"styk"
)

func TestDiagnose(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	phone := func(change func(d *styk.CardDevice)) *styk.CardDevice {
		d := &styk.CardDevice{Device: "d", Platform: styk.OnApple, PushToken: "ab", Created: ago(72 * time.Hour), Seen: ago(72 * time.Hour)}
		if change != nil {
			change(d)
		}
		return d
	}
	pushed := func(at time.Duration) func(d *styk.CardDevice) {
		return func(d *styk.CardDevice) { d.Pushed, d.PushedRevision, d.Verdict = ago(at), 5, string(Pushed) }
	}
	tests := []struct {
		name        string
		device      *styk.CardDevice
		development bool
		deleted     bool
		tone        Tone   // of the sum
		says        string // anywhere
		steps       string
	}{
		{name: "just put in", device: phone(nil), tone: Good, says: "не менялась", steps: "registered pushed"},
		{name: "all went well", device: phone(func(d *styk.CardDevice) {
			pushed(time.Minute)(d)
			d.Asked, d.Fetched, d.FetchedRevision = ago(50*time.Second), ago(49*time.Second), 5
		}), tone: Good, says: "версию 5, она последняя", steps: "registered pushed asked fetched"},
		{name: "a deleted card that the phone knows", device: phone(func(d *styk.CardDevice) {
			pushed(time.Minute)(d)
			d.Asked, d.Fetched, d.FetchedRevision = ago(50*time.Second), ago(49*time.Second), 5
		}), deleted: true, tone: Good, says: "недействительной", steps: "registered pushed asked fetched"},
		{name: "no push token", device: phone(func(d *styk.CardDevice) { d.PushToken = "" }), tone: Bad, says: "не дал адреса", steps: "registered"},
		{name: "waiting for the burst to end", device: phone(func(d *styk.CardDevice) { d.PushDue = now.Add(time.Second) }), tone: Wait, says: "через пару секунд", steps: "registered pushed"},
		{name: "the queue stands", device: phone(func(d *styk.CardDevice) { d.PushDue = ago(10 * time.Minute) }), tone: Bad, says: "очередь стоит", steps: "registered pushed"},
		{name: "Apple is busy", device: phone(func(d *styk.CardDevice) {
			d.Verdict, d.Reason, d.PushTries, d.PushDue = string(Later), "TooManyRequests", 3, now.Add(5*time.Minute)
		}), tone: Wait, says: "Повтор через 5 мин", steps: "registered pushed"},
		{name: "no way out", device: phone(func(d *styk.CardDevice) { d.Verdict, d.PushTries, d.PushDue = string(Later), 1, now.Add(time.Minute) }),
			tone: Wait, says: "api.push.apple.com", steps: "registered pushed"},
		{name: "the wrong certificate", device: phone(func(d *styk.CardDevice) {
			d.Verdict, d.Reason, d.PushDue = string(Stopped), "TopicDisallowed", now.Add(time.Hour)
		}), tone: Bad, says: "не для этого Pass Type ID", steps: "registered pushed"},
		{name: "the development certificate", device: phone(func(d *styk.CardDevice) { d.Verdict, d.Reason = string(Stopped), "DevelopmentCertificate" }),
			development: true, tone: Bad, says: "учебным сертификатом", steps: "registered pushed"},
		{name: "the development certificate, unchanged", device: phone(nil), development: true, tone: Good, says: "учебным сертификатом", steps: "registered pushed"},
		{name: "a word of Apple's that nobody knows", device: phone(func(d *styk.CardDevice) { d.Verdict, d.Reason = string(Stopped), "SomethingNew" }),
			tone: Bad, says: "SomethingNew", steps: "registered pushed"},
		{name: "registered anew", device: phone(func(d *styk.CardDevice) { d.Verdict, d.Reason = string(Pruned), "Unregistered" }), tone: Wait, says: "назвался снова", steps: "registered pushed"},
		{name: "called a minute ago", device: phone(pushed(time.Minute)), tone: Wait, says: "ещё не отозвался", steps: "registered pushed asked"},
		{name: "silent for hours", device: phone(pushed(5 * time.Hour)), tone: Bad, says: "Автообновление", steps: "registered pushed asked"},
		{name: "silent for months", device: phone(pushed(60 * 24 * time.Hour)), tone: Bad, says: "больше месяца", steps: "registered pushed asked"},
		{name: "silent with an old version", device: phone(func(d *styk.CardDevice) {
			pushed(time.Minute)(d)
			d.Fetched, d.FetchedRevision, d.Asked = ago(time.Hour), 3, ago(time.Hour)
		}), tone: Wait, says: "версия 3 из 5", steps: "registered pushed asked fetched"},
		{name: "asked just now", device: phone(func(d *styk.CardDevice) { pushed(time.Minute)(d); d.Asked = ago(10 * time.Second) }),
			tone: Wait, says: "Ещё не скачал", steps: "registered pushed asked fetched"},
		{name: "asked and never fetched", device: phone(func(d *styk.CardDevice) { pushed(time.Hour)(d); d.Asked = ago(59 * time.Minute) }),
			tone: Bad, says: "ни разу", steps: "registered pushed asked fetched"},
		{name: "asked and stayed behind", device: phone(func(d *styk.CardDevice) {
			pushed(time.Hour)(d)
			d.Asked, d.Fetched, d.FetchedRevision = ago(59*time.Minute), ago(59*time.Minute), 4
		}), tone: Bad, says: "(304)", steps: "registered pushed asked fetched"},
		{name: "changed since the push", device: phone(func(d *styk.CardDevice) {
			pushed(time.Hour)(d)
			d.PushedRevision, d.PushDue = 4, now.Add(time.Second)
			d.Asked, d.Fetched, d.FetchedRevision = ago(59*time.Minute), ago(59*time.Minute), 4
		}), tone: Wait, says: "следующий в очереди", steps: "registered pushed asked fetched"},
		{name: "fetched without asking", device: phone(func(d *styk.CardDevice) { pushed(time.Hour)(d); d.Fetched, d.FetchedRevision = ago(time.Minute), 5 }),
			tone: Good, says: "она последняя", steps: "registered pushed fetched"},
		{name: "a web card", device: &styk.CardDevice{Platform: styk.OnWeb, Created: ago(time.Hour), Seen: ago(time.Hour)}, tone: Good, says: "Веб-карта", steps: "registered"},
		{name: "a web card that nobody opens", device: &styk.CardDevice{Platform: styk.OnWeb, Created: ago(9000 * time.Hour), Seen: ago(2000 * time.Hour)},
			tone: Wait, says: "давно не открывали", steps: "registered"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			card := &styk.Card{Revision: 5}
			if test.deleted {
				card.Deleted = ago(time.Hour)
			}
			list := Diagnose(card, test.device, now, test.development)
			if list[0].Step != StepState || list[0].Tone != test.tone {
				t.Errorf("got %s %s (%s), want %s", list[0].Step, list[0].Tone, list[0].Text, test.tone)
			}
			var all, steps []string
			for i, f := range list {
				if f.Text == "" || f.Words == "" || f.Tone == "" {
					t.Errorf("a finding says nothing: %+v", f)
				}
				all = append(all, f.Text)
				if i > 0 {
					steps = append(steps, string(f.Step))
				}
			}
			if text := strings.Join(all, "\n"); !strings.Contains(text, test.says) {
				t.Errorf("nothing says %q:\n%s", test.says, text)
			}
			if got := strings.Join(steps, " "); got != test.steps {
				t.Errorf("got the steps %s, want %s", got, test.steps)
			}
		})
	}
}

// TestDiagnoseExplainsReasons: each reason on which a push does not simply
// succeed is put into words, none is left blank.
func TestDiagnoseExplainsReasons(t *testing.T) {
	t.Parallel()
	for reason, r := range reasons {
		for _, text := range r {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s: no sentence: %q", reason, text)
			}
		}
	}
}
