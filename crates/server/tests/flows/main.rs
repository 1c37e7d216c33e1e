//! Whole flows against the whole application in process, on `SQLite` and on `PostgreSQL`.

mod access_tokens;
mod authorization_code;
mod authorize_errors;
mod consent;
mod database;
mod directory;
mod end_session;
mod guide;
mod interaction;
mod keys;
mod refresh_token;
mod routes;
mod setup;
mod sign_in;
mod support;
