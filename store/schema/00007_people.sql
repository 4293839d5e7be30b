-- The second factor of those who work here, and who was invited.
-- {id} {text} {rowless} are the dialect's words, see dialect.go.

-- sealed is the secret that the person's phone knows too; used the last step of
-- 30 seconds whose code was taken, no code of it or before is taken again;
-- confirmed 0: it was shown, but no code has come yet.
CREATE TABLE staff_totp (
    user_id BIGINT PRIMARY KEY REFERENCES app_user (id),
    sealed {text} NOT NULL,
    used BIGINT NOT NULL,
    created BIGINT NOT NULL,
    confirmed BIGINT NOT NULL
);

-- A code for the day on which the phone is lost; its row goes with its use.
CREATE TABLE staff_recovery (
    user_id BIGINT NOT NULL REFERENCES app_user (id),
    hash {text} NOT NULL,
    PRIMARY KEY (user_id, hash)
){rowless};

-- Somebody who may come, and as what: he becomes a user when he comes.
CREATE TABLE staff_invitation (
    id {id},
    salt {text} NOT NULL,
    name {text} NOT NULL,
    folded {text} NOT NULL,
    first_name {text} NOT NULL,
    last_name {text} NOT NULL,
    email {text} NOT NULL,
    role {text} NOT NULL,
    by_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    until BIGINT NOT NULL
);
CREATE UNIQUE INDEX staff_invitation_name ON staff_invitation (folded);

-- 1: the password was right, the code has not come yet; such a session opens
-- nothing but the question for the code.
ALTER TABLE staff_session ADD COLUMN half BIGINT NOT NULL DEFAULT 0;
