"""OpenID Connect beside npm's oidc-provider, in the same run. See `scripts/bench`."""
