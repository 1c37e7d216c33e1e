-- What the LDAP server needs: numbers for groups, a trail of changed users, LDAP providers, and the ways to sign in where
-- only a name and a password can be given.

-- Numbers of groups, counted like users.pk: never given twice.
ALTER TABLE groups ADD COLUMN pk BIGINT NOT NULL DEFAULT 0;
UPDATE groups SET pk = (
    SELECT COUNT(*) FROM groups AS earlier
    WHERE earlier.created_at < groups.created_at
       OR (earlier.created_at = groups.created_at AND earlier.id <= groups.id)
);
CREATE UNIQUE INDEX groups_pk ON groups (pk);
INSERT INTO revisions (name, value) SELECT 'group_pk', COUNT(*) FROM groups;

-- Which users changed, in the order of the commits, so that a directory in memory follows without reading everybody.
-- user_id has no reference: deleted users are news, too.
INSERT INTO revisions (name, value) VALUES ('directory', 0);
CREATE TABLE directory_changes (
    revision BIGINT NOT NULL PRIMARY KEY,
    user_id TEXT {C} NOT NULL
);

CREATE TABLE ldap_providers (
    id TEXT {C} NOT NULL PRIMARY KEY,
    application_id TEXT {C} NOT NULL UNIQUE REFERENCES applications (id) ON DELETE CASCADE,
    base_dn TEXT NOT NULL,
    base_dn_key TEXT {C} NOT NULL UNIQUE,
    uid_start_number BIGINT NOT NULL,
    gid_start_number BIGINT NOT NULL,
    nested_groups BOOLEAN NOT NULL,
    uid_source TEXT NOT NULL,
    code_in_password BOOLEAN NOT NULL
);

-- Who may read the whole directory of a provider.
CREATE TABLE ldap_searchers (
    provider_id TEXT {C} NOT NULL REFERENCES ldap_providers (id) ON DELETE CASCADE,
    user_id TEXT {C} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (provider_id, user_id)
);

-- application_id: the only application it is good for, or none for all.
CREATE TABLE app_passwords (
    id TEXT {C} NOT NULL PRIMARY KEY,
    user_id TEXT {C} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application_id TEXT {C} REFERENCES applications (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    secret_hash TEXT {C} NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX app_passwords_user ON app_passwords (user_id);

-- Authenticator apps (TOTP). last_step: the last time step whose code was used; a code is good once.
CREATE TABLE authenticators (
    user_id TEXT {C} NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret BYTEA NOT NULL,
    confirmed_at BIGINT NOT NULL,
    last_step BIGINT NOT NULL
);
