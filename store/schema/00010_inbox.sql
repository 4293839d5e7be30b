-- Requests as people work on them: spam, and the letters to and fro.
-- {id} {text} {rowless} are the dialect's words, see dialect.go.

ALTER TABLE ticket ADD COLUMN spam BIGINT NOT NULL DEFAULT 0 CHECK (spam IN (0, 1));
-- When the customer was answered first and last, when he wrote since and waits,
-- and since when he had waited when somebody was told of it. 0 for never.
ALTER TABLE ticket ADD COLUMN first_answered BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN answered BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN replied BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN told BIGINT NOT NULL DEFAULT 0;
UPDATE ticket SET told = created; -- nobody is woken for what was there before
CREATE INDEX ticket_owner ON ticket (owner_id, id) WHERE status <> 'Closed' AND deleted = 0;
CREATE INDEX ticket_spam ON ticket (id) WHERE spam = 1;

-- ticket_id 0: nobody knows where it belongs. message_id of a letter of ours is
-- the part before the @. files is a list of documents.
CREATE TABLE message (
    id {id},
    ticket_id BIGINT NOT NULL,
    direction {text} NOT NULL CHECK (direction IN ('in', 'out')),
    kind {text} NOT NULL CHECK (kind IN ('letter', 'auto', 'bounce')),
    at BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    delivery_id BIGINT NOT NULL,
    message_id {text} NOT NULL,
    address {text} NOT NULL,
    name {text} NOT NULL,
    subject {text} NOT NULL,
    text {text} NOT NULL,
    quoted {text} NOT NULL,
    files {text} NOT NULL,
    settled BIGINT NOT NULL CHECK (settled IN (0, 1))
);
CREATE INDEX message_ticket ON message (ticket_id, id) WHERE ticket_id <> 0;
CREATE INDEX message_lost ON message (id) WHERE ticket_id = 0 AND settled = 0;
CREATE UNIQUE INDEX message_came ON message (message_id) WHERE direction = 'in';
