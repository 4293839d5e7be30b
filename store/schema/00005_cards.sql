-- Loyalty cards, the phones that hold them, and who may call about them.
-- {id} {text} {rowless} are the dialect's words, see dialect.go.

-- tick is when the look last changed, on the one counter of changes: phones
-- that fetched before it fetch again.
CREATE TABLE card_template (
    id {text} PRIMARY KEY,
    name {text} NOT NULL,
    definition {text} NOT NULL,
    layout {text} NOT NULL,
    version BIGINT NOT NULL,
    tick BIGINT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
){rowless};

-- Pictures of a template: "logo" is what was uploaded, "logo@2x.png" what was
-- made of it. The bytes lie among the files, by their sum.
CREATE TABLE card_image (
    template_id {text} NOT NULL REFERENCES card_template (id),
    name {text} NOT NULL,
    sum {text} NOT NULL,
    size BIGINT NOT NULL,
    PRIMARY KEY (template_id, name)
){rowless};

-- shown is the second from which phones have this revision, handed the revision
-- of the pass that was last given out by the card's page.
CREATE TABLE card (
    id {id},
    number {text} NOT NULL,
    template_id {text} NOT NULL REFERENCES card_template (id),
    contact_id BIGINT NOT NULL,
    code {text} NOT NULL,
    content {text} NOT NULL,
    warnings {text} NOT NULL,
    revision BIGINT NOT NULL CHECK (revision > 0),
    shown BIGINT NOT NULL,
    handed BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    installed BIGINT NOT NULL,
    removed BIGINT NOT NULL,
    source {text} NOT NULL
);
CREATE UNIQUE INDEX card_number ON card (number);
CREATE INDEX card_template_order ON card (template_id, id) WHERE deleted = 0;
CREATE INDEX card_contact ON card (contact_id) WHERE contact_id <> 0;
CREATE INDEX card_code ON card (template_id, code) WHERE code <> '';

-- A unique variable's value, in normal form, names one living card of the
-- template: the key itself is the rule.
CREATE TABLE card_key (
    template_id {text} NOT NULL,
    variable {text} NOT NULL,
    key {text} NOT NULL,
    card_id BIGINT NOT NULL,
    PRIMARY KEY (template_id, variable, key)
){rowless};

-- What a card showed before and after, numbered by the one counter of changes.
-- A new card has no entry.
CREATE TABLE card_change (
    card_id BIGINT NOT NULL REFERENCES card (id),
    tick BIGINT NOT NULL,
    op {text} NOT NULL CHECK (op IN ('update', 'delete', 'erase')),
    at BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    origin {text} NOT NULL,
    changes {text} NOT NULL,
    PRIMARY KEY (card_id, tick)
){rowless};

-- A card on a phone: in Apple Wallet, or as an installed web card (no push
-- token). push_due is when the phone is to be told of a change, 0 for never;
-- pushed_revision the last it was told of. asked and fetched are its own calls.
CREATE TABLE card_device (
    card_id BIGINT NOT NULL REFERENCES card (id),
    device {text} NOT NULL,
    platform {text} NOT NULL CHECK (platform IN ('apple', 'web')),
    push_token {text} NOT NULL,
    agent {text} NOT NULL,
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    push_due BIGINT NOT NULL,
    push_tries BIGINT NOT NULL,
    pushed BIGINT NOT NULL,
    pushed_revision BIGINT NOT NULL,
    verdict {text} NOT NULL,
    reason {text} NOT NULL,
    asked BIGINT NOT NULL,
    fetched BIGINT NOT NULL,
    fetched_revision BIGINT NOT NULL,
    PRIMARY KEY (card_id, device)
){rowless};
CREATE INDEX card_device_device ON card_device (device);
CREATE INDEX card_device_push ON card_device (push_due) WHERE push_due <> 0;

-- What phones complain of, and pushes that went wrong, for the person who asks
-- why a card does not change.
CREATE TABLE card_log (
    id {id},
    at BIGINT NOT NULL,
    device {text} NOT NULL,
    text {text} NOT NULL
);

-- The certificate of a pass type with its key, as PEM, sealed.
CREATE TABLE card_certificate (
    pass_type {text} PRIMARY KEY,
    team {text} NOT NULL,
    sealed {text} NOT NULL,
    expires BIGINT NOT NULL,
    warned BIGINT NOT NULL,
    development BIGINT NOT NULL CHECK (development IN (0, 1)),
    created BIGINT NOT NULL
){rowless};

-- Keys of the card API, by keyed hash. templates is a list that narrows it.
CREATE TABLE api_token (
    id {id},
    name {text} NOT NULL UNIQUE,
    hash {text} NOT NULL UNIQUE,
    user_id BIGINT NOT NULL,
    templates {text} NOT NULL,
    always_200 BIGINT NOT NULL CHECK (always_200 IN (0, 1)),
    per_minute BIGINT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    disabled BIGINT NOT NULL CHECK (disabled IN (0, 1))
);
