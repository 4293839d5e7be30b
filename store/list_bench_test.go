package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/store/storetest"
)

// The base of the list benchmarks: n contacts, n tickets of their forms and n
// deliveries, most of them long delivered. Rows are written by the engine itself:
// a million in minutes.
var listSeed = []string{
	`INSERT INTO entity (id, kind) SELECT n, 'contact' FROM numbers`,
	`INSERT INTO contact (id, owner_id, created, modified, modified_by, source, deleted, warnings, extra, first_name, second_name,
		last_name, mobile, phone, email, telegram_id, birthday, birthplace, address, inn, requisites, account_id, title, text)
	SELECT n, 0, $at + n * 1000, $at + n * 1000, 0, 'WEBSERVICE', 0, '', '{}', first, '', last, '+7' || digits, '', 'c' || n || '@firm.ru',
		'', '', '', '', '', '', 0, '', '' FROM people`,
	`INSERT INTO search (token, kind, record_id) SELECT lower, 'contact', n FROM tokens WHERE lower <> ''`,
	`INSERT INTO search (token, kind, record_id) SELECT flower, 'contact', n FROM tokens`,
	`INSERT INTO search (token, kind, record_id) SELECT '7' || digits, 'contact', n FROM people`,
	`INSERT INTO search (token, kind, record_id) SELECT '<' || backward || '7', 'contact', n FROM people`,
	`INSERT INTO search (token, kind, record_id) SELECT 'c' || n || '@firm.ru', 'contact', n FROM people`,
	`INSERT INTO entity (id, kind) SELECT $n + n, 'ticket' FROM numbers`,
	`INSERT INTO ticket (id, owner_id, created, modified, modified_by, source, deleted, warnings, extra, number, title, status, priority,
		severity, category, contact_id, account_id, text, solution)
	SELECT $n + n, 0, $at + n * 1000, $at + n * 1000, 0, 'FORM', 0, '', '{}', '2611-' || n || '-0', 'Касса не печатает чек',
		CASE WHEN n % 50 = 0 THEN 'Open' ELSE 'Closed' END, 'Normal', '', '', n, 0, '', '' FROM numbers`,
	`INSERT INTO search (token, kind, record_id) SELECT word, 'ticket', $n + n FROM numbers CROSS JOIN words`,
	`INSERT INTO search (token, kind, record_id) SELECT '2611' || n || '0', 'ticket', $n + n FROM numbers`,
	`INSERT INTO submission (id, form, contact_id, created, address, content, uuid, ticket_id, title, fields, consents)
	SELECT n, 'feedback', n, $at + n * 1000, '10.0.0.1', '', 'u' || n, $n + n, 'Обратная связь', '[]', '[]' FROM numbers`,
	`INSERT INTO delivery (id, uid, target_id, subject, about_id, customer, coalesce_key, state, rank, due_at, since, attempts, rung, lease,
		lease_until, number, url, cause, content, created, finished)
	SELECT n, 'd' || n, 1 + n % 2, 'ticket', n, 'contact:' || n, '', CASE WHEN n % 1000 = 7 THEN 'failed' WHEN n % 1000 = 8 THEN 'due' ELSE 'done' END,
		1, $at, $at, 1, 1, '', 0, 'SR-' || n, '', CASE WHEN n % 1000 = 7 THEN 'Причина ' || (n % 7) ELSE '' END, '', $at + n * 1000,
		CASE WHEN n % 1000 = 8 THEN 0 ELSE $at + n * 1000 + 500 END FROM numbers`,
}

// moreSeed are the rows of cards and files, n of each.
var moreSeed = []string{
	`INSERT INTO card_template (id, name, definition, layout, version, tick, created, changed) SELECT 't', 'Бонусы', '{}', '{}', 1, 0, 0, 0 FROM numbers WHERE n = 1`,
	`INSERT INTO card (id, number, template_id, contact_id, code, content, warnings, revision, shown, handed, created, modified, deleted,
		installed, removed, source)
	SELECT n, substr('000000000000000000000000' || n, length(CAST(n AS TEXT)) + 1), 't', n, '29' || (10000000000 + n), '{}', '', 1, 0, 0, $at + n, $at + n,
		CASE WHEN n % 500 = 3 THEN $at ELSE 0 END, CASE WHEN n < $n / 2 THEN $at ELSE 0 END, 0, 'API' FROM numbers`,
	`INSERT INTO search (token, kind, record_id) SELECT '29' || (10000000000 + n), 'card', n FROM numbers`,
	`INSERT INTO entity (id, kind) SELECT 2 * $n + n, 'document' FROM numbers`,
	`INSERT INTO document (id, owner_id, created, modified, modified_by, source, deleted, warnings, extra, title, file_name, path, type, size,
		sum, version, placeholder, external, hidden, text, folder_id, disk_size, disk_time)
	SELECT 2 * $n + n, 0, $at + n * 1000, $at + n * 1000, 0, 'FORM', 0, '', '{}', 'Акт ' || n, 'Акт сверки ' || n || '.pdf',
		'storage/2026/May/week1/' || n || '.pdf', 'application/pdf', 1000, 'sum' || n, 1, CASE WHEN n % 1000 = 5 THEN 1 ELSE 0 END, 0, 0, '', 0, 0, 0 FROM numbers`,
	`INSERT INTO search (token, kind, record_id) SELECT word, 'document', 2 * $n + n FROM numbers CROSS JOIN fileWords`,
	`INSERT INTO search (token, kind, record_id) SELECT CAST(n AS TEXT), 'document', 2 * $n + n FROM numbers`,
	`INSERT INTO relation (record_id, other_id, created) SELECT n, 2 * $n + n, $at FROM numbers`,
	`INSERT INTO submission_file (submission_id, document_id, field, checked, refused) SELECT n, 2 * $n + n, 'file', $at,
		CASE WHEN n % 2000 = 9 THEN 'Eicar' ELSE '' END FROM numbers`,
}

// seedLists fills an empty database.
func seedLists(tb testing.TB, db *DB, n int) {
	tb.Helper()
	for _, name := range []string{"crm", "hook"} {
		mustTB(tb, db.Update(context.Background(), func(tx *Tx) error {
			_, err := tx.SaveTarget(&styk.Target{Name: name, Kind: "webhook"}, nil)
			return err
		}))
	}
	seedRows(tb, db, n, listSeed)
}

func seedRows(tb testing.TB, db *DB, n int, texts []string) {
	tb.Helper()
	with := fmt.Sprintf(`WITH RECURSIVE numbers(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < %d),
		people AS (SELECT n, CAST(9000000000 + n * 7919 %% 999999937 AS TEXT) AS digits,
			CASE n %% 8 WHEN 0 THEN 'Василий' WHEN 1 THEN 'Пётр' WHEN 2 THEN 'Анна' WHEN 3 THEN 'Мария' WHEN 4 THEN 'Иван' WHEN 5 THEN 'Ольга' WHEN 6 THEN 'Семён' ELSE 'Юлия' END AS first,
			CASE n %% 6 WHEN 0 THEN 'Пупкинидзе' WHEN 1 THEN 'Иванова' WHEN 2 THEN 'Сидоров' WHEN 3 THEN 'Кузнецова' WHEN 4 THEN 'Соловьёв' ELSE 'Щербакова' END || (n / 100) AS last,
			'' AS backward FROM numbers),
		tokens AS (SELECT n, fold(last) AS lower, fold(first) AS flower FROM people),
		words(word) AS (VALUES ('касса'), ('не'), ('печатает'), ('чек')), fileWords(word) AS (VALUES ('акт'), ('сверки'), ('pdf')) `, n)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	backward := "''"
	for i := 10; i >= 1; i-- {
		backward += fmt.Sprintf(" || substr(digits, %d, 1)", i)
	}
	for _, text := range texts {
		text = strings.NewReplacer("$at", fmt.Sprint(at), "$n", fmt.Sprint(n), "backward", "("+backward+")").Replace(text)
		before, rest, _ := strings.Cut(text, "SELECT")
		mustTB(tb, db.Update(context.Background(), func(tx *Tx) error {
			return tx.exec(before + " " + with + " SELECT" + rest)
		}))
	}
}

func mustTB(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// listBase opens the base: STYK_BENCH_BASE names a SQLite file or a postgres://
// address that keeps it from run to run.
func listBase(b *testing.B) (*DB, int) {
	n, database := benchRows(), os.Getenv("STYK_BENCH_BASE")
	switch database {
	case "":
		database = filepath.Join(b.TempDir(), "styk.db")
	case "postgres":
		database = storetest.Postgres(b)
	}
	db, err := Open(b.Context(), Options{Database: database, Key: testKey})
	mustTB(b, err)
	b.Cleanup(func() { mustTB(b, db.Close()) })
	var have int64
	mustTB(b, db.View(b.Context(), func(tx *Tx) error { return tx.row(`SELECT count(*) FROM target`).Scan(&have) }))
	if have == 0 {
		seedLists(b, db, n)
	}
	mustTB(b, db.View(b.Context(), func(tx *Tx) error { return tx.row(`SELECT count(*) FROM card_template`).Scan(&have) }))
	if have == 0 {
		seedRows(b, db, n, moreSeed)
		mustTB(b, db.Update(b.Context(), func(tx *Tx) error { return tx.exec(`ANALYZE`) })) // as both engines do by themselves in time
	}
	return db, n
}

// BenchmarkLists measures what the people's lists cost at STYK_BENCH_ROWS
// contacts, tickets and deliveries each, p95 beside the mean:
//
//	STYK_BENCH_ROWS=1000000 go test ./store -run xxx -bench Lists
func BenchmarkLists(b *testing.B) {
	db, n := listBase(b)
	yes, no := true, false
	everything := Scope{Customers: true, Tickets: true, Files: true, Cards: true, Deliveries: true, Calls: true, Limit: 6}
	lists := []struct {
		name string
		read func(tx *Tx) (any, error)
	}{
		{"tickets", func(tx *Tx) (any, error) { return tx.Tickets(TicketFilter{}) }},
		{"tickets open", func(tx *Tx) (any, error) { return tx.Tickets(TicketFilter{Open: true}) }},
		{"tickets failed", func(tx *Tx) (any, error) { return tx.Tickets(TicketFilter{State: styk.NeedsHand}) }},
		{"tickets delivered", func(tx *Tx) (any, error) { return tx.Tickets(TicketFilter{State: styk.Delivered}) }},
		{"tickets by tail", func(tx *Tx) (any, error) { return tx.Tickets(TicketFilter{Query: "7919"}) }},
		{"tickets by common word", func(tx *Tx) (any, error) { return tx.Tickets(TicketFilter{Query: "касса"}) }},
		{"deliveries", func(tx *Tx) (any, error) { return tx.Deliveries(DeliveryFilter{}) }},
		{"deliveries failed", func(tx *Tx) (any, error) { return tx.Deliveries(DeliveryFilter{State: styk.NeedsHand}) }},
		{"deliveries due", func(tx *Tx) (any, error) { return tx.Deliveries(DeliveryFilter{State: styk.Due}) }},
		{"deliveries done of one target", func(tx *Tx) (any, error) {
			return tx.Deliveries(DeliveryFilter{State: styk.Delivered, Target: 2})
		}},
		{"deliveries of a cause", func(tx *Tx) (any, error) {
			return tx.Deliveries(DeliveryFilter{State: styk.NeedsHand, Cause: "Причина 3"})
		}},
		{"causes", func(tx *Tx) (any, error) { return tx.FailedByCause() }},
		{"queues", func(tx *Tx) (any, error) { return tx.QueueStates() }},
		{"search a tail", func(tx *Tx) (any, error) { return tx.Search("7919", nil, 20) }},
		{"search a name", func(tx *Tx) (any, error) { return tx.Search("Иван", nil, 20) }},
		{"search two names", func(tx *Tx) (any, error) { return tx.Search("пётр иванова", nil, 20) }},
		{"search common words", func(tx *Tx) (any, error) { return tx.Search("касса чек", nil, 20) }},
		{"search one letter", func(tx *Tx) (any, error) { return tx.Search("и", nil, 20) }},
		{"search nothing", func(tx *Tx) (any, error) { return tx.Search("иванова чек", nil, 20) }},
		{"everything by a tail", func(tx *Tx) (any, error) { return tx.FindAll("7919", everything) }},
		{"everything by a name", func(tx *Tx) (any, error) { return tx.FindAll("семен соловьев", everything) }},
		{"everything by common words", func(tx *Tx) (any, error) { return tx.FindAll("касса чек", everything) }},
		{"everything by a common word", func(tx *Tx) (any, error) { return tx.FindAll("акт", everything) }},
		{"everything by one letter", func(tx *Tx) (any, error) { return tx.FindAll("и", everything) }},
		{"everything by words of two", func(tx *Tx) (any, error) { return tx.FindAll("иванова чек", everything) }},
		{"everything by a number over there", func(tx *Tx) (any, error) { return tx.FindAll(fmt.Sprint("SR ", n/3), everything) }},
		{"everything by a ticket's number", func(tx *Tx) (any, error) { return tx.FindAll(fmt.Sprintf("2611 %d 0", n/3), everything) }},
		{"everything by a barcode", func(tx *Tx) (any, error) { return tx.FindAll(fmt.Sprint("29", 10000000000+n/3), everything) }},
		{"cards", func(tx *Tx) (any, error) { return tx.Cards(CardQuery{Limit: 41}) }},
		{"cards deleted", func(tx *Tx) (any, error) { return tx.Cards(CardQuery{Limit: 41, Deleted: true}) }},
		{"cards on phones", func(tx *Tx) (any, error) { return tx.Cards(CardQuery{Limit: 41, Installed: &yes}) }},
		{"cards not installed", func(tx *Tx) (any, error) { return tx.Cards(CardQuery{Limit: 41, Installed: &no}) }},
		{"cards of a template on phones", func(tx *Tx) (any, error) {
			return tx.Cards(CardQuery{Limit: 41, Installed: &yes, Template: "t"})
		}},
		{"files", func(tx *Tx) (any, error) { return tx.Files(FileFilter{Limit: 41}) }},
		{"files waited for", func(tx *Tx) (any, error) { return tx.Files(FileFilter{Waiting: true, Limit: 41}) }},
		{"files refused", func(tx *Tx) (any, error) { return tx.Files(FileFilter{Refused: true, Limit: 41}) }},
		{"files found", func(tx *Tx) (any, error) { return tx.Files(FileFilter{Query: "акт сверки", Limit: 41}) }},
		{"posts of a form", func(tx *Tx) (any, error) { return tx.PostsOf("feedback", 40) }},
		{"calls", func(tx *Tx) (any, error) { return tx.Calls(CallFilter{Limit: 41}) }},
		{"customers", func(tx *Tx) (any, error) { return tx.Customers(CustomerFilter{Limit: 41}) }},
		{"customers by a tail", func(tx *Tx) (any, error) { return tx.Customers(CustomerFilter{Query: "7919", Limit: 41}) }},
		{"customers flagged", func(tx *Tx) (any, error) { return tx.Customers(CustomerFilter{Flagged: true, Limit: 41}) }},
		{"search a number", func(tx *Tx) (any, error) { return tx.Search(fmt.Sprintf("2611-%d", n/2), nil, 20) }},
	}
	for _, l := range lists {
		b.Run(l.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				mustTB(b, db.View(b.Context(), func(tx *Tx) error {
					_, err := l.read(tx)
					return err
				}))
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}
