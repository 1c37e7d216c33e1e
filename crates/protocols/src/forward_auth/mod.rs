//! Forward auth: what a proxy may say about a request, and what it is told about a person. No specification; authentik's
//! proxy provider is the model.

pub mod header;
pub mod host;
pub mod original;
pub mod return_address;
pub mod skip_path;

/// Where everything of a provider lies on a protected host, with the slash at its end.
pub const PREFIX: &str = "/outpost.goauthentik.io/";
/// The parameter that makes any address of a protected host the callback.
pub const CALLBACK_SIGNATURE: &str = "X-authentik-auth-callback";
/// The parameter that makes any address of a protected host the way to sign out.
pub const LOGOUT_SIGNATURE: &str = "X-authentik-logout";
