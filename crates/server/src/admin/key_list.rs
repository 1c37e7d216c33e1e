//! `/if/admin/keys/`: signing keys.

use axum::{extract::Path, response::Response};
use doorward_core::{
    lifetime::Lifetime,
    problem::Problems,
    signing_key::{KeyAlgorithm, KeyVersion, SigningKey, VersionState},
    user::key,
};
use doorward_protocols::jose::import::RsaScheme;
use serde_json::{Value, json};

use super::{
    desk::{Desk, Done, Page},
    fields,
};
use crate::{
    error::OperationError,
    http::form::Form,
    keys,
    snapshot::{Snapshot, version_states},
};

const PAGE: Page = Page { template: "admin_keys.html", nav: "keys" };
const HERE: &str = "/if/admin/keys/";

/// What stands in the two forms of the page.
#[derive(Debug, Default)]
struct Typed<'a> {
    generate_name: &'a str,
    import_name: &'a str,
    algorithm: &'a str,
    is_pss: bool,
    /// The key whose schedule was typed, and what.
    schedule: Option<(&'a str, &'a str)>,
}

/// `GET /if/admin/keys/`.
pub(super) async fn show(desk: Desk) -> Response {
    page(&desk, &Typed::default(), &Problems::default())
}

/// `POST /if/admin/keys/generate/`.
pub(super) async fn generate(desk: Desk, form: Form) -> Response {
    let (name, algorithm) = (form.get("name"), form.get("algorithm"));
    let added = match KeyAlgorithm::parse(algorithm) {
        Some(algorithm) => keys::generate(&desk.app, &desk.actor, name, algorithm).await,
        None => Err(OperationError::invalid("algorithm", "Choose an algorithm.")),
    };
    let typed = Typed { generate_name: name, algorithm, ..Typed::default() };
    answer(&desk, added, &typed, "generate-name")
}

/// `POST /if/admin/keys/import/`.
pub(super) async fn import(desk: Desk, form: Form) -> Response {
    let (name, is_pss) = (form.get("name"), form.is_ticked("rsa_pss"));
    let scheme = if is_pss { RsaScheme::Pss } else { RsaScheme::Pkcs1 };
    let added = keys::import(&desk.app, &desk.actor, name, form.get("pem"), scheme).await;
    answer(&desk, added, &Typed { import_name: name, is_pss, ..Typed::default() }, "import-name")
}

/// `POST /if/admin/keys/<id>/rotate/`: the next version is published now and signs after a while.
pub(super) async fn rotate(desk: Desk, Path(id): Path<String>, _form: Form) -> Response {
    let rotated = keys::rotate(&desk.app, &desk.actor, &id, false).await;
    desk.settle(rotated.map(|_| Desk::done(HERE, Done::KeyRotated)))
}

/// `POST /if/admin/keys/<id>/replace/`: the key may have leaked.
pub(super) async fn replace(desk: Desk, Path(id): Path<String>, _form: Form) -> Response {
    let replaced = keys::replace_leaked(&desk.app, &desk.actor, &id).await;
    desk.settle(replaced.map(|_| Desk::done(HERE, Done::KeyReplaced)))
}

/// `POST /if/admin/keys/<id>/schedule/`: how often it is rotated by itself; an empty field means never.
pub(super) async fn schedule(desk: Desk, Path(id): Path<String>, form: Form) -> Response {
    let typed = form.get("rotation_interval").trim();
    let read = if typed.is_empty() { Ok(Lifetime::seconds(0)) } else { typed.parse::<Lifetime>() };
    let saved = match read {
        Ok(interval) => keys::set_schedule(&desk.app, &desk.actor, &id, interval).await,
        Err(error) => Err(OperationError::invalid("rotation_interval", fields::sentence(&error))),
    };
    match saved {
        Ok(_) => Desk::done(HERE, Done::Saved),
        Err(OperationError::Invalid(problems)) => {
            page(&desk, &Typed { schedule: Some((&id, typed)), ..Typed::default() }, &problems)
        }
        Err(error) => desk.settle(Err(error)),
    }
}

/// `POST /if/admin/keys/<id>/delete/`.
pub(super) async fn delete(desk: Desk, Path(id): Path<String>, _form: Form) -> Response {
    let deleted = keys::delete(&desk.app, &desk.actor, &id).await;
    desk.settle(deleted.map(|()| Desk::done(HERE, Done::Deleted)))
}

/// Both forms have a field "name"; `name_field` says which of the two it was.
fn answer(
    desk: &Desk,
    added: Result<SigningKey, OperationError>,
    typed: &Typed<'_>,
    name_field: &'static str,
) -> Response {
    match added {
        Ok(_) => Desk::done(HERE, Done::Added),
        Err(OperationError::Invalid(mut problems)) => {
            for problem in &mut problems.0 {
                if problem.field == "name" {
                    problem.field = name_field;
                }
            }
            page(desk, typed, &problems)
        }
        Err(error) => desk.settle(Err(error)),
    }
}

fn page(desk: &Desk, typed: &Typed<'_>, problems: &Problems) -> Response {
    let snapshot = desk.app.snapshot();
    let mut sorted: Vec<&SigningKey> = snapshot.keys.iter().collect();
    sorted.sort_by_key(|signing_key| key(&signing_key.name));
    let cards = sorted.into_iter().flat_map(|signing_key| versions(desk, &snapshot, signing_key, typed.schedule));
    let cards: Vec<Value> = cards.collect();
    let algorithms = KeyAlgorithm::ALL.iter().map(|(_, value, label)| (*value, *label));
    let context = json!({
        "keys": cards,
        "algorithms": fields::choices(algorithms, typed.algorithm),
        "form": {
            "generate_name": typed.generate_name,
            "import_name": typed.import_name,
            "rsa_pss": typed.is_pss,
        },
        "publication": Lifetime::seconds(desk.app.config.key_publication.as_secs()).to_string(),
    });
    desk.form(PAGE, context, problems)
}

/// The versions of a key, newest first. Those that are no longer published are left out.
fn versions(desk: &Desk, snapshot: &Snapshot, signing_key: &SigningKey, typed: Option<(&str, &str)>) -> Vec<Value> {
    let now = desk.app.clock.now();
    let interval = signing_key.rotation_interval;
    let schedule = if interval == Lifetime::seconds(0) { String::new() } else { interval.to_string() };
    let typed = typed.filter(|(id, _)| *id == signing_key.id.to_string()).map(|(_, text)| text.to_owned());
    // The same moment as "signs from" of the version that waits, if one does.
    let next = signing_key.next_rotation(now).filter(|_| signing_key.waiting(now).is_none());
    let used_by = keys::used_by(&desk.app, signing_key.id);
    let can_delete = used_by.is_empty() && snapshot.keys.len() > 1;
    let states = version_states(snapshot, signing_key, now);
    let published = states.into_iter().rev().filter(|(_, state)| *state != VersionState::Expired);
    let card = |(version, state): (KeyVersion, VersionState)| {
        let signs_from = (state == VersionState::Next).then(|| fields::time(version.activates_at));
        json!({
            "id": version.id,
            "key_id": signing_key.id,
            "name": signing_key.name,
            "algorithm": version.algorithm.as_str(),
            "kid": version.kid,
            "state": state,
            "created": fields::time(version.created_at),
            "signs_from": signs_from.unwrap_or_default(),
            "used_by": used_by,
            "has_certificate": !version.certificate.is_empty(),
            "can_delete": can_delete,
            "signing_alg": version.algorithm.jws_name(),
            "rotation_interval": typed.as_ref().unwrap_or(&schedule),
            "is_typed": typed.is_some(),
            "next_rotation": next.map(fields::time).unwrap_or_default(),
        })
    };
    published.map(card).collect()
}
