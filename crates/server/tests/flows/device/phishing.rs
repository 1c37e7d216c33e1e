//! RFC 8628, section 5.4: somebody begins on a device of their own and sends the code to somebody else.

use super::{Codes, DEVICE, application, begin, type_code};
use crate::on_both;

on_both! {
    /// The page says from where the device asked, and warns if that is elsewhere.
    async fn the_question_says_where_the_device_is(app) {
        app.user("mallory", &[]).await;
        app.user("alice", &[]).await;
        let client = application(&app, "a").await;
        let mut device = app.browser();
        device.peer = "198.51.100.66".parse().unwrap();
        let fields = [("client_id", client.client_id.as_str()), ("scope", "openid email offline_access")];
        let given = device.request("POST", DEVICE, Some(&fields)).await.json();
        let codes = Codes {
            device_code: given["device_code"].as_str().unwrap().into(),
            user_code: given["user_code"].as_str().unwrap().into(),
        };
        let mut alice = app.signed_in("alice").await;
        alice.peer = "203.0.113.5".parse().unwrap();
        let question = type_code(&mut alice, &codes.user_code).await;
        let text = question.text();
        assert!(text.contains("id=\"elsewhere\"") && text.contains("198.51.100.66") && text.contains("203.0.113.5"), "{text}");
        assert!(text.contains("alice@example.org") && text.contains("they would be signed in as you"), "{text}");
        assert!(text.contains("It stays signed in"), "{text}");
        let mut beside = app.signed_in("alice").await;
        beside.peer = device.peer;
        let text = type_code(&mut beside, &codes.user_code).await.text();
        assert!(!text.contains("id=\"elsewhere\"") && text.contains("as your browser"), "{text}");
    }

    /// What the device says of its address counts only from listed proxies.
    async fn the_address_is_not_the_devices_to_say(app) {
        let client = application(&app, "a").await;
        let mut device = app.browser();
        device.peer = "198.51.100.66".parse().unwrap();
        device.headers.push(("x-forwarded-for", "10.0.0.1".to_owned()));
        let given = device.request("POST", DEVICE, Some(&[("client_id", &client.client_id)])).await.json();
        let mut admin = app.signed_in("admin").await;
        let question = type_code(&mut admin, given["user_code"].as_str().unwrap()).await;
        assert!(question.text().contains("198.51.100.66") && !question.text().contains("10.0.0.1"));
    }

    /// Codes are kept as hashes that cannot be tried out without the key.
    async fn codes_cannot_be_read_from_the_database(app) {
        let client = application(&app, "a").await;
        let codes = begin(&client, "openid").await;
        let plain = [codes.device_code.clone(), codes.user_code.clone(), doorward_core::cipher::sha256_hex(codes.user_code.as_bytes())];
        let kept = app.app.db.read(|tx| Box::pin(async move {
            tx.fetch::<String>("SELECT device_code_hash || ' ' || user_code_hash FROM device_codes", &[]).await
        })).await.unwrap();
        assert_eq!(kept.len(), 1);
        assert!(plain.iter().all(|plain| !kept[0].contains(plain.as_str())));
    }
}
