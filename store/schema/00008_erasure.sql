-- Who was erased, and which customers were found to be one.
-- {id} {text} {rowless} are the dialect's words, see dialect.go.

-- Numbers only. finished 0: it was cut and goes on. counts is JSON, how many of
-- what were emptied.
CREATE TABLE erasure (
    id {id},
    record_id BIGINT NOT NULL UNIQUE,
    user_id BIGINT NOT NULL,
    begun BIGINT NOT NULL,
    finished BIGINT NOT NULL,
    counts {text} NOT NULL
);

-- A customer who turned out to be another one, and what went over to that one:
-- JSON of numbers by table, so that it can go back.
CREATE TABLE merged (
    record_id BIGINT PRIMARY KEY,
    winner_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    tick BIGINT NOT NULL,
    moved {text} NOT NULL
);
CREATE INDEX merged_winner ON merged (winner_id);

-- Customers with something odd, for the list of possible doubles.
CREATE INDEX contact_warned ON contact (id) WHERE warnings <> '' AND deleted = 0;
