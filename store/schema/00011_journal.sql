-- Calls of programs: the CRM's web service, form capture, the card API. The
-- newest are kept, with what was said, secrets masked.

CREATE TABLE api_call (
    id {id},
    at BIGINT NOT NULL,
    took BIGINT NOT NULL,
    face {text} NOT NULL,
    operation {text} NOT NULL,
    code {text} NOT NULL,
    status BIGINT NOT NULL,
    who {text} NOT NULL,
    user_id BIGINT NOT NULL,
    address {text} NOT NULL,
    method {text} NOT NULL,
    path {text} NOT NULL,
    header {text} NOT NULL,
    request {text} NOT NULL,
    request_size BIGINT NOT NULL,
    answer {text} NOT NULL,
    answer_size BIGINT NOT NULL
);
CREATE INDEX api_call_refused ON api_call (id) WHERE code <> '';
