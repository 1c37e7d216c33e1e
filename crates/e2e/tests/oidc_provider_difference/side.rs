//! One of the two servers: where its endpoints are, who is signed in, and how to come by codes and tokens.

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_e2e::application::Application;
use doorward_e2e::client::parameter;
use doorward_e2e::doorward::PASSWORD;
use doorward_e2e::visitor::Visitor;
use reqwest::{Method, RequestBuilder, Response, Url, header};
use serde_json::Value;

use crate::answer::{Facets, Measure, location};
use crate::request::Request;

pub(crate) const CALLBACK: &str = "https://client.example/callback";
pub(crate) const CALLBACK_WITH_QUERY: &str = "https://client.example/other?x=1";
pub(crate) const GOODBYE: &str = "https://client.example/goodbye";
/// PKCE's example (RFC 7636, appendix B).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A client by the name that it has in these tests.
pub(crate) type Clients = [(&'static str, Application)];

/// A server.
#[derive(Debug)]
pub(crate) struct Side<'a> {
    root: String,
    /// Whether each client has an issuer of its own.
    has_many_issuers: bool,
    /// Endpoints by name.
    paths: &'a [(&'static str, &'static str)],
    clients: &'a Clients,
    alice: Visitor,
}

impl<'a> Side<'a> {
    /// A server at which Alice signs in.
    ///
    /// # Errors
    /// When she cannot.
    pub(crate) async fn new(
        root: String,
        has_many_issuers: bool,
        paths: &'a [(&'static str, &'static str)],
        clients: &'a Clients,
    ) -> Result<Self> {
        let side = Self { root, has_many_issuers, paths, clients, alice: Visitor::new()? };
        side.code("web", "").await.context("signing in")?;
        Ok(side)
    }

    /// Sends a request and follows it to where it leaves the server, or to a page.
    ///
    /// # Errors
    /// When nobody answers, or something it needs could not be made.
    pub(crate) async fn answer(&self, request: &Request) -> Result<Facets> {
        let visitor = match request.visitor.as_str() {
            "alice" => self.alice.clone(),
            "nobody" => Visitor::new()?,
            "leaver" => self.signed_in().await?,
            other => bail!("nobody knows {other}"),
        };
        let response = self.send(&visitor, request).await?;
        let measure = Measure { request, issuer: self.issuer_for(request)? };
        let mut answer = measure.take(self.follow(&visitor, response).await?).await?;
        let confirmation = answer.form.take().filter(|_| answer.asks == Some("confirm-sign-out"));
        if let Some(form) = confirmation {
            // Whether somebody is asked is one thing, and where the way ends is another.
            let target = Url::parse(&self.root)?.join(&form.action)?;
            let fields = form.filled("confirm-sign-out", &[]);
            let origin = target.origin().ascii_serialization();
            let sent = visitor.http().post(target).header(header::ACCEPT, "text/html").header(header::ORIGIN, origin);
            let response = sent.form(&fields).send().await?;
            answer.facets = measure.take(self.follow(&visitor, response).await?).await?.facets;
            answer.facets.insert("asked", "confirm-sign-out".to_owned());
        }
        Ok(answer.facets)
    }

    /// Follows redirects as long as they lead to the server itself.
    async fn follow(&self, visitor: &Visitor, mut response: Response) -> Result<Response> {
        for _ in 0..10 {
            match location(&response)? {
                Some(next) if next.as_str().starts_with(&self.root) => {
                    response = visitor.http().get(next).header(header::ACCEPT, "text/html").send().await?;
                }
                _ => return Ok(response),
            }
        }
        bail!("too many redirects, the last at {}", response.url())
    }

    /// The issuer that must be named to whoever asks.
    fn issuer_for(&self, request: &Request) -> Result<&str> {
        if !self.has_many_issuers {
            return Ok(&self.root);
        }
        let name =
            request.parameters.iter().find(|(name, _)| name == "client_id").and_then(|(_, value)| value.as_deref());
        let name = name.and_then(|value| value.strip_prefix('{')?.strip_suffix('}')).unwrap_or("web");
        Ok(&self.client(name).or_else(|_| self.client("web"))?.issuer)
    }

    async fn signed_in(&self) -> Result<Visitor> {
        let visitor = Visitor::new()?;
        visitor.signed_in_to(&self.authorization_request("web", "")?, CALLBACK, "alice", PASSWORD).await?;
        Ok(visitor)
    }

    async fn send(&self, visitor: &Visitor, request: &Request) -> Result<Response> {
        let mut pairs = Vec::new();
        for (name, value) in &request.parameters {
            pairs.push(match value {
                Some(value) => format!("{name}={}", self.fill(value, true).await?),
                None => name.clone(),
            });
        }
        let (pairs, method) = (pairs.join("&"), Method::from_bytes(request.method.as_bytes())?);
        let mut url = self.url(&request.endpoint)?;
        let has_body = method == Method::POST;
        if !has_body && !pairs.is_empty() {
            url.set_query(Some(&pairs));
        }
        let mut builder = visitor.http().request(method, url);
        let typed = request.headers.iter().any(|(name, _)| name == "content-type");
        if has_body && !typed {
            builder = builder.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        // Browsers ask for pages, programs for what they can read.
        let is_for_people = ["authorize", "end_session"].contains(&request.endpoint.as_str());
        let accept = if is_for_people { "text/html" } else { "application/json" };
        builder = builder.header(header::ACCEPT, accept);
        for (name, value) in &request.headers {
            builder = builder.header(name, self.fill(value, false).await?);
        }
        builder = self.authorize(builder, &request.authorization).await?;
        Ok(if has_body { builder.body(pairs) } else { builder }.send().await?)
    }

    async fn authorize(&self, builder: RequestBuilder, how: &str) -> Result<RequestBuilder> {
        Ok(match how.split_once(':') {
            Some(("basic", name)) => {
                let client = self.client(name)?;
                builder.basic_auth(&client.client_id, Some(&client.client_secret))
            }
            _ if how == "none" => builder,
            _ => builder.header(header::AUTHORIZATION, self.fill(how, false).await?),
        })
    }

    fn url(&self, endpoint: &str) -> Result<Url> {
        let (name, more) = endpoint.split_once('/').unwrap_or((endpoint, ""));
        let path = self.paths.iter().find(|(known, _)| *known == name).map(|(_, path)| *path);
        Ok(Url::parse(&format!("{}{}{more}", self.root, path.with_context(|| format!("no endpoint {name}"))?))?)
    }

    fn client(&self, name: &str) -> Result<&Application> {
        let found = self.clients.iter().find(|(known, _)| *known == name);
        found.map(|(_, client)| client).with_context(|| format!("no client {name}"))
    }

    /// Puts in what stands in braces.
    async fn fill(&self, text: &str, is_encoded: bool) -> Result<String> {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').context("a brace that does not close")?;
            let value = Box::pin(self.value(name)).await.with_context(|| format!("{{{name}}}"))?;
            filled.push_str(before);
            filled.push_str(&if is_encoded { encoded(&value) } else { value });
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    async fn value(&self, name: &str) -> Result<String> {
        let (kind, which) = name.split_once(':').unwrap_or((name, ""));
        let client = if which.is_empty() || self.client(which).is_err() { "web" } else { which };
        Ok(match kind {
            "web" | "post" | "other" | "public" => self.client(kind)?.client_id.clone(),
            "secret" => self.client(client)?.client_secret.clone(),
            "callback" => CALLBACK.to_owned(),
            "goodbye" => GOODBYE.to_owned(),
            "verifier" => VERIFIER.to_owned(),
            "challenge" => CHALLENGE.to_owned(),
            "device_grant" => DEVICE_GRANT.to_owned(),
            "long" => "a".repeat(which.parse()?),
            "code" => match which {
                "used" => self.used_code().await?.0,
                _ => self.code(client, if which == "pkce" || client == "public" { "pkce" } else { which }).await?,
            },
            "access" if which == "revoked" => self.used_code().await?.1,
            "access" => self.token(client, which, "access_token").await?,
            "id_token" => self.id_token(client, which).await?,
            "refresh" if which == "used" => self.used_refresh().await?,
            "refresh" => self.token(client, "offline", "refresh_token").await?,
            "basic" => self.basic(which)?,
            "device_code" => self.device_code(client).await?,
            _ => bail!("what is it?"),
        })
    }

    /// What stands behind "Basic", right and wrong.
    fn basic(&self, which: &str) -> Result<String> {
        let secret = |name: &str| {
            Ok::<_, anyhow::Error>((self.client(name)?.client_id.clone(), self.client(name)?.client_secret.clone()))
        };
        let (id, secret) = match which {
            "wrong" => (secret("web")?.0, "wrong".to_owned()),
            "unknown" => ("no-such-client".to_owned(), "wrong".to_owned()),
            "empty" => (secret("web")?.0, String::new()),
            "public" => (secret("public")?.0, String::new()),
            "bare" => return Ok(STANDARD.encode(secret("web")?.0)),
            name => secret(name)?,
        };
        Ok(STANDARD.encode(format!("{id}:{secret}")))
    }

    fn authorization_request(&self, client: &str, which: &str) -> Result<String> {
        let id = self.client(client)?.client_id.as_str();
        let mut pairs =
            vec![("response_type", "code"), ("client_id", id), ("redirect_uri", CALLBACK), ("state", "a-state")];
        let scope = match which {
            "offline" => "openid profile email offline_access",
            "narrow" => "openid",
            "unopened" => "profile",
            _ => "openid profile email",
        };
        pairs.push(("scope", scope));
        if which != "unopened" {
            pairs.push(("nonce", "a-nonce"));
        }
        if which == "offline" {
            pairs.push(("prompt", "consent"));
        }
        if which == "pkce" || client == "public" {
            pairs.extend([("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]);
        }
        Ok(Url::parse_with_params(self.url("authorize")?.as_str(), pairs)?.into())
    }

    async fn code(&self, client: &str, which: &str) -> Result<String> {
        let request = self.authorization_request(client, which)?;
        let back = self.alice.signed_in_to(&request, CALLBACK, "alice", PASSWORD).await?;
        parameter(&back, "code").with_context(|| format!("no code in {back}"))
    }

    async fn exchange(&self, client: &str, fields: &[(&str, &str)]) -> Result<Value> {
        let application = self.client(client)?;
        let public = [("client_id", application.client_id.as_str()), ("code_verifier", VERIFIER)];
        let request = self.alice.http().post(self.url("token")?);
        let request = if client == "public" {
            request.form(&[fields, &public].concat())
        } else if client == "post" {
            let secret = [("client_id", application.client_id.as_str()), ("client_secret", &application.client_secret)];
            request.form(&[fields, &secret].concat())
        } else {
            request.basic_auth(&application.client_id, Some(&application.client_secret)).form(fields)
        };
        let response = request.send().await?;
        let (status, body) = (response.status(), response.text().await?);
        ensure!(status == 200, "the token endpoint answered {status}: {body}");
        Ok(serde_json::from_str(&body)?)
    }

    async fn redeem(&self, client: &str, code: &str) -> Result<Value> {
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        self.exchange(client, &fields).await
    }

    async fn token(&self, client: &str, which: &str, member: &str) -> Result<String> {
        let code = self.code(client, which).await?;
        let tokens = self.redeem(client, &code).await?;
        let token = tokens.get(member).and_then(Value::as_str);
        token.map(str::to_owned).with_context(|| format!("no {member} in {tokens}"))
    }

    /// A code that was exchanged twice, and the access token that the first exchange gave.
    async fn used_code(&self) -> Result<(String, String)> {
        let code = self.code("web", "").await?;
        let tokens = self.redeem("web", &code).await?;
        let again = self.redeem("web", &code).await;
        ensure!(again.is_err(), "a code was taken twice");
        let access = tokens.get("access_token").and_then(Value::as_str).context("no access token")?;
        Ok((code, access.to_owned()))
    }

    async fn used_refresh(&self) -> Result<String> {
        let token = self.token("web", "offline", "refresh_token").await?;
        self.exchange("web", &[("grant_type", "refresh_token"), ("refresh_token", &token)]).await?;
        Ok(token)
    }

    async fn id_token(&self, client: &str, which: &str) -> Result<String> {
        let token = self.token(client, "", "id_token").await?;
        let (content, signature) = token.rsplit_once('.').context("no ID token")?;
        let (_, claims) = content.split_once('.').context("no ID token")?;
        Ok(match which {
            // {"alg":"none"}
            "none" => format!("eyJhbGciOiJub25lIn0.{claims}."),
            "tampered" => format!("{content}.{}", signature.chars().rev().collect::<String>()),
            _ => token,
        })
    }

    async fn device_code(&self, client: &str) -> Result<String> {
        let application = self.client(client)?;
        let request = self.alice.http().post(self.url("device")?);
        let request = request.basic_auth(&application.client_id, Some(&application.client_secret));
        let body: Value = serde_json::from_str(&request.form(&[("scope", "openid")]).send().await?.text().await?)?;
        let code = body.get("device_code").and_then(Value::as_str);
        code.map(str::to_owned).with_context(|| format!("no device code in {body}"))
    }
}

fn encoded(text: &str) -> String {
    let url = Url::parse_with_params("x:", [("v", text)]);
    url.ok().and_then(|url| url.query()?.strip_prefix("v=").map(str::to_owned)).unwrap_or_default()
}
