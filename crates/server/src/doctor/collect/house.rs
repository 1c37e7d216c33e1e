//! What Doorward itself holds about an application.

use doorward_core::{method::Method, proxy_provider::Identity};
use url::Url;

use crate::{
    app::App,
    doctor::evidence::{House, OurClient},
    proxy::client::ProxyClient,
    recipes::Recipe,
    snapshot::{ApplicationEntry, Client, Snapshot},
    web_address::is_loopback,
};

/// Puts it together.
pub(super) fn house(app: &App, snapshot: &Snapshot, entry: &ApplicationEntry) -> House {
    let profile = &entry.application.profile;
    let recipe_use = profile.recipe.as_ref();
    let recipe = recipe_use.and_then(|recipe_use| Recipe::find(&recipe_use.id).ok());
    let kept = recipe_use.zip(recipe.as_ref()).and_then(|(kept, recipe)| recipe.options(&kept.options).ok());
    let own = recipe_use.map(|recipe| recipe.url.as_str()).filter(|url| !url.is_empty());
    let others = snapshot.clients().filter(|client| client.application.id != entry.application.id);
    let by_oidc = entry.methods().contains(&Method::Oidc);
    let upstream = kept.as_ref().and_then(|kept| Url::parse(kept.upstream.as_deref()?).ok());
    let now = app.clock.now();
    let rsa = snapshot.keys.iter().find(|key| key.active(now).is_some_and(|key| key.algorithm.jws_name() == "RS256"));
    House {
        slug: profile.slug.clone(),
        name: profile.name.clone(),
        is_netbox: recipe_use.is_some_and(|recipe| recipe.id == "netbox"),
        identity_headers: entry.proxy.as_ref().map(|client| identity_headers(client)).unwrap_or_default(),
        upstream: upstream.filter(|url| !is_loopback(url)),
        has_trusted_proxies: !app.config.trusted_proxies.is_empty(),
        url: own.or(Some(&profile.launch_url)).and_then(|url| Url::parse(url).ok()).filter(Url::has_host),
        launch_url: profile.launch_url.clone(),
        options: kept.unwrap_or_default(),
        public_url: app.config.public_url.to_string(),
        oauth: entry.oauth.as_ref().filter(|_| by_oidc).map(|client| our_client(snapshot, client)),
        other_clients: others
            .map(|client| (client.provider.profile.client_id.clone(), client.application.profile.slug.clone()))
            .collect(),
        groups: snapshot.groups.iter().map(|group| group.profile.name.clone()).collect(),
        features: recipe.and_then(|recipe| recipe.features().ok()).unwrap_or_default(),
        rsa_key: rsa.map(|key| key.name.clone()),
    }
}

/// The header that carries the username, and authentik's.
fn identity_headers(client: &ProxyClient) -> Vec<String> {
    let own = client.provider.profile.headers.get(&Identity::Username).cloned();
    own.into_iter().chain(["X-authentik-username".to_owned()]).collect()
}

fn our_client(snapshot: &Snapshot, client: &Client) -> OurClient {
    let provider = &client.provider.profile;
    let global = snapshot.global.as_ref().filter(|_| client.has_global_issuer());
    let document = global.map_or(&client.discovery, |global| &global.discovery);
    OurClient {
        client_id: provider.client_id.clone(),
        client_type: provider.client_type,
        issuer: client.issuer.clone(),
        algorithm: client.signer.algorithm().jws_name().to_owned(),
        redirect_uris: provider.redirect_uris.clone(),
        scopes: client.scopes.clone(),
        discovery: serde_json::from_slice(document).unwrap_or_default(),
    }
}
