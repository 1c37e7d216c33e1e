//! An independent client: the `openidconnect` crate, on both databases.

use anyhow::{Context, Result, bail, ensure};
use doorward_e2e::application::Application;
use doorward_e2e::client::{Client, Tokens, parameter, refused_as_invalid_grant};
use doorward_e2e::doorward::{Doorward, Keeping, PASSWORD};
use doorward_e2e::environment;
use doorward_e2e::visitor::Visitor;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, TokenResponse,
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
    let application = doorward.add_application("crate", REDIRECT_URI, &[])?;
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
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
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
