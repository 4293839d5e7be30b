package store

import "database/sql"

// rawPostgres opens an address without any of the store's own rules.
func rawPostgres(address string) (*sql.DB, error) { return sql.Open("pgx", address) }
