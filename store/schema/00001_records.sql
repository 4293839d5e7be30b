-- The records, on one number line, and what hangs on them.
-- {id} {text} {rowless} are the dialect's words, see dialect.go.

CREATE TABLE meta (
    name {text} PRIMARY KEY,
    value {text} NOT NULL
){rowless};

CREATE TABLE tick (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    n BIGINT NOT NULL
);
INSERT INTO tick (one, n) VALUES (1, 0);

CREATE TABLE entity (
    id {id},
    kind {text} NOT NULL CHECK (kind IN ('contact', 'account', 'project', 'ticket', 'document', 'comment', 'user'))
);

CREATE TABLE contact (
    id BIGINT PRIMARY KEY REFERENCES entity (id),
    owner_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    modified_by BIGINT NOT NULL,
    source {text} NOT NULL,
    deleted BIGINT NOT NULL,
    warnings {text} NOT NULL,
    extra {text} NOT NULL,
    first_name {text} NOT NULL,
    second_name {text} NOT NULL,
    last_name {text} NOT NULL,
    mobile {text} NOT NULL,
    phone {text} NOT NULL,
    email {text} NOT NULL,
    telegram_id {text} NOT NULL,
    birthday {text} NOT NULL,
    birthplace {text} NOT NULL,
    address {text} NOT NULL,
    inn {text} NOT NULL,
    requisites {text} NOT NULL,
    account_id BIGINT NOT NULL,
    title {text} NOT NULL,
    text {text} NOT NULL
);
CREATE INDEX contact_account ON contact (account_id) WHERE account_id <> 0;

CREATE TABLE account (
    id BIGINT PRIMARY KEY REFERENCES entity (id),
    owner_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    modified_by BIGINT NOT NULL,
    source {text} NOT NULL,
    deleted BIGINT NOT NULL,
    warnings {text} NOT NULL,
    extra {text} NOT NULL,
    name {text} NOT NULL,
    address {text} NOT NULL,
    email {text} NOT NULL,
    website {text} NOT NULL,
    phone {text} NOT NULL,
    inn {text} NOT NULL,
    ogrn {text} NOT NULL,
    kpp {text} NOT NULL,
    text {text} NOT NULL
);

CREATE TABLE project (
    id BIGINT PRIMARY KEY REFERENCES entity (id),
    owner_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    modified_by BIGINT NOT NULL,
    source {text} NOT NULL,
    deleted BIGINT NOT NULL,
    warnings {text} NOT NULL,
    extra {text} NOT NULL,
    name {text} NOT NULL,
    contact_id BIGINT NOT NULL,
    offender_id BIGINT NOT NULL,
    agent_id BIGINT NOT NULL,
    ip {text} NOT NULL,
    region {text} NOT NULL,
    form_id {text} NOT NULL,
    category {text} NOT NULL,
    direction {text} NOT NULL,
    agr_price BIGINT,
    subject {text} NOT NULL,
    agr_date {text} NOT NULL,
    start_date {text} NOT NULL,
    finish_date {text} NOT NULL,
    loss BIGINT,
    service_cost BIGINT,
    progress {text} NOT NULL,
    country {text} NOT NULL,
    hotel {text} NOT NULL,
    transport {text} NOT NULL CHECK (transport IN ('', 'да', 'нет')),
    insurance {text} NOT NULL CHECK (insurance IN ('', 'да', 'нет')),
    other {text} NOT NULL,
    text {text} NOT NULL,
    independent {text} NOT NULL CHECK (independent IN ('', 'да', 'нет')),
    claim_date {text} NOT NULL,
    returned BIGINT,
    status {text} NOT NULL,
    project_type {text} NOT NULL,
    target_end {text} NOT NULL,
    actual_end {text} NOT NULL,
    target_budget {text} NOT NULL
);
CREATE INDEX project_contact ON project (contact_id) WHERE contact_id <> 0;
CREATE INDEX project_offender ON project (offender_id) WHERE offender_id <> 0;
CREATE INDEX project_agent ON project (agent_id) WHERE agent_id <> 0;

CREATE TABLE ticket (
    id BIGINT PRIMARY KEY REFERENCES entity (id),
    owner_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    modified_by BIGINT NOT NULL,
    source {text} NOT NULL,
    deleted BIGINT NOT NULL,
    warnings {text} NOT NULL,
    extra {text} NOT NULL,
    number {text} NOT NULL,
    title {text} NOT NULL,
    status {text} NOT NULL,
    priority {text} NOT NULL,
    severity {text} NOT NULL,
    category {text} NOT NULL,
    contact_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    text {text} NOT NULL,
    solution {text} NOT NULL
);
CREATE INDEX ticket_contact ON ticket (contact_id) WHERE contact_id <> 0;
CREATE INDEX ticket_account ON ticket (account_id) WHERE account_id <> 0;
CREATE UNIQUE INDEX ticket_number ON ticket (number) WHERE number <> '';

CREATE TABLE document (
    id BIGINT PRIMARY KEY REFERENCES entity (id),
    owner_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    modified_by BIGINT NOT NULL,
    source {text} NOT NULL,
    deleted BIGINT NOT NULL,
    warnings {text} NOT NULL,
    extra {text} NOT NULL,
    title {text} NOT NULL,
    file_name {text} NOT NULL,
    path {text} NOT NULL,
    type {text} NOT NULL,
    size BIGINT NOT NULL,
    sum {text} NOT NULL,
    version BIGINT NOT NULL,
    placeholder BIGINT NOT NULL CHECK (placeholder IN (0, 1)),
    external BIGINT NOT NULL CHECK (external IN (0, 1)),
    hidden BIGINT NOT NULL CHECK (hidden IN (0, 1)),
    text {text} NOT NULL,
    folder_id BIGINT NOT NULL,
    disk_size BIGINT NOT NULL,
    disk_time BIGINT NOT NULL
);
CREATE UNIQUE INDEX document_path ON document (path) WHERE path <> '';

CREATE TABLE document_version (
    document_id BIGINT NOT NULL REFERENCES document (id),
    version BIGINT NOT NULL,
    sum {text} NOT NULL,
    size BIGINT NOT NULL,
    type {text} NOT NULL,
    created BIGINT NOT NULL,
    created_by BIGINT NOT NULL,
    origin {text} NOT NULL,
    PRIMARY KEY (document_id, version)
){rowless};
CREATE INDEX document_version_sum ON document_version (sum);

CREATE TABLE comment (
    id BIGINT PRIMARY KEY REFERENCES entity (id),
    owner_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    modified_by BIGINT NOT NULL,
    source {text} NOT NULL,
    deleted BIGINT NOT NULL,
    warnings {text} NOT NULL,
    extra {text} NOT NULL,
    text {text} NOT NULL,
    related_id BIGINT NOT NULL,
    parent_id BIGINT NOT NULL
);
CREATE INDEX comment_related ON comment (related_id);

CREATE TABLE app_user (
    id BIGINT PRIMARY KEY REFERENCES entity (id),
    name {text} NOT NULL,
    folded {text} NOT NULL UNIQUE,
    first_name {text} NOT NULL,
    last_name {text} NOT NULL,
    email {text} NOT NULL,
    role {text} NOT NULL CHECK (role IN ('api', 'operator', 'integrator', 'admin', 'owner', 'auditor')),
    access_key {text} NOT NULL,
    operations {text} NOT NULL,
    networks {text} NOT NULL,
    modules {text} NOT NULL,
    reuse_challenge BIGINT NOT NULL CHECK (reuse_challenge IN (0, 1)),
    disabled BIGINT NOT NULL CHECK (disabled IN (0, 1)),
    created BIGINT NOT NULL
);

-- Whom a phone, ИНН or e-mail names. Record 0 is taken but not yet made.
CREATE TABLE match_key (
    kind {text} NOT NULL,
    key {text} NOT NULL,
    record_id BIGINT NOT NULL,
    PRIMARY KEY (kind, key)
){rowless};

CREATE TABLE search (
    token {text} NOT NULL,
    kind {text} NOT NULL,
    record_id BIGINT NOT NULL,
    PRIMARY KEY (token, kind, record_id)
){rowless};

-- Every change, in the order in which it was committed: the record's history
-- and the feed of what is new.
CREATE TABLE history (
    tick BIGINT PRIMARY KEY,
    record_id BIGINT NOT NULL,
    kind {text} NOT NULL,
    op {text} NOT NULL CHECK (op IN ('create', 'update', 'delete', 'undelete', 'link', 'unlink', 'erase')),
    at BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    origin {text} NOT NULL,
    changes {text} NOT NULL
);
CREATE INDEX history_record ON history (record_id, tick);
CREATE INDEX history_at ON history (at);

CREATE TABLE relation (
    record_id BIGINT NOT NULL,
    other_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (record_id, other_id)
){rowless};
CREATE INDEX relation_other ON relation (other_id, record_id);

-- ИНН and SMS code pairs; the code is a keyed hash.
CREATE TABLE sms_code (
    inn {text} NOT NULL,
    hash {text} NOT NULL,
    contact_id BIGINT NOT NULL,
    submission_id BIGINT NOT NULL,
    verified BIGINT NOT NULL CHECK (verified IN (0, 1)),
    created BIGINT NOT NULL,
    PRIMARY KEY (inn, hash, contact_id, submission_id)
){rowless};
CREATE INDEX sms_code_contact ON sms_code (contact_id);

CREATE TABLE webform (
    publicid {text} PRIMARY KEY,
    name {text} NOT NULL,
    definition {text} NOT NULL
){rowless};

-- One post of a public form, as it was accepted.
CREATE TABLE submission (
    id {id},
    form {text} NOT NULL,
    contact_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    address {text} NOT NULL,
    content {text} NOT NULL
);
CREATE INDEX submission_contact ON submission (contact_id);

CREATE TABLE submission_file (
    submission_id BIGINT NOT NULL REFERENCES submission (id),
    document_id BIGINT NOT NULL REFERENCES document (id),
    PRIMARY KEY (submission_id, document_id)
){rowless};
CREATE INDEX submission_file_document ON submission_file (document_id);

-- A value that a public form brought and that differs from the customer's own.
CREATE TABLE suggestion (
    id {id},
    record_id BIGINT NOT NULL,
    field {text} NOT NULL,
    value {text} NOT NULL,
    submission_id BIGINT NOT NULL,
    state {text} NOT NULL CHECK (state IN ('open', 'accepted', 'dropped')),
    created BIGINT NOT NULL
);
CREATE INDEX suggestion_record ON suggestion (record_id);

CREATE TABLE idempotency (
    scope {text} NOT NULL,
    key {text} NOT NULL,
    hash {text} NOT NULL,
    record_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
){rowless};
CREATE INDEX idempotency_created ON idempotency (created);

CREATE TABLE session (
    hash {text} PRIMARY KEY,
    user_id BIGINT NOT NULL,
    nonce {text} NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    ended BIGINT NOT NULL
){rowless};
CREATE INDEX session_seen ON session (seen);

CREATE TABLE guess (
    scope {text} NOT NULL,
    subject {text} NOT NULL,
    at BIGINT NOT NULL,
    id {id}
);
CREATE INDEX guess_subject ON guess (scope, subject, at);

CREATE TABLE import_state (
    source {text} NOT NULL,
    module {text} NOT NULL,
    last_id BIGINT NOT NULL,
    done BIGINT NOT NULL,
    PRIMARY KEY (source, module)
){rowless};
