-- Forms, the systems they go to, and what is on its way there.
-- {id} {text} {rowless} are the dialect's words, see dialect.go.

CREATE TABLE target (
    id {id},
    name {text} NOT NULL UNIQUE,
    kind {text} NOT NULL,
    parallel BIGINT NOT NULL CHECK (parallel >= 0),
    settings {text} NOT NULL,
    secrets {text} NOT NULL,
    sealed {text} NOT NULL,
    mapping {text} NOT NULL,
    disabled BIGINT NOT NULL CHECK (disabled IN (0, 1)),
    paused BIGINT NOT NULL,
    paused_why {text} NOT NULL,
    version BIGINT NOT NULL,
    alarmed BIGINT NOT NULL,
    warned BIGINT NOT NULL
);

CREATE TABLE form (
    name {text} PRIMARY KEY,
    definition {text} NOT NULL
){rowless};

CREATE TABLE number_line (
    month {text} PRIMARY KEY,
    drawn BIGINT NOT NULL
){rowless};

ALTER TABLE submission ADD COLUMN uuid {text} NOT NULL DEFAULT '';
ALTER TABLE submission ADD COLUMN ticket_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE submission ADD COLUMN title {text} NOT NULL DEFAULT '';
ALTER TABLE submission ADD COLUMN agent {text} NOT NULL DEFAULT '';
ALTER TABLE submission ADD COLUMN page {text} NOT NULL DEFAULT '';
ALTER TABLE submission ADD COLUMN fields {text} NOT NULL DEFAULT '';
ALTER TABLE submission ADD COLUMN consents {text} NOT NULL DEFAULT '';
ALTER TABLE submission ADD COLUMN suspicion BIGINT NOT NULL DEFAULT 0;
ALTER TABLE submission ADD COLUMN reasons {text} NOT NULL DEFAULT '';
CREATE INDEX submission_ticket ON submission (ticket_id) WHERE ticket_id <> 0;

-- Which field of the form a file came in.
ALTER TABLE submission_file ADD COLUMN field {text} NOT NULL DEFAULT '';

-- The states and their moves are drawn in docs/delivery.md. Rank 0 is a first
-- attempt that a visitor waits for, 1 all else. lease is empty but while leased.
CREATE TABLE delivery (
    id {id},
    uid {text} NOT NULL,
    target_id BIGINT NOT NULL REFERENCES target (id),
    subject {text} NOT NULL CHECK (subject IN ('ticket', 'card', 'upstream', 'notice')),
    about_id BIGINT NOT NULL,
    customer {text} NOT NULL,
    coalesce_key {text} NOT NULL,
    state {text} NOT NULL CHECK (state IN ('due', 'leased', 'done', 'failed')),
    rank BIGINT NOT NULL CHECK (rank IN (0, 1)),
    due_at BIGINT NOT NULL,
    since BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    rung BIGINT NOT NULL,
    lease {text} NOT NULL,
    lease_until BIGINT NOT NULL,
    number {text} NOT NULL,
    url {text} NOT NULL,
    cause {text} NOT NULL,
    content {text} NOT NULL,
    created BIGINT NOT NULL,
    finished BIGINT NOT NULL,
    CHECK ((state = 'leased') = (lease <> '')),
    CHECK ((state = 'leased') = (lease_until <> 0)),
    CHECK ((state IN ('done', 'failed')) = (finished <> 0))
);
CREATE INDEX delivery_due ON delivery (target_id, rank, due_at, id) WHERE state = 'due';
CREATE INDEX delivery_lease ON delivery (lease_until) WHERE state = 'leased';
CREATE INDEX delivery_failed ON delivery (target_id, id) WHERE state = 'failed';
CREATE INDEX delivery_about ON delivery (subject, about_id) WHERE about_id <> 0;
CREATE INDEX delivery_order ON delivery (target_id, customer, id) WHERE state <> 'done' AND customer <> '';
CREATE INDEX delivery_coalesce ON delivery (target_id, coalesce_key) WHERE state = 'due' AND coalesce_key <> '';
-- One at a time of each customer and target, whoever claims.
CREATE UNIQUE INDEX delivery_alone ON delivery (target_id, customer) WHERE state = 'leased' AND customer <> '';

CREATE TABLE step (
    delivery_id BIGINT NOT NULL REFERENCES delivery (id),
    name {text} NOT NULL,
    state {text} NOT NULL CHECK (state IN ('started', 'done')),
    foreign_id {text} NOT NULL,
    number {text} NOT NULL,
    url {text} NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    PRIMARY KEY (delivery_id, name)
){rowless};

CREATE TABLE attempt (
    delivery_id BIGINT NOT NULL REFERENCES delivery (id),
    number BIGINT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    outcome {text} NOT NULL CHECK (outcome IN ('done', 'retry', 'failed', 'stopped', 'interrupted', 'lost')),
    err {text} NOT NULL,
    cause {text} NOT NULL,
    warnings {text} NOT NULL,
    exchanges {text} NOT NULL,
    PRIMARY KEY (delivery_id, number)
);
CREATE INDEX attempt_ended ON attempt (ended) WHERE exchanges <> '';
