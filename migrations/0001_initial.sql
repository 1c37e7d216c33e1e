-- Understood by SQLite and PostgreSQL alike. Times are milliseconds since the Unix epoch, identifiers and JSON are
-- text. {C} becomes the collation that sorts by bytes. Columns named *_key hold the lower-case form that is compared.

CREATE TABLE settings (
    name TEXT {C} NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE revisions (
    name TEXT {C} NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO revisions (name, value) VALUES ('snapshot', 1), ('user_pk', 0);

CREATE TABLE users (
    id TEXT {C} NOT NULL PRIMARY KEY,
    pk BIGINT NOT NULL UNIQUE,
    uid TEXT {C} NOT NULL UNIQUE,
    username TEXT NOT NULL,
    username_key TEXT {C} NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT {C} NOT NULL,
    given_name TEXT NOT NULL,
    family_name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT {C} NOT NULL,
    email_verified BOOLEAN NOT NULL,
    is_active BOOLEAN NOT NULL,
    user_type TEXT NOT NULL,
    attributes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX users_email_key ON users (email_key);

CREATE TABLE credentials (
    user_id TEXT {C} NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    password_hash TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE groups (
    id TEXT {C} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT {C} NOT NULL UNIQUE,
    is_superuser BOOLEAN NOT NULL,
    attributes TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE group_parents (
    group_id TEXT {C} NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    parent_id TEXT {C} NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, parent_id)
);

CREATE TABLE memberships (
    user_id TEXT {C} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_id TEXT {C} NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
);
CREATE INDEX memberships_group ON memberships (group_id, user_id);

CREATE TABLE signing_keys (
    id TEXT {C} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT {C} NOT NULL UNIQUE
);

CREATE TABLE signing_key_versions (
    id TEXT {C} NOT NULL PRIMARY KEY,
    key_id TEXT {C} NOT NULL REFERENCES signing_keys (id) ON DELETE CASCADE,
    kid TEXT {C} NOT NULL UNIQUE,
    algorithm TEXT NOT NULL,
    certificate TEXT NOT NULL,
    private_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    activates_at BIGINT NOT NULL
);
CREATE INDEX signing_key_versions_key ON signing_key_versions (key_id);

CREATE TABLE claim_mappings (
    id TEXT {C} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT {C} NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    expression TEXT NOT NULL,
    description TEXT NOT NULL,
    is_default BOOLEAN NOT NULL
);

CREATE TABLE applications (
    id TEXT {C} NOT NULL PRIMARY KEY,
    slug TEXT {C} NOT NULL UNIQUE,
    name TEXT NOT NULL,
    launch_url TEXT NOT NULL,
    icon_url TEXT NOT NULL,
    group_heading TEXT NOT NULL,
    description TEXT NOT NULL,
    access_everyone BOOLEAN NOT NULL,
    consent TEXT NOT NULL,
    recipe TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE application_groups (
    application_id TEXT {C} NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    group_id TEXT {C} NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (application_id, group_id)
);

CREATE TABLE application_users (
    application_id TEXT {C} NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    user_id TEXT {C} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (application_id, user_id)
);

CREATE TABLE providers (
    id TEXT {C} NOT NULL PRIMARY KEY,
    application_id TEXT {C} NOT NULL UNIQUE REFERENCES applications (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    client_type TEXT NOT NULL,
    client_id TEXT {C} NOT NULL UNIQUE,
    client_secret BYTEA NOT NULL,
    redirect_uris TEXT NOT NULL,
    signing_key_id TEXT {C} NOT NULL REFERENCES signing_keys (id),
    sub_mode TEXT NOT NULL,
    issuer_mode TEXT NOT NULL,
    access_code_validity BIGINT NOT NULL,
    access_token_validity BIGINT NOT NULL,
    refresh_token_validity BIGINT NOT NULL,
    refresh_token_threshold BIGINT NOT NULL,
    include_claims_in_id_token BOOLEAN NOT NULL
);

CREATE TABLE provider_mappings (
    provider_id TEXT {C} NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    mapping_id TEXT {C} NOT NULL REFERENCES claim_mappings (id) ON DELETE CASCADE,
    PRIMARY KEY (provider_id, mapping_id)
);

CREATE TABLE sessions (
    id TEXT {C} NOT NULL PRIMARY KEY,
    token_hash TEXT {C} NOT NULL UNIQUE,
    user_id TEXT {C} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    authenticated_at BIGINT NOT NULL,
    methods TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE consents (
    user_id TEXT {C} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application_id TEXT {C} NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, application_id)
);

-- session_id is kept without a reference: a grant outlives the session it came from when offline_access was given.
CREATE TABLE grants (
    id TEXT {C} NOT NULL PRIMARY KEY,
    provider_id TEXT {C} NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    user_id TEXT {C} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id TEXT {C} NOT NULL,
    sid TEXT NOT NULL,
    scopes TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    methods TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX grants_user ON grants (user_id);
CREATE INDEX grants_provider ON grants (provider_id);
CREATE INDEX grants_session ON grants (session_id);
CREATE INDEX grants_expires ON grants (expires_at);

CREATE TABLE authorization_codes (
    code_hash TEXT {C} NOT NULL PRIMARY KEY,
    grant_id TEXT {C} NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    redirect_uri TEXT NOT NULL,
    nonce TEXT,
    code_challenge TEXT,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX authorization_codes_grant ON authorization_codes (grant_id);

CREATE TABLE access_tokens (
    token_hash TEXT {C} NOT NULL PRIMARY KEY,
    grant_id TEXT {C} NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_grant ON access_tokens (grant_id);
CREATE INDEX access_tokens_expires ON access_tokens (expires_at);

CREATE TABLE refresh_tokens (
    token_hash TEXT {C} NOT NULL PRIMARY KEY,
    grant_id TEXT {C} NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX refresh_tokens_grant ON refresh_tokens (grant_id);

CREATE TABLE throttles (
    name TEXT {C} NOT NULL PRIMARY KEY,
    started_at BIGINT NOT NULL,
    count BIGINT NOT NULL
);
CREATE INDEX throttles_started ON throttles (started_at);

CREATE TABLE events (
    id TEXT {C} NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    ok BOOLEAN NOT NULL,
    reference TEXT {C} NOT NULL,
    user_id TEXT {C},
    application_id TEXT {C},
    address TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX events_at ON events (at, id);
CREATE INDEX events_reference ON events (reference);
