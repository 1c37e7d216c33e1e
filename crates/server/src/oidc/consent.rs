//! `/consent`: what an application will be told, and whether it may.

use axum::{extract::State, response::Response};
use doorward_core::{application::ConsentMode, timeline::StepKind};
use doorward_protocols::{
    oauth::{
        authorize::{self, AuthorizeRequest},
        error::{ErrorCode, OAuthError},
        parameters::Parameters,
        response_mode::ResponseMode,
        token::{join, words},
    },
    oidc::interaction::Said,
};
use doorward_store::{self as store, consent::Consent};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::{asked_claims, authorize as endpoint, refusal, response_mode::Destination};
use crate::{
    app::App,
    applications::preview,
    auth::sign_in::{client_card, lost_page, see_other},
    http::{
        error_page::ErrorPage,
        form::Form,
        headers::lead_out,
        pending::{Ask, Goal, Pending},
        visitor::{CurrentVisitor, SignedIn, Visitor},
    },
    pages,
    snapshot::{Client, Snapshot},
    timeline::{StepDraft, Trail},
};

/// The members of an address, in the order in which people read them.
const ADDRESS: [&str; 6] = ["formatted", "street_address", "locality", "region", "postal_code", "country"];
/// What stands in place of a claim that there is nothing to tell for, yet.
const NOT_KNOWN: &str = "not known yet";
/// Longest value shown, in characters.
const SHOWN_MAX: usize = 300;

/// The page that asks.
pub fn ask(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    destination: &Destination<'_>,
    request: &AuthorizeRequest,
    pending: &Pending,
) -> Response {
    let host = url::Url::parse(&request.redirect_uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    let mut items = items(app, signed_in, destination.client, &request.scopes);
    items.extend(by_name(&app.snapshot(), destination.client, signed_in, request));
    let context = json!({
        "app": client_card(destination.client),
        "returns_to": host.unwrap_or_else(|| request.redirect_uri.clone()),
        "request": pending.seal(app),
        "items": items,
    });
    lead_out(pages::page(app, Some(visitor), "consent.html", context))
}

/// One item per scope, with the values the application would get.
pub(super) fn items(app: &App, signed_in: &SignedIn, client: &Client, scopes: &BTreeSet<String>) -> Vec<Value> {
    let snapshot = app.snapshot();
    let descriptions = |scope: &str| {
        let of_scope = snapshot
            .mappings
            .iter()
            .filter(|mapping| client.provider.profile.mappings.contains(&mapping.id) && mapping.profile.scope == scope);
        let texts: Vec<_> = of_scope.map(|m| m.profile.description.as_str()).filter(|text| !text.is_empty()).collect();
        if texts.is_empty() { scope.to_owned() } else { texts.join(". ") }
    };
    let item = |scope: &String| {
        let only: BTreeSet<String> = [scope.clone()].into();
        let claims = preview::claims(&snapshot, client, &signed_in.person, &only).unwrap_or_default();
        let values: Vec<_> = claims
            .iter()
            .map(|(name, value)| (name, shown(name, value)))
            // What is empty tells the application nothing.
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| json!({ "label": name.replace('_', " "), "value": value }))
            .collect();
        json!({ "scope": scope, "title": descriptions(scope), "values": values })
    };
    scopes.iter().map(item).collect()
}

/// An item for the claims that are asked for by name and that no scope of the request brings.
fn by_name(snapshot: &Snapshot, client: &Client, signed_in: &SignedIn, request: &AuthorizeRequest) -> Option<Value> {
    let names = asked_claims::beyond_scopes(snapshot, client, &signed_in.person, request).unwrap_or_default();
    let claims = preview::claims(snapshot, client, &signed_in.person, &client.scopes).unwrap_or_default();
    let values = names.iter().map(|name| {
        let value = claims.get(name).map_or_else(|| NOT_KNOWN.to_owned(), |value| shown(name, value));
        json!({ "label": name.replace('_', " "), "value": value })
    });
    let values: Vec<_> = values.collect();
    (!values.is_empty()).then(|| json!({ "scope": "claims", "title": "See these details about you", "values": values }))
}

fn shown(name: &str, value: &Value) -> String {
    let text = match value {
        Value::Number(seconds) if name == "updated_at" => {
            let millis = seconds.as_i64().unwrap_or_default().saturating_mul(1000);
            doorward_core::clock::from_millis(millis).strftime("%Y-%m-%d").to_string()
        }
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Object(members) if name == "address" => {
            let parts = ADDRESS.iter().filter_map(|part| members.get(*part));
            parts.map(|part| shown("", part)).collect::<Vec<_>>().join(", ")
        }
        Value::Array(list) => list.iter().map(|item| shown("", item)).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    text.chars().take(SHOWN_MAX).collect()
}

/// `POST /consent`. Only "allow" allows.
pub async fn submit(State(app): State<App>, visitor: CurrentVisitor, form: Form) -> Response {
    let pending = match Pending::open(&app, &visitor, form.get("request")) {
        Ok(pending) => pending,
        Err(lost) => return lost_page(&app, &visitor, lost).await,
    };
    let Goal::Authorize(parameters) = &pending.goal else { return see_other("/if/user/") };
    // Shown to one person, answered by another, or not shown at all: the request is looked at again for the one who is here.
    if !visitor.signed_in.as_ref().is_some_and(|signed_in| pending.asks(Ask::Consent, signed_in.user.id)) {
        return endpoint::resume(&app, &visitor, &pending, Said::Nothing).await;
    }
    let trail = pending.trail(&app, &visitor);
    if form.get("decision") != "allow" {
        return deny(&app, &visitor, parameters, &trail).await;
    }
    match remember(&app, &visitor, parameters).await {
        Ok(()) => {
            let username = visitor.actor().name;
            let text = format!("{username} allowed it");
            app.timeline.note(&trail, StepDraft::good(StepKind::Consent, text));
            endpoint::resume(&app, &visitor, &pending, Said::Allow).await
        }
        Err(error) => ErrorPage::store(&error).render(&app, Some(&visitor)),
    }
}

/// Keeps the consent with those given before, if it is one to remember.
async fn remember(app: &App, visitor: &Visitor, parameters: &Parameters) -> store::Result<()> {
    let snapshot = app.snapshot();
    let client = parameters.get("client_id").and_then(|id| snapshot.by_client_id(id));
    let (Some(client), Some(signed_in)) = (client, &visitor.signed_in) else { return Ok(()) };
    if client.application.profile.consent != ConsentMode::FirstTime {
        return Ok(());
    }
    let redirect_uri = parameters.get("redirect_uri").unwrap_or_default();
    let rules = endpoint::rules(client, redirect_uri);
    // What cannot be read is refused when the request goes on.
    let Ok(request) = authorize::parse(parameters, redirect_uri, &rules) else { return Ok(()) };
    let Ok(mut claims) = asked_claims::beyond_scopes(&snapshot, client, &signed_in.person, &request) else {
        return Ok(());
    };
    let (user, application, now) = (signed_in.user.id, client.application.id, app.clock.now());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let mut scopes: BTreeSet<String> = request.scopes;
                if let Some(given) = store::consent::find(tx, user, application).await? {
                    scopes.extend(words(&given.scopes));
                    claims.extend(given.claims);
                }
                let consent = Consent { scopes: join(&scopes), claims };
                store::consent::upsert(tx, user, application, &consent, now).await
            })
        })
        .await
}

async fn deny(app: &App, visitor: &Visitor, parameters: &Parameters, trail: &Trail) -> Response {
    let snapshot = app.snapshot();
    let client = parameters.get("client_id").and_then(|id| snapshot.by_client_id(id));
    // The address was checked before it was sealed; the application may have changed since.
    let redirect_uri = parameters.get("redirect_uri").unwrap_or_default();
    let Some(client) = client.filter(|client| {
        let registered = &client.redirect_uris;
        let kind = doorward_core::redirect_uri::RedirectKind::Authorization;
        doorward_protocols::oauth::redirect_uri::is_allowed(redirect_uri, registered, kind) == Ok(true)
    }) else {
        return see_other("/if/user/");
    };
    let destination =
        Destination { client, redirect_uri, mode: ResponseMode::for_error(parameters), state: parameters.get("state") };
    let error = OAuthError::new(ErrorCode::AccessDenied, "The person did not allow it");
    refusal::refuse_at(app, visitor, &destination, &error, (trail, StepKind::Consent)).await
}
