package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed schema/*.sql
var schema embed.FS

// ErrNewer: a later release has written this database or dump.
var ErrNewer = errors.New("a newer styk wrote this")

// migrate brings the schema up to date, once even when several processes start
// at the same moment. Migrations go forward only.
func migrate(ctx context.Context, db *DB, pool *sql.DB) error {
	return migrateTo(ctx, db, pool, newest)
}

// newest stands for the last schema version that this release knows.
const newest = 1 << 62

// migrateTo goes forward to a version and no further.
func migrateTo(ctx context.Context, db *DB, pool *sql.DB, version int64) error {
	migrations, err := goMigrations(db.d)
	if err != nil {
		return err
	}
	migrations = slices.DeleteFunc(migrations, func(m *goose.Migration) bool { return m.Version > version })
	dialect, opts := goose.DialectSQLite3, []goose.ProviderOption{
		goose.WithGoMigrations(migrations...),
		goose.WithDisableGlobalRegistry(true),
		goose.WithTableName("schema_version"),
	}
	if db.d.name == postgresDialect.name {
		dialect, opts = goose.DialectPostgres, append(opts, goose.WithSessionLocker(inTurn{}))
	}
	provider, err := goose.NewProvider(dialect, pool, nil, opts...)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := forward(ctx, provider); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// forward runs what is pending. On SQLite no lock stands around it all: who
// comes too late for a step fails in it, looks again and finds it done.
func forward(ctx context.Context, provider *goose.Provider) error {
	for last := int64(-1); ; {
		_, failed := provider.Up(ctx)
		now, newest, err := provider.GetVersions(ctx)
		switch {
		case err != nil:
			return errors.Join(failed, err)
		case now > newest:
			return fmt.Errorf("%w: schema %d, known here are %d", ErrNewer, now, newest)
		case failed == nil:
			return nil
		case now == last:
			return failed
		}
		last = now
	}
}

// inTurn lets processes on one schema of a PostgreSQL database migrate one
// after the other. It implements lock.SessionLocker.
type inTurn struct{}

const migrationLock = `(hashtext('styk migrations of ' || coalesce(current_schema(), ''))::bigint)`

// SessionLock waits for its turn.
func (inTurn) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock"+migrationLock)
	return err
}

// SessionUnlock lets the next one in.
func (inTurn) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock"+migrationLock)
	return err
}

// goMigrations makes one migration of each schema file, its words replaced by
// the dialect's.
func goMigrations(d dialect) ([]*goose.Migration, error) {
	names, err := fs.Glob(schema, "schema/*.sql")
	if err != nil {
		return nil, err
	}
	var list []*goose.Migration
	for i, name := range names {
		text, err := schema.ReadFile(name)
		if err != nil {
			return nil, err
		}
		digits, _, _ := strings.Cut(strings.TrimPrefix(name, "schema/"), "_")
		version, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("schema file %s has no number: %w", name, err)
		}
		statements := split(d.words.Replace(string(text)))
		if i == 0 {
			statements = append(append([]string{}, d.prologue...), statements...)
		}
		up := func(ctx context.Context, tx *sql.Tx) error {
			for _, s := range statements {
				if _, err := tx.ExecContext(ctx, s); err != nil {
					return fmt.Errorf("%w in %.60q", err, s)
				}
			}
			return nil
		}
		list = append(list, goose.NewGoMigration(version, &goose.GoFunc{RunTx: up}, nil))
	}
	return list, nil
}

// split cuts a schema file into statements at line-ending semicolons.
func split(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "--") {
			lines = append(lines, strings.TrimRight(line, " \n"))
		}
	}
	var list []string
	for _, s := range strings.Split(strings.Join(lines, "\n")+"\n", ";\n") {
		if s = strings.TrimSpace(s); s != "" {
			list = append(list, s)
		}
	}
	return list
}
