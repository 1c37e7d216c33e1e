-- What a client may use. Providers that are there already keep what they had.
ALTER TABLE providers ADD COLUMN grant_types TEXT NOT NULL DEFAULT '["authorization_code","refresh_token"]';
-- Where an application learns that somebody signed out, if it wants to know.
ALTER TABLE providers ADD COLUMN logout_uri TEXT NOT NULL DEFAULT '';
ALTER TABLE providers ADD COLUMN logout_method TEXT NOT NULL DEFAULT 'backchannel';
-- The client secret before the last rotation, while it is still accepted.
ALTER TABLE providers ADD COLUMN previous_secret BYTEA;
ALTER TABLE providers ADD COLUMN previous_secret_expires_at BIGINT;
-- When somebody last came with the previous secret, within an hour.
ALTER TABLE providers ADD COLUMN previous_secret_used_at BIGINT;

-- The service account that a client is when it speaks for itself (RFC 6749, section 4.4).
CREATE TABLE client_accounts (
    provider_id TEXT {C} NOT NULL PRIMARY KEY REFERENCES providers (id) ON DELETE CASCADE,
    user_id TEXT {C} NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE
);

-- How often a key gets a new version by itself, in milliseconds; 0 means never.
ALTER TABLE signing_keys ADD COLUMN rotation_interval BIGINT NOT NULL DEFAULT 0;
-- How often it was rotated: of several who rotate it at once, one counts it on.
ALTER TABLE signing_keys ADD COLUMN rotations BIGINT NOT NULL DEFAULT 0;

-- The claims parameter of the authorization request, as JSON. grants.session_id and grants.sid are empty where there is no
-- session: client credentials and devices.
ALTER TABLE grants ADD COLUMN claims TEXT;

-- When a token was made: lifetimes may become shorter, so that what expires last is not what is newest.
ALTER TABLE access_tokens ADD COLUMN issued_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refresh_tokens ADD COLUMN issued_at BIGINT NOT NULL DEFAULT 0;

-- Devices that wait for somebody to allow them (RFC 8628). Whoever decides sets decided_at and decided_by, and with grant_id
-- that it was allowed; the device that fetches its tokens sets consumed_at. network is the address as it is counted, site and
-- region are what is around it. User codes are short: what is kept of them is made with the key of the data directory.
CREATE TABLE device_codes (
    device_code_hash TEXT {C} NOT NULL PRIMARY KEY,
    user_code_hash TEXT {C} NOT NULL UNIQUE,
    provider_id TEXT {C} NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    address TEXT NOT NULL,
    network TEXT {C} NOT NULL,
    site TEXT {C} NOT NULL,
    region TEXT {C} NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    attempt_id TEXT {C} NOT NULL,
    decided_at BIGINT,
    decided_by TEXT {C},
    grant_id TEXT {C} REFERENCES grants (id) ON DELETE CASCADE,
    consumed_at BIGINT
);
CREATE INDEX device_codes_expires ON device_codes (expires_at);
CREATE INDEX device_codes_provider ON device_codes (provider_id, expires_at);
CREATE INDEX device_codes_network ON device_codes (network, expires_at);
CREATE INDEX device_codes_grant ON device_codes (grant_id);

-- Which applications that want to know of sign-outs a session has signed in to. Without a reference to the session: whoever
-- deletes that reads these rows afterwards, in the same transaction.
CREATE TABLE session_clients (
    session_id TEXT {C} NOT NULL,
    provider_id TEXT {C} NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    user_id TEXT {C} NOT NULL,
    subject TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (session_id, provider_id)
);
CREATE INDEX session_clients_user ON session_clients (user_id);
CREATE INDEX session_clients_expires ON session_clients (expires_at);

-- Notes to applications that somebody signed out (OpenID Connect Back-Channel Logout 1.0), until they took them. Without a
-- reference to the provider: a session that ends would wait for whoever deletes an application, who waits for its grants.
CREATE TABLE logout_notices (
    id TEXT {C} NOT NULL PRIMARY KEY,
    provider_id TEXT {C} NOT NULL,
    user_id TEXT {C} NOT NULL,
    subject TEXT NOT NULL,
    sid TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    leased_until BIGINT,
    last_error TEXT NOT NULL
);
CREATE INDEX logout_notices_due ON logout_notices (due_at, id);
CREATE INDEX logout_notices_provider ON logout_notices (provider_id);

-- Claims that were allowed one by one, as a JSON list of names.
ALTER TABLE consents ADD COLUMN claims TEXT NOT NULL DEFAULT '[]';
