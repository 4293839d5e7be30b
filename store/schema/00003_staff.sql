-- The people who work here: how they log in, and what they did.
-- {id} {text} {rowless} are the dialect's words, see dialect.go.

CREATE TABLE staff_password (
    user_id BIGINT PRIMARY KEY REFERENCES app_user (id),
    sealed {text} NOT NULL,
    changed BIGINT NOT NULL
);

-- A link that sets a password once. User 0: it makes the first owner.
CREATE TABLE staff_link (
    hash {text} PRIMARY KEY,
    user_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    until BIGINT NOT NULL
){rowless};

CREATE TABLE staff_session (
    id {id},
    hash {text} NOT NULL UNIQUE,
    user_id BIGINT NOT NULL REFERENCES app_user (id),
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    address {text} NOT NULL,
    agent {text} NOT NULL
);
CREATE INDEX staff_session_user ON staff_session (user_id);

-- Who did what: numbers only, nothing personal.
CREATE TABLE audit (
    id {id},
    at BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    action {text} NOT NULL,
    about_id BIGINT NOT NULL,
    amount BIGINT NOT NULL
);

-- The list of open requests does not walk over all closed ones.
CREATE INDEX ticket_open ON ticket (id) WHERE status <> 'Closed' AND deleted = 0;
