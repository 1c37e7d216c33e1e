//! Signing keys, claim mappings, and the first page.

use axum::http::StatusCode;
use doorward_core::signing_key::KeyAlgorithm;
use doorward_server::{actor::Actor, keys};

use super::browser::House;

const KEYS: &str = "/if/admin/keys/";
const NEW_MAPPING: &str = "/if/admin/mappings/new/";

#[tokio::test]
async fn keys_are_generated_rotated_and_deleted() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let page = browser.done(&format!("{KEYS}generate/"), &[("name", "Fast <key>"), ("algorithm", "ec-p256")]).await;
    assert!(page.has("Fast &lt;key&gt;") && !page.has("<key>"));
    let key = keys::find(&house.app, "Fast <key>").unwrap();
    assert!(page.has(&key.versions[0].kid) && page.has(&format!("{KEYS}{}/delete/", key.id)));

    let page = browser.done(&format!("{KEYS}{}/rotate/", key.id), &[]).await;
    assert!(page.has("state-warn\">Next") && page.has("Signs from"));
    let key = keys::find(&house.app, "Fast <key>").unwrap();
    assert!(key.versions.len() == 2 && key.versions.iter().all(|version| page.has(&version.kid)));

    let page = browser.done(&format!("{KEYS}{}/delete/", key.id), &[]).await;
    assert!(!page.has("Fast &lt;key&gt;"));
    let only = house.app.snapshot().keys[0].id;
    assert!(!page.has(&format!("{KEYS}{only}/delete/")));
    assert_eq!(browser.post(&format!("{KEYS}{only}/delete/"), &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post(&format!("{KEYS}{}/rotate/", key.id), &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn keys_are_refused_at_the_right_form() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let name = house.app.snapshot().keys[0].name.clone();
    let taken = [("name", name.as_str()), ("algorithm", "ed25519")];
    let page = browser.refused(&format!("{KEYS}generate/"), &taken, "generate-name", "of that name").await;
    assert!(page.tag("id=\"generate-name\"").contains(&format!("value=\"{name}\"")) && page.is_selected("ed25519"));
    assert!(page.tag("id=\"import-name\"").contains("value=\"\""));
    let odd = [("name", "k"), ("algorithm", "hs256")];
    browser.refused(&format!("{KEYS}generate/"), &odd, "algorithm", "Choose an algorithm").await;
    let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
    let page = browser.refused(&format!("{KEYS}import/"), &[("name", "mine"), ("pem", pem)], "pem", "</p>").await;
    assert!(page.tag("id=\"import-name\"").contains("value=\"mine\"") && !page.has("AAAA"), "the PEM is not sent back");
}

#[tokio::test]
async fn a_key_is_imported() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let page = browser.done(&format!("{KEYS}import/"), &[("name", "Brought"), ("pem", &pair.serialize_pem())]).await;
    let key = keys::find(&house.app, "Brought").unwrap();
    assert!(page.has(&key.versions[0].kid) && page.has("ec-p256"));
}

#[tokio::test]
async fn a_schedule_is_saved_shown_and_refused_at_its_key() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let (id, name) = (house.app.snapshot().keys[0].id, house.app.snapshot().keys[0].name.clone());
    let other = keys::generate(&house.app, &Actor::command_line(), "other", KeyAlgorithm::EcP521).await.unwrap();
    let path = format!("{KEYS}{id}/schedule/");
    let page = browser.done(&path, &[("rotation_interval", " days=90 ")]).await;
    assert!(page.has("value=\"days=90\"") && page.has("The next version signs from") && page.has("signs with ES512"));
    let page =
        browser.refused(&path, &[("rotation_interval", "hours=2")], "rotation_interval", "at least days=1").await;
    assert!(page.has("value=\"hours=2\"") && page.has(&format!("{KEYS}{}/schedule/", other.id)));
    browser.refused(&path, &[("rotation_interval", "soon")], "rotation_interval", "names no unit").await;
    assert_eq!(keys::find(&house.app, &name).unwrap().rotation_interval.to_string(), "days=90");
    let page = browser.done(&path, &[("rotation_interval", "")]).await;
    assert!(!page.has("days=90\"") && !page.has("The next version signs from"));
    assert_eq!(browser.post(&format!("{KEYS}nobody/schedule/"), &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_leaked_key_is_replaced_at_once() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let key = house.app.snapshot().keys[0].clone();
    browser.done(&format!("{KEYS}{}/rotate/", key.id), &[]).await;
    let page = browser.done(&format!("{KEYS}{}/replace/", key.id), &[]).await;
    let now = keys::find(&house.app, &key.name).unwrap();
    assert!(now.versions.len() == 1 && now.versions[0].kid != key.versions[0].kid);
    assert!(
        page.has(&now.versions[0].kid) && !page.has(&key.versions[0].kid) && page.text("notice").contains("withdrawn")
    );
}

#[tokio::test]
async fn an_rsa_key_is_imported_for_ps256_and_no_other_kind() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap().serialize_pem();
    let typed = [("name", "EC"), ("pem", pair.as_str()), ("rsa_pss", "true")];
    let page = browser.refused(&format!("{KEYS}import/"), &typed, "pem", "nly RSA keys can sign with PS256").await;
    assert!(page.is_checked("id=\"rsa_pss\""));
    browser.done(&format!("{KEYS}import/"), &typed[..2]).await;
    assert_eq!(keys::find(&house.app, "EC").unwrap().versions[0].algorithm, KeyAlgorithm::EcP521);
}

#[tokio::test]
async fn mappings_are_written_tried_and_deleted() {
    let house = House::new().await;
    house.add_user("alice", "Alice Example").await;
    let mut browser = house.admin().await;
    let typed = [("name", "Shoe <size>"), ("scope", "shoes"), ("expression", "{\"shoe\": user.username ~ \"-42\"}")];
    let tried = [typed.as_slice(), &[("preview_user", "alice")]].concat();
    let page = browser.post(&format!("{NEW_MAPPING}preview/"), &tried).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text("preview-result").contains("\"shoe\": \"alice-42\""));
    assert_eq!((page.value("name").as_str(), page.area("expression").as_str()), ("Shoe <size>", typed[2].1));
    assert_eq!(house.app.snapshot().mappings.len(), 6, "a preview saves nothing");

    let page = browser.done(NEW_MAPPING, &typed).await;
    assert!(page.heading().contains("Shoe &lt;size&gt;"));
    let here = page.location.clone();
    let broken = [("name", "Shoes"), ("scope", "two words"), ("expression", "{\"shoe\": "), ("preview_user", "alice")];
    let page = browser.post(&format!("{here}preview/"), &broken).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.has("id=\"preview-error\"") && !page.has("id=\"preview-result\""));
    let page = browser.refused(&here, &broken, "scope", "one word").await;
    assert_eq!(page.area("expression"), "{\"shoe\": ");
    browser.refused(&here, &[("name", "Shoes"), ("scope", "shoes"), ("expression", "{")], "expression", "</p>").await;
    browser.refused(&format!("{here}preview/"), &typed, "preview_user", "Give a username").await;
    let ghost = [typed.as_slice(), &[("preview_user", "ghost")]].concat();
    browser.refused(&format!("{here}preview/"), &ghost, "preview_user", "Nobody has the username").await;

    let lines = [("name", "Shoes"), ("scope", "shoes"), ("expression", "{\r\n\"shoe\": 1\r\n}")];
    assert_eq!(browser.done(&here, &lines).await.area("expression"), "{\n\"shoe\": 1\n}");
    assert!(browser.get("/if/admin/mappings/").await.has("<bdi>Shoes</bdi>"));
    browser.refused(NEW_MAPPING, &lines, "name", "of that name").await;
    let page = browser.done(&format!("{here}delete/"), &[]).await;
    assert!(!page.has("<bdi>Shoes</bdi>"));
    assert_eq!(browser.get(&here).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_first_page_counts_checks_and_finds_references() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let page = browser.get("/if/admin/").await;
    assert!(page.has("<strong>0</strong> Applications") && page.has("<strong>1</strong> People"));
    assert!(page.has("make a second one") && page.has("works on this computer only"));
    assert!(page.has("made the first administrator admin") && page.has("admin signed in"));
    let events = page.between("id=\"latest\"", "</table>");
    let row = events.split("<tr>").find(|row| row.contains("made the first administrator")).unwrap();
    let reference = row.split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
    let page = browser.get(&format!("/if/admin/?reference={reference}")).await;
    assert!(page.has("made the first administrator admin") && !page.has("admin signed in"));
    let page = browser.get("/if/admin/?reference=%3Cb%3E").await;
    assert!(page.has("Nothing in the activity has this reference") && page.has("&lt;b&gt;") && !page.has("<b>"));
}

#[tokio::test]
async fn notices_say_only_what_doorward_says() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    assert_eq!(browser.get("/if/admin/users/?done=saved").await.text("notice"), "Your changes are saved.");
    let page = browser.get("/if/admin/users/?done=Call+this+number").await;
    assert!(!page.has("id=\"notice\"") && !page.has("Call this number"));
}
