//! What the templates of settings see.

use std::collections::BTreeMap;

use minijinja::Value;
use url::Url;

use super::{
    AppVersion, Connection, LdapConnection, OidcConnection, Options, ProxyConnection, Recipe, RecipeError,
    SettingsInput, UriKind,
    input::writable,
    quote::filter_value,
    render::{Context, Renderer, context},
    version::show,
};
use crate::web_address::is_loopback;
use doorward_protocols::ldap::dn;

impl Recipe {
    pub(super) fn values(&self, input: &SettingsInput, version: AppVersion) -> Result<Context, RecipeError> {
        let url = self.address(input.url.as_ref())?;
        let options = Options::read(self, &input.options)?;
        let public_url = address("public URL", &input.public_url)?;
        let mut values = context(url.as_deref(), &options);
        values.insert("public_url", Value::from(public_url.as_str().trim_end_matches('/')));
        self.version_values(version, &mut values)?;
        match &input.connection {
            Connection::Oidc(connection) => self.oidc_values(connection, &mut values)?,
            Connection::Ldap(connection) => ldap_values(connection, &options, &mut values)?,
            Connection::Proxy(connection) => proxy_values(connection, &mut values),
        }
        Ok(values)
    }

    fn oidc_values(&self, connection: &OidcConnection, values: &mut Context) -> Result<(), RecipeError> {
        let issuer = address("issuer", &connection.issuer)?;
        values.insert("sign_out_url", Value::from(self.sign_out_url(connection, values)?));
        values.insert("issuer", Value::from(connection.issuer.as_str()));
        values.insert("issuer_is_loopback", Value::from(is_loopback(&issuer)));
        values.insert("end_session_url", Value::from(connection.end_session_url.as_str()));
        values.insert("client_id", Value::from(connection.client_id.as_str()));
        values.insert("client_secret", Value::from(connection.client_secret.as_str()));
        Ok(())
    }

    fn version_values(&self, version: AppVersion, values: &mut Context) -> Result<(), RecipeError> {
        let checked = self.data.versions.checked.as_deref().map(|text| self.version(text)).transpose()?;
        let newer = checked.is_some_and(|(major, minor, _)| (version.0, version.1) > (major, minor));
        let mut has = BTreeMap::new();
        for feature in &self.data.features {
            has.insert(feature.name.clone(), version >= self.version(&feature.since)?);
        }
        values.insert("version", Value::from(show(version)));
        values.insert("checked", Value::from(checked.map(show)));
        values.insert("newer_than_checked", Value::from(newer));
        values.insert("has", Value::from(has));
        Ok(())
    }

    /// End-session address that names the client and the first logout URI: applications that cannot add an `id_token_hint` need it
    /// whole (`OpenID` Connect RP-Initiated Logout 1.0, section 2).
    fn sign_out_url(&self, connection: &OidcConnection, values: &Context) -> Result<String, RecipeError> {
        let mut address = address("end-session address", &connection.end_session_url)?;
        let logout = self.data.redirect_uris.iter().find(|uri| uri.kind == UriKind::Logout);
        let logout = logout.map(|uri| Renderer::new(&self.data.id).text(&uri.uri, values)).transpose()?;
        let mut query = address.query_pairs_mut();
        query.append_pair("client_id", &connection.client_id);
        if let Some(logout) = logout {
            query.append_pair("post_logout_redirect_uri", &logout);
        }
        drop(query);
        Ok(address.into())
    }
}

fn ldap_values(connection: &LdapConnection, options: &Options, values: &mut Context) -> Result<(), RecipeError> {
    let LdapConnection { base_dn, bind_dn, bind_password, .. } = connection;
    let server = connection.server(options)?;
    let groups_dn = format!("ou=groups,{base_dn}");
    let superuser_dns: Vec<String> =
        options.superuser_groups.iter().map(|name| format!("cn={},{groups_dn}", dn::escape(name))).collect();
    values.insert("group_filter", Value::from(group_filter(options)));
    values.insert("server_uri", Value::from(server.uri()));
    values.insert("ldaps", Value::from(server.is_ldaps));
    values.insert("start_tls", Value::from(server.needs_start_tls()));
    values.insert("server_is_loopback", Value::from(server.is_loopback()));
    values.insert("base_dn", Value::from(base_dn.as_str()));
    values.insert("users_dn", Value::from(format!("ou=users,{base_dn}")));
    values.insert("virtual_groups_dn", Value::from(format!("ou=virtual-groups,{base_dn}")));
    values.insert("groups_dn", Value::from(groups_dn));
    values.insert("superuser_dns", Value::from(superuser_dns));
    values.insert("bind_dn", Value::from(bind_dn.as_str()));
    values.insert("bind_password", Value::from(bind_password.as_str()));
    Ok(())
}

fn proxy_values(connection: &ProxyConnection, values: &mut Context) {
    let external_host = connection.external_host.trim_end_matches('/');
    values.insert("username_header", Value::from(connection.username_header()));
    values.insert("wsgi", Value::from(connection.wsgi_names()));
    values.insert("group_separator", Value::from(connection.group_separator.as_str()));
    values.insert("proxy_sign_out_url", Value::from(format!("{external_host}/outpost.goauthentik.io/sign_out")));
}

/// A search filter for the groups that follow Doorward (RFC 4515); for all where none are said to.
fn group_filter(options: &Options) -> String {
    let listed = options.managed_groups.iter().map(|name| format!("(cn={})", filter_value(name)));
    let prefixed = options.group_prefix.iter().map(|prefix| format!("(cn={}*)", filter_value(prefix)));
    let terms: Vec<String> = listed.chain(prefixed).collect();
    match terms.as_slice() {
        [] => "(cn=*)".to_owned(),
        [only] => only.clone(),
        several => format!("(|{})", several.concat()),
    }
}

fn address(what: &'static str, given: &str) -> Result<Url, RecipeError> {
    let bad = || RecipeError::BadAddress { what, given: given.escape_debug().to_string() };
    let url = Url::parse(given).map_err(|_| bad())?;
    if writable(given) && matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(bad()) }
}
