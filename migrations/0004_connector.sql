-- Connectors: what pushes people into an application, and its queue.

-- directory_cursor, snapshot_cursor: the last revisions whose changes were put into the queue.
-- failures, resume_at: nothing is sent before that time. state_text: why, in words.
CREATE TABLE connectors (
    id TEXT {C} NOT NULL PRIMARY KEY,
    application_id TEXT {C} NOT NULL UNIQUE REFERENCES applications (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    token BYTEA NOT NULL,
    managed_groups TEXT NOT NULL,
    push_profile BOOLEAN NOT NULL,
    push_username BOOLEAN NOT NULL,
    cut_off_denied BOOLEAN NOT NULL,
    is_enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    directory_cursor BIGINT NOT NULL,
    snapshot_cursor BIGINT NOT NULL,
    state TEXT NOT NULL,
    state_text TEXT NOT NULL,
    state_at BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    resume_at BIGINT NOT NULL,
    run_at BIGINT,
    run_total BIGINT NOT NULL
);

-- People a connector knows of: seen signing in, linked to an account, or both. user_id has no reference: the account of
-- somebody who was deleted must still be cut off, and never becomes that of somebody else.
-- seen_at: when they were last seen on their way to the application. cut_off_at: when this connector made the account
-- unusable; what others made so stays so. pushed: fingerprint of what was pushed last.
CREATE TABLE connector_people (
    connector_id TEXT {C} NOT NULL REFERENCES connectors (id) ON DELETE CASCADE,
    user_id TEXT {C} NOT NULL,
    username TEXT NOT NULL,
    seen_at BIGINT,
    account_id BIGINT,
    account_name TEXT NOT NULL,
    linked_at BIGINT,
    cut_off_at BIGINT,
    pushed TEXT NOT NULL,
    pushed_at BIGINT,
    warning TEXT NOT NULL,
    PRIMARY KEY (connector_id, user_id)
);
CREATE UNIQUE INDEX connector_people_account ON connector_people (connector_id, account_id);

-- The queue: one job per connector and person. A change that comes while the job runs makes it dirty, and it runs again.
-- rank: what comes first. claimed_until: until when a node has it; afterwards another may take it.
CREATE TABLE connector_jobs (
    id TEXT {C} NOT NULL PRIMARY KEY,
    connector_id TEXT {C} NOT NULL REFERENCES connectors (id) ON DELETE CASCADE,
    user_id TEXT {C} NOT NULL,
    state TEXT NOT NULL,
    rank BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    queued_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    claimed_by TEXT NOT NULL,
    claimed_until BIGINT NOT NULL,
    is_dirty BOOLEAN NOT NULL,
    run_at BIGINT,
    error TEXT NOT NULL
);
CREATE UNIQUE INDEX connector_jobs_person ON connector_jobs (connector_id, user_id);
CREATE INDEX connector_jobs_due ON connector_jobs (rank, next_at);
