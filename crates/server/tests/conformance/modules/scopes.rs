//! Scopes and the claims they stand for. Claims come from userinfo if there is an access token, else in the ID token (OpenID
//! Connect Core 1.0, section 5.4).

use serde_json::{Map, Value};

use crate::{
    rp::{Run, answer::lists, claims::of_scope, flow::Outcome, request::AuthorizationRequest},
    variant::{ResponseType, Variant},
};

/// Where the claims of scopes are to be found.
#[track_caller]
fn place(outcome: &Outcome) -> &Map<String, Value> {
    outcome.userinfo.as_ref().unwrap_or(&outcome.id_token().claims)
}

/// Asks for scopes; everything they stand for must come, where it belongs and nowhere else.
async fn scopes(variant: Variant, scope: &str) -> Outcome {
    let mut run = Run::start(variant).await;
    let request = run.request().with("scope", scope);
    of_request(&mut run, &request).await
}

async fn of_request(run: &mut Run, request: &AuthorizationRequest) -> Outcome {
    let scopes: Vec<&str> = request.get("scope").unwrap().split(' ').collect();
    for scope in &scopes {
        assert!(lists(&run.metadata, "scopes_supported", scope), "{scope} is not offered");
    }
    let outcome = run.flow(request).await;
    let found = place(&outcome);
    for claim in scopes.iter().flat_map(|scope| of_scope(scope)) {
        assert!(found.contains_key(*claim), "no {claim} in {found:?}");
        assert!(lists(&run.metadata, "claims_supported", claim), "{claim} is not in claims_supported");
    }
    // What was not asked for is not told.
    for scope in ["profile", "email", "address", "phone"].into_iter().filter(|scope| !scopes.contains(scope)) {
        for claim in of_scope(scope) {
            assert!(!found.contains_key(*claim), "unasked {claim} in {found:?}");
        }
    }
    if run.response_type() != ResponseType::IdToken {
        for token in outcome.id_tokens() {
            for claims in ["profile", "email", "address", "phone"].map(of_scope) {
                token.has_none_of(claims);
            }
        }
    }
    outcome
}

pub(crate) async fn oidcc_scope_profile(variant: Variant) {
    scopes(variant, "openid profile").await;
}

pub(crate) async fn oidcc_scope_email(variant: Variant) {
    let outcome = scopes(variant, "openid email").await;
    assert!(!place(&outcome).contains_key("name"));
}

pub(crate) async fn oidcc_scope_address(variant: Variant) {
    let outcome = scopes(variant, "openid address").await;
    assert!(place(&outcome)["address"].is_object());
}

pub(crate) async fn oidcc_scope_phone(variant: Variant) {
    let outcome = scopes(variant, "openid phone").await;
    assert!(place(&outcome)["phone_number_verified"].is_boolean());
}

pub(crate) async fn oidcc_scope_all(variant: Variant) {
    scopes(variant, "openid email phone address profile").await;
}

/// Words of `scope` and parameters in another order.
pub(crate) async fn oidcc_alternate_happy_flow(variant: Variant) {
    let mut run = Run::start(variant).await;
    let mut request = run.request().with("scope", "email openid");
    request.0.sort_by(|a, b| b.cmp(a));
    let outcome = of_request(&mut run, &request).await;
    assert!(!place(&outcome).contains_key("name"));
}

/// An essential `name`, without the scope that stands for it. It goes where it was asked for, and nowhere else.
pub(crate) async fn oidcc_claims_essential(variant: Variant) {
    let mut run = Run::start(variant).await;
    assert_eq!(run.metadata["claims_parameter_supported"], true);
    let is_id_token = variant.response_type == ResponseType::IdToken;
    let claims = if is_id_token {
        r#"{"id_token":{"name":{"essential":true}}}"#
    } else {
        r#"{"userinfo":{"name":{"essential":true}}}"#
    };
    let request = run.request().with("claims", claims);
    let outcome = run.flow(&request).await;
    assert_eq!(place(&outcome)["name"], "Certified Test User");
    assert!(!place(&outcome).contains_key("email"));
    if !is_id_token {
        outcome.id_tokens().for_each(|token| token.has_none_of(&["name"]));
    }
}
