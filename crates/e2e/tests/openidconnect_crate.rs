//! An independent client: the `openidconnect` crate, on both databases.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use doorward_e2e::application::Application;
use doorward_e2e::client::{Client, Tokens, parameter, refused_as_invalid_grant};
use doorward_e2e::doorward::{Doorward, Keeping, PASSWORD};
use doorward_e2e::environment;
use doorward_e2e::scripted::Person;
use doorward_e2e::visitor::Visitor;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreDeviceAuthorizationResponse, CoreProviderMetadata, CoreRevocableToken,
    CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, DeviceAuthorizationUrl,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IntrospectionUrl, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RevocationUrl, Scope,
    TokenIntrospectionResponse, TokenResponse,
};
use serde_json::Value;

const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

type DiscoveredClient =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

struct Scene {
    doorward: Doorward,
    application: Application,
    client: DiscoveredClient,
}

async fn scene(keeping: Keeping) -> Result<Scene> {
    let doorward = Doorward::start_keeping(keeping).await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.add_group("everyone-in-the-lab", &["alice"])?;
    let grants = ["--grant-types", "authorization_code,refresh_token,client_credentials,device_code"];
    let application = doorward.add_application("crate", REDIRECT_URI, &grants)?;
    doorward.settle().await;
    let metadata = CoreProviderMetadata::discover_async(IssuerUrl::new(application.issuer.clone())?, &send).await?;
    let secret = ClientSecret::new(application.client_secret.clone());
    let client =
        CoreClient::from_provider_metadata(metadata, ClientId::new(application.client_id.clone()), Some(secret))
            .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.into())?);
    Ok(Scene { doorward, application, client })
}

/// The HTTP client that the crate asks for. It follows nothing, as the crate's documentation wants it.
async fn send(request: HttpRequest) -> Result<HttpResponse, std::io::Error> {
    environment::choose_crypto();
    let exchange = async {
        // Doorward made its certificate itself.
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .tls_danger_accept_invalid_certs(true);
        let client = client.build()?;
        let response = client.execute(request.try_into()?).await?;
        let mut answer = HttpResponse::new(Vec::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        *answer.body_mut() = response.bytes().await?.into();
        Ok::<_, reqwest::Error>(answer)
    };
    exchange.await.map_err(std::io::Error::other)
}

struct Begun {
    code: AuthorizationCode,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

impl Scene {
    /// The way of the browser: from the authorization request to the code.
    async fn begin(&self, visitor: &Visitor) -> Result<Begun> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = self
            .client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(["profile", "email", "offline_access"].map(|scope| Scope::new(scope.into())))
            .set_pkce_challenge(challenge)
            .url();
        let back = visitor.signed_in_to(url.as_str(), REDIRECT_URI, "alice", PASSWORD).await?;
        assert_eq!(parameter(&back, "state").as_ref(), Some(state.secret()), "{back}");
        assert_eq!(parameter(&back, "iss").as_ref(), Some(&self.application.issuer), "RFC 9207: {back}");
        let code = parameter(&back, "code").with_context(|| format!("no code in {back}"))?;
        Ok(Begun { code: AuthorizationCode::new(code), nonce, verifier })
    }
}

/// The answer of the token endpoint must be the refusal of RFC 6749, section 5.2.
fn refused<T>(answer: Result<T, impl std::fmt::Debug>) -> Result<()> {
    let refusal = answer.err().context("the token endpoint gave tokens")?;
    ensure!(format!("{refusal:?}").contains("invalid_grant"), "not invalid_grant: {refusal:?}");
    Ok(())
}

async fn code_flow_with_pkce(keeping: Keeping) -> Result<()> {
    let scene = scene(keeping).await?;
    let Begun { code, nonce, verifier } = scene.begin(&Visitor::new()?).await?;
    let tokens = scene.client.exchange_code(code)?.set_pkce_verifier(verifier).request_async(&send).await?;

    let id_token = tokens.id_token().context("no ID token")?;
    let checker = scene.client.id_token_verifier();
    let claims = id_token.claims(&checker, &nonce)?;
    assert_eq!(claims.issuer().as_str(), scene.application.issuer);
    assert_eq!(claims.preferred_username().map(|name| name.as_str()), Some("alice"));
    assert!(claims.auth_time().is_some(), "no auth_time");
    let promised = claims.access_token_hash().context("no at_hash")?;
    let key = id_token.signing_key(&checker)?;
    let actual = AccessTokenHash::from_token(tokens.access_token(), id_token.signing_alg()?, key)?;
    assert_eq!(promised, &actual);

    let request = scene.client.user_info(tokens.access_token().to_owned(), Some(claims.subject().clone()))?;
    let person: CoreUserInfoClaims = request.request_async(&send).await?;
    let name = |claim: Option<&str>| claim.unwrap_or_default().to_owned();
    assert_eq!(name(person.given_name().and_then(|n| n.get(None)).map(|n| n.as_str())), "Alice");
    assert_eq!(name(person.family_name().and_then(|n| n.get(None)).map(|n| n.as_str())), "Example");
    assert_eq!(person.email().map(|email| email.as_str()), Some("alice@example.org"));
    assert_eq!(person.email_verified(), Some(true));

    let address = scene.doorward.url("/application/o/userinfo/");
    let page = Visitor::new()?.get_with_token(&address, tokens.access_token().secret()).await?;
    let all: Value = serde_json::from_str(&page.body)?;
    assert_eq!(all.get("groups"), Some(&serde_json::json!(["everyone-in-the-lab"])), "{all}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_flow_with_pkce_and_nonce_works_on_sqlite() -> Result<()> {
    code_flow_with_pkce(Keeping::Sqlite).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_flow_with_pkce_and_nonce_works_on_postgresql() -> Result<()> {
    code_flow_with_pkce(Keeping::Postgres).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_needs_the_verifier_it_was_asked_for_with() -> Result<()> {
    let scene = scene(Keeping::Sqlite).await?;
    let Begun { code, .. } = scene.begin(&Visitor::new()?).await?;
    let other = PkceCodeVerifier::new("another-verifier-that-is-long-enough-for-rfc-7636".into());
    let answer = scene.client.exchange_code(code)?.set_pkce_verifier(other).request_async(&send).await;
    refused(answer).context("with the wrong verifier")
}

async fn refresh_with_rotation(keeping: Keeping) -> Result<()> {
    let scene = scene(keeping).await?;
    let Begun { code, verifier, .. } = scene.begin(&Visitor::new()?).await?;
    let first = scene.client.exchange_code(code)?.set_pkce_verifier(verifier).request_async(&send).await?;
    let old = first.refresh_token().context("offline_access gave no refresh token")?;

    let second = scene.client.exchange_refresh_token(old)?.request_async(&send).await?;
    let new = second.refresh_token().context("no new refresh token")?;
    assert_ne!(old.secret(), new.secret());
    assert_ne!(first.access_token().secret(), second.access_token().secret());
    let id_token = second.id_token().context("no ID token")?;
    // OpenID Connect Core, section 12.2: the nonce need not be there, everything else must hold.
    id_token.claims(&scene.client.id_token_verifier(), |_: Option<&Nonce>| Ok(()))?;

    let replayed = scene.client.exchange_refresh_token(old)?.request_async(&send).await;
    refused(replayed).context("with a refresh token that was used before")?;
    let newest = scene.client.exchange_refresh_token(new)?.request_async(&send).await;
    refused(newest).context("with the newest refresh token of a family that is revoked")?;

    let address = scene.doorward.url("/application/o/userinfo/");
    let page = Visitor::new()?.get_with_token(&address, second.access_token().secret()).await?;
    assert_eq!(page.status, 401, "the access token outlived its grant: {}", page.body);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_refresh_token_revokes_its_family_on_sqlite() -> Result<()> {
    refresh_with_rotation(Keeping::Sqlite).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_refresh_token_revokes_its_family_on_postgresql() -> Result<()> {
    refresh_with_rotation(Keeping::Postgres).await
}

async fn one_code_fifty_times(keeping: Keeping) -> Result<()> {
    let scene = scene(keeping).await?;
    let client = Client::new(&scene.doorward, &scene.application, REDIRECT_URI);
    let visitor = Visitor::new()?;
    let code = client.code(&visitor, "alice").await?;

    let mut attempts = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (client, visitor, code) = (client.clone(), visitor.clone(), code.clone());
        attempts.spawn(async move { client.redeem(&visitor, &code).await });
    }
    let answers = attempts.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|page| page.status == 200);
    let [winner] = won.as_slice() else { bail!("not one winner: {answers:#?}") };
    lost.into_iter().try_for_each(refused_as_invalid_grant)?;

    // RFC 6749, section 4.1.2: what the code gave is revoked once it comes a second time.
    let tokens = Tokens::read(winner)?;
    let page = visitor.get_with_token(&scene.doorward.url("/application/o/userinfo/"), &tokens.access).await?;
    assert_eq!(page.status, 401, "{}", page.body);
    let refresh = tokens.refresh.context("no refresh token")?;
    refused_as_invalid_grant(&client.refresh(&visitor, &refresh).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_fifty_times_at_once_has_one_winner_on_sqlite() -> Result<()> {
    one_code_fifty_times(Keeping::Sqlite).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_fifty_times_at_once_has_one_winner_on_postgresql() -> Result<()> {
    one_code_fifty_times(Keeping::Postgres).await
}

impl Scene {
    /// Whether Doorward says of a token that it is good. The crate takes no address from the discovery document for that.
    async fn is_active(&self, token: &AccessToken) -> Result<bool> {
        let address = IntrospectionUrl::new(self.doorward.url("/application/o/introspect/"))?;
        let client = self.client.clone().set_introspection_url(address);
        let known = client.introspect(token).request_async(&send).await?;
        let of_whom = known.client_id().map(|id| id.as_str());
        ensure!(!known.active() || of_whom == Some(&self.application.client_id), "a token of {of_whom:?}");
        Ok(known.active())
    }

    /// Takes a token back. The crate insists on TLS for that.
    async fn revoke(&self, token: CoreRevocableToken) -> Result<()> {
        let address = RevocationUrl::new(self.doorward.https_url("/application/o/revoke/"))?;
        let client = self.client.clone().set_revocation_url(address);
        client.revoke_token(token)?.request_async(&send).await?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_introspected_and_revoked() -> Result<()> {
    let scene = scene(Keeping::Sqlite).await?;
    let Begun { code, verifier, .. } = scene.begin(&Visitor::new()?).await?;
    let tokens = scene.client.exchange_code(code)?.set_pkce_verifier(verifier).request_async(&send).await?;
    let refresh = tokens.refresh_token().context("no refresh token")?;
    assert!(scene.is_active(tokens.access_token()).await?);
    assert!(!scene.is_active(&AccessToken::new("unknown".into())).await?);

    scene.revoke(refresh.into()).await?;
    // RFC 7009, section 2.1: the access tokens of the same grant go with it.
    assert!(!scene.is_active(tokens.access_token()).await?);
    refused(scene.client.exchange_refresh_token(refresh)?.request_async(&send).await)?;
    // RFC 7009, section 2.2: one that is not good any more is no error.
    scene.revoke(refresh.into()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_gets_tokens_of_its_own() -> Result<()> {
    let scene = scene(Keeping::Sqlite).await?;
    let request = scene.client.exchange_client_credentials()?.add_scope(Scope::new("profile".into()));
    let tokens = request.request_async(&send).await?;
    assert!(tokens.refresh_token().is_none() && tokens.id_token().is_none(), "nobody signed in");
    assert!(scene.is_active(tokens.access_token()).await?);
    scene.revoke(tokens.access_token().into()).await?;
    assert!(!scene.is_active(tokens.access_token()).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_let_in_after_it_had_to_wait() -> Result<()> {
    let scene = scene(Keeping::Sqlite).await?;
    let address = DeviceAuthorizationUrl::new(scene.doorward.url("/application/o/device/"))?;
    let client = scene.client.clone().set_device_authorization_url(address);
    let request = client.exchange_device_code().add_scope(Scope::new("profile".into()));
    let device: CoreDeviceAuthorizationResponse = request.request_async(&send).await?;
    let shown = device.verification_uri_complete().context("no address with the code")?.secret();

    let person = Person::new("alice", REDIRECT_URI)?;
    // The crate asks at once, is told to wait, and waits; meanwhile somebody allows it.
    let waited = std::sync::Mutex::new(Vec::new());
    let wait = async |interval: Duration| {
        let allowed = person.allow_device(shown).await.map_err(|error| format!("{error:#}"));
        waited.lock().expect("nobody panics with it").push((interval, allowed));
        tokio::time::sleep(interval).await;
    };
    let request = client.exchange_device_access_token(&device)?;
    let tokens = request.request_async(&send, wait, Some(Duration::from_secs(30))).await;
    let waited = waited.into_inner()?;
    assert_eq!(waited, [(Duration::from_secs(5), Ok(()))], "{tokens:?}");
    let tokens = tokens?;
    let id_token = tokens.id_token().context("no ID token")?;
    let claims = id_token.claims(&scene.client.id_token_verifier(), |_: Option<&Nonce>| Ok(()))?;
    assert_eq!(claims.preferred_username().map(|name| name.as_str()), Some("alice"));
    Ok(())
}
