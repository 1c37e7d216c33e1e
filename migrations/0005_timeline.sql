-- Sign-in attempts, step by step. Several nodes add to one attempt: steps are only ever added, and what is kept of the attempt
-- itself is merged. Neither refers to the application and user by a foreign key: the record stays when they go.

CREATE TABLE attempts (
    id TEXT {C} NOT NULL PRIMARY KEY,
    reference TEXT {C} NOT NULL,
    method TEXT {C} NOT NULL,
    application_id TEXT {C},
    application_name TEXT NOT NULL,
    user_id TEXT {C},
    username TEXT NOT NULL,
    proven BOOLEAN NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    last_at BIGINT NOT NULL,
    standing TEXT {C} NOT NULL
);
CREATE INDEX attempts_last ON attempts (last_at, id);
CREATE INDEX attempts_proven ON attempts (proven, last_at, id);
CREATE INDEX attempts_reference ON attempts (reference);
CREATE INDEX attempts_application ON attempts (application_id, last_at, id);
CREATE INDEX attempts_user ON attempts (user_id, last_at, id);

-- seq orders the steps of one moment.
CREATE TABLE attempt_steps (
    attempt_id TEXT {C} NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT {C} NOT NULL,
    ok BOOLEAN NOT NULL,
    text TEXT NOT NULL,
    details TEXT NOT NULL,
    PRIMARY KEY (attempt_id, at, seq)
);

-- The attempt that a grant came from, so that token requests find theirs.
ALTER TABLE grants ADD COLUMN attempt_id TEXT {C};

-- Redirect URIs that known applications sent and that are not registered for them.
CREATE TABLE near_misses (
    application_id TEXT {C} NOT NULL,
    uri TEXT {C} NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    count BIGINT NOT NULL,
    dismissed BOOLEAN NOT NULL,
    PRIMARY KEY (application_id, uri)
);

-- From where an application may be used: a JSON list; empty means from anywhere.
ALTER TABLE applications ADD COLUMN networks TEXT NOT NULL DEFAULT '[]';
