-- Links to files, what a virus check said of files, and how forms once were.
-- {id} {text} {rowless} are the dialect's words, see dialect.go.

-- Delivery 0: the link of one document that earlier releases gave to everybody.
CREATE TABLE file_link (
    id {id},
    document_id BIGINT NOT NULL,
    delivery_id BIGINT NOT NULL,
    salt {text} NOT NULL,
    days BIGINT NOT NULL CHECK (days >= 0),
    created BIGINT NOT NULL,
    until BIGINT NOT NULL,
    closed BIGINT NOT NULL,
    UNIQUE (document_id, delivery_id)
);

INSERT INTO file_link (document_id, delivery_id, salt, days, created, until, closed)
SELECT f.document_id, 0, '', 0, min(d.created), 0, 0 FROM submission_file f
JOIN delivery d ON d.subject = 'ticket' AND d.about_id = f.submission_id AND d.about_id <> 0 AND d.attempts > 0
GROUP BY f.document_id;

-- checked 0: nobody has looked. refused: what was found, '' for nothing.
ALTER TABLE submission_file ADD COLUMN checked BIGINT NOT NULL DEFAULT 0;
ALTER TABLE submission_file ADD COLUMN refused {text} NOT NULL DEFAULT '';
CREATE INDEX submission_file_refused ON submission_file (document_id) WHERE refused <> '';

ALTER TABLE form ADD COLUMN version BIGINT NOT NULL DEFAULT 1;

CREATE TABLE form_version (
    name {text} NOT NULL,
    version BIGINT NOT NULL,
    definition {text} NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (name, version)
){rowless};

INSERT INTO form_version (name, version, definition, created) SELECT name, 1, definition, 0 FROM form;
