// Package storetest gives tests of other packages a real PostgreSQL to open a
// store on.
package storetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

var nth atomic.Int64

// Postgres makes a fresh schema on the server named by STYK_TEST_POSTGRES and
// gives an address that works in it; the schema goes with the test. Without
// the variable the test is skipped, under CI it fails.
func Postgres(t testing.TB) string {
	t.Helper()
	address := os.Getenv("STYK_TEST_POSTGRES")
	if address == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("STYK_TEST_POSTGRES is not set")
		}
		t.Skip("SKIPPED: no PostgreSQL, set STYK_TEST_POSTGRES")
	}
	schema := fmt.Sprintf("styk_%d_%d", os.Getpid(), nth.Add(1))
	run(t, address, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { run(t, address, "DROP SCHEMA "+schema+" CASCADE") })
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func run(t testing.TB, address, text string) {
	t.Helper()
	ctx := context.Background() // the test's own has ended when cleanups run
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, text); err != nil {
		t.Error(err)
	}
}
