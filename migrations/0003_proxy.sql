-- Proxy providers: forward auth, and the sessions of browsers at protected hosts.

-- external_host_key: host and port as they are looked up. cookie_domain_key: the domain in domain mode, else nothing.
CREATE TABLE proxy_providers (
    id TEXT {C} NOT NULL PRIMARY KEY,
    application_id TEXT {C} NOT NULL UNIQUE REFERENCES applications (id) ON DELETE CASCADE,
    mode TEXT NOT NULL,
    external_host TEXT NOT NULL,
    external_host_key TEXT {C} NOT NULL UNIQUE,
    cookie_domain_key TEXT {C} UNIQUE,
    skip_path_regex TEXT NOT NULL,
    intercept_header_auth BOOLEAN NOT NULL,
    access_token_validity BIGINT NOT NULL,
    headers TEXT NOT NULL,
    group_separator TEXT NOT NULL,
    basic_auth TEXT NOT NULL
);

-- A session at a protected host ends with the session it came from, with its grant and with its provider.
-- id_token is encrypted.
CREATE TABLE proxy_sessions (
    token_hash TEXT {C} NOT NULL PRIMARY KEY,
    provider_id TEXT {C} NOT NULL REFERENCES proxy_providers (id) ON DELETE CASCADE,
    user_id TEXT {C} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id TEXT {C} NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    grant_id TEXT {C} NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    id_token BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX proxy_sessions_provider ON proxy_sessions (provider_id);
CREATE INDEX proxy_sessions_user ON proxy_sessions (user_id);
CREATE INDEX proxy_sessions_session ON proxy_sessions (session_id);
CREATE INDEX proxy_sessions_grant ON proxy_sessions (grant_id);
CREATE INDEX proxy_sessions_expires ON proxy_sessions (expires_at);
