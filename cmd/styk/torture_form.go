package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"time"

	"styk"
	"styk/store"
)

// tortureCustomers says how many people send that many forms: each several.
func tortureCustomers(submissions int) int { return max(1, submissions/2) }

func (t *torture) phone(n int) string {
	return fmt.Sprintf("+79%09d", 100_000_000+n%tortureCustomers(t.Submissions))
}

// filesOf are the files of one form: every one different, every seventh form
// with two, of some bytes to some hundred kilobytes.
func filesOf(n int) [][]byte {
	count := 1
	if n%7 == 0 {
		count = 2
	}
	files := make([][]byte, count)
	for i := range files {
		text := fmt.Sprintf("torture %d file %d", n, i)
		files[i] = append(placeholderPDF(text), bytes.Repeat([]byte("% "+text+"\n"), (n%11)*(n%13)*40)...)
	}
	return files
}

// send posts one form until it is accepted, always under its one key, whatever
// becomes of the server meanwhile.
func (t *torture) send(ctx context.Context, n int) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	customer := n % tortureCustomers(t.Submissions)
	for _, v := range [][2]string{
		{"topic", fmt.Sprint("Тема ", n)}, {"name", "Анна Иванова" + letters(customer)}, {"phone", t.phone(n)},
		{"message", fmt.Sprint("Сообщение ", n)},
	} {
		_ = form.WriteField(v[0], v[1]) // into memory
	}
	if customer%3 == 0 {
		_ = form.WriteField("company", fmt.Sprint("ООО «Ромашка ", customer, "»"))
	}
	for i, file := range filesOf(n) {
		part, err := form.CreateFormFile("file", fmt.Sprintf("Чек %d-%d.pdf", n, i))
		if err != nil {
			return err
		}
		_, _ = part.Write(file) // into memory
	}
	_ = form.Close()
	for try := 0; ; try++ {
		h := t.houses[(n+try)%len(t.houses)]
		number, err := t.post(ctx, h.address, fmt.Sprintf("torture-%d", n), form.FormDataContentType(), body.Bytes())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			t.numbers[n] = number
			t.accepted.Add(1)
			return nil
		case try > 2000:
			return fmt.Errorf("form %d is not taken: %w", n, err)
		}
		t.retries.Add(1)
		time.Sleep(20 * time.Millisecond)
	}
}

// post sends once and gives the number.
func (t *torture) post(ctx context.Context, address, key, kind string, body []byte) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/f/"+tortureForm, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Idempotency-Key", key)
	resp, err := t.client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct{ Number string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusCreated || answer.Number == "" {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	return answer.Number, nil
}

// verdict counts what does not agree.
type verdict struct{ lost, doubled int }

func (v *verdict) expect(found, want int) {
	v.lost += max(0, want-found)
	v.doubled += max(0, found-want)
}

// judge compares what was answered, what is stored and what the CRM holds.
func (t *torture) judge(ctx context.Context) error {
	stored, undone, err := t.stored(ctx)
	if err != nil {
		return err
	}
	body, err := t.get(ctx, "http://"+t.sim.address+"/_sim/state")
	if err != nil {
		return err
	}
	var state simHoldings
	if err := json.Unmarshal(body, &state); err != nil {
		return fmt.Errorf("the CRM's state: %w", err)
	}
	all := map[string]int{}
	for n, number := range t.numbers {
		all[number] = n
	}
	table := newSheet(t.sh.out, "WHAT", "WANT", "FOUND", "LOST", "DOUBLED")
	total := verdict{}
	note := func(what string, want, found int, v verdict) {
		total.lost, total.doubled = total.lost+v.lost, total.doubled+v.doubled
		table.row(what, fmt.Sprint(want), fmt.Sprint(found), fmt.Sprint(v.lost), fmt.Sprint(v.doubled))
	}
	v := verdict{}
	v.expect(len(all), t.Submissions) // two forms with one number
	note("accepted", t.Submissions, len(all), v)
	v = verdict{}
	v.expect(len(stored), t.Submissions)
	for number := range all {
		if stored[number] != 1 {
			v.expect(stored[number], 1)
		}
	}
	note("stored", t.Submissions, len(stored), v)
	t.compare(&state, all, note)
	if err := table.end(); err != nil {
		return err
	}
	fmt.Fprintf(t.sh.out, "%d kills, %d faults, %d posts sent again, %d delivered meanwhile, %d never, %v\nlost %d, doubled %d\n",
		t.killed.Load(), t.faults, t.retries.Load(), t.early, undone, time.Since(t.begin).Round(100*time.Millisecond), total.lost, total.doubled)
	if total.lost+total.doubled+undone > 0 {
		return exitError(exitFailed)
	}
	return nil
}

// simHoldings is what is looked at of the CRM.
type simHoldings struct {
	Entities map[string][]map[string]any
	Files    map[string]struct {
		Entity, Parent, SHA256 string
		Complete               bool
	}
}

// compare looks for each form's contact, case, message and files.
func (t *torture) compare(state *simHoldings, all map[string]int, note func(string, int, int, verdict)) {
	caseOf := map[string]int{} // case → submission
	cases := census{}
	for _, row := range state.Entities["Case"] {
		number, _ := row["UsrExternalId"].(string)
		cases[number]++
		if n, ours := all[number]; ours {
			id, _ := row["Id"].(string)
			caseOf[id] = n
		}
	}
	want := census{}
	for number := range all {
		want[number] = 1
	}
	note("cases", len(want), len(state.Entities["Case"]), want.against(cases))

	contacts, people := census{}, census{}
	for n := range t.numbers {
		people[t.phone(n)] = 1
	}
	for _, row := range state.Entities["Contact"] {
		if phone, _ := row["MobilePhone"].(string); phone != "" {
			contacts[phone]++
		}
	}
	note("contacts", len(people), len(contacts), people.against(contacts))

	messages, ones := census{}, census{}
	for id := range caseOf {
		ones[id] = 1
	}
	for _, row := range state.Entities["SocialMessage"] {
		about, _ := row["EntityId"].(string)
		messages[about]++
	}
	note("messages", len(t.numbers), len(state.Entities["SocialMessage"]), ones.against(messages))

	wanted, found := census{}, census{}
	for n := range t.numbers {
		for _, file := range filesOf(n) {
			sum := sha256.Sum256(file)
			wanted[fmt.Sprint(n, " ", hex.EncodeToString(sum[:]))] = 1
		}
	}
	for _, f := range state.Files {
		if n, ours := caseOf[f.Parent]; ours && f.Complete {
			found[fmt.Sprint(n, " ", f.SHA256)]++
		} else {
			found["stray"]++
		}
	}
	note("files", len(wanted), len(state.Files), wanted.against(found))
}

// census counts by name.
type census map[string]int

func (t census) against(found census) (v verdict) {
	for name, n := range t {
		v.expect(found[name], n)
	}
	for name, n := range found {
		if _, wanted := t[name]; !wanted {
			v.doubled += n
		}
	}
	return v
}

// stored counts the deliveries by the ticket's number, and those not done.
func (t *torture) stored(ctx context.Context) (numbers census, undone int, err error) {
	for _, h := range t.houses {
		h.child.kill()
	}
	numbers = census{}
	err = t.houses[0].open(ctx, func(in *house) error {
		return in.db.View(ctx, func(tx *store.Tx) error {
			filter := store.DeliveryFilter{Limit: 500}
			for {
				rows, err := tx.Deliveries(filter)
				if err != nil || len(rows) == 0 {
					return err
				}
				for _, r := range rows {
					numbers[r.TicketNumber]++
					if r.State != styk.Delivered {
						undone++
						fmt.Fprintf(t.sh.out, "not delivered: %s, %s %s\n", r.TicketNumber, r.State, r.Cause)
					}
				}
				filter.Before = rows[len(rows)-1].ID
			}
		})
	})
	return numbers, undone, err
}
