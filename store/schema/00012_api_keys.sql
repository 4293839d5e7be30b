-- Keys of the JSON API: of each only a keyed hash of its text.

CREATE TABLE api_key (
    id {id},
    name {text} NOT NULL UNIQUE,
    hash {text} NOT NULL UNIQUE,
    scopes {text} NOT NULL,
    networks {text} NOT NULL,
    user_id BIGINT NOT NULL,
    per_minute BIGINT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    revoked BIGINT NOT NULL
);
