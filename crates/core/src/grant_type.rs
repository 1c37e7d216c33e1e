//! What a client may use to get tokens (authentik's `grant_types`).

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::choice::choice;

choice! {
    /// A grant type of the token endpoint, or a flow of the authorization endpoint. The names are those of discovery, but for
    /// `hybrid`, which is authentik's: specifications know it as `authorization_code` and `implicit` together.
    #[derive(PartialOrd, Ord)]
    GrantType {
        /// RFC 6749, section 4.1.
        AuthorizationCode = "authorization_code", "Authorization code";
        /// Tokens from the authorization endpoint (OpenID Connect Core 1.0, section 3.2).
        Implicit = "implicit", "Implicit: tokens in the browser's address, for old applications only";
        /// A code and tokens from the authorization endpoint (OpenID Connect Core 1.0, section 3.3).
        Hybrid = "hybrid", "Hybrid: a code and tokens in the browser's address";
        /// RFC 6749, section 6.
        RefreshToken = "refresh_token", "Refresh token";
        /// RFC 6749, section 4.4, with authentik's variants.
        ClientCredentials = "client_credentials", "Client credentials: scripts and services";
        /// authentik's other name for client credentials with a service account's app password. Never somebody's password.
        Password = "password", "Password: client credentials with an app password, under authentik's other name";
        /// RFC 8628.
        DeviceCode = "urn:ietf:params:oauth:grant-type:device_code", "Device code: televisions, terminals";
    }
}

impl GrantType {
    /// What a new client may use.
    pub fn defaults() -> BTreeSet<Self> {
        BTreeSet::from([Self::AuthorizationCode, Self::RefreshToken])
    }

    /// Whether it is asked for at the token endpoint by `grant_type`.
    pub fn is_of_token_endpoint(self) -> bool {
        !matches!(self, Self::Implicit | Self::Hybrid)
    }
}
