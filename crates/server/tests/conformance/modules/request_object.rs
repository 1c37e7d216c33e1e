//! Request objects, which are either understood or refused; never overlooked (OpenID Connect Core 1.0, sections 3.1.2.6 and 6).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{
    rp::{AuthorizationRequest, CALLBACK, Run},
    variant::{ResponseMode, Variant},
};

/// An unsigned object with the whole request, and the request that carries it: what OAuth needs stays outside, everything
/// else, `state` and `nonce` too, is inside alone.
fn carried(request: &AuthorizationRequest) -> (String, AuthorizationRequest) {
    let claims: Map<String, Value> =
        request.0.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let object = format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&Value::from(claims).to_string()));
    let mut outside = request.clone();
    outside.0.retain(|(name, _)| ["response_type", "client_id", "scope", "redirect_uri"].contains(&name.as_str()));
    (object, outside)
}

/// By value. `state` does not come back, and a nonce that is not outside is not missed first. Only where the answer travels is
/// looked up inside: the suite listens nowhere else.
pub(crate) async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(variant: Variant) {
    let mut run = Run::start(variant).await;
    assert_eq!(run.metadata["request_parameter_supported"], false);
    let (object, outside) = carried(&run.request());
    let outside = outside.with("request", &object);
    let answer = run.authorize(&outside).await.answer();
    assert_eq!(run.check_error(&outside, &answer), "request_not_supported");
}

/// By reference. It must be said that it is not supported: left out it would mean that it is. What is at the address is never
/// fetched, so that the answer travels as is usual.
pub(crate) async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(variant: Variant) {
    let mut run = Run::start(variant).await;
    assert_eq!(run.metadata["request_uri_parameter_supported"], false);
    let (_, outside) = carried(&run.request());
    let outside = outside.with("request_uri", "https://suite.example.org/test/a/doorward/request_uri/1234#abcd");
    let answer = run.authorize(&outside).await.answer();
    run.variant.mode = ResponseMode::Default;
    assert_eq!(run.check_error(&outside, &answer), "request_uri_not_supported");
}

/// The object has the right redirect URI and the address a wrong one: a page, since objects are not read.
pub(crate) async fn oidcc_ensure_request_object_with_redirect_uri(variant: Variant) {
    let mut run = Run::start(variant).await;
    let (object, outside) = carried(&run.request());
    let outside = outside.with("redirect_uri", &format!("{CALLBACK}_invalid")).with("request", &object);
    let page = run.authorize(&outside).await.error_page();
    assert!(page.body.contains("Wrong return address"), "{}", page.body);
}
