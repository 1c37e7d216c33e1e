//! Every limit, reached.

use super::{DEVICE, allow, answer, application, begin, poll, type_code};
use crate::{
    on_both,
    support::{OAuthClient, Page, TestApp},
};
use doorward_server::{
    jobs,
    oidc::device_limits::{
        OPEN_PER_ADDRESS, OPEN_PER_CLIENT, OPEN_PER_REGION, OPEN_PER_SITE, REQUESTS_PER_ADDRESS, REQUESTS_PER_REGION,
        REQUESTS_PER_SITE, WRONG_PER_ACCOUNT, WRONG_PER_ADDRESS,
    },
};
use doorward_store as store;
use futures::future::join_all;
use jiff::SignedDuration;

/// A request for a code from an address.
async fn ask_from(app: &TestApp, client: &OAuthClient, address: &str) -> Page {
    let mut device = app.browser();
    device.peer = address.parse().unwrap();
    device.request("POST", DEVICE, Some(&[("client_id", &client.client_id), ("scope", "openid")])).await
}

/// How many codes there are.
async fn kept(app: &TestApp) -> i64 {
    let count =
        app.app.db.read(|tx| Box::pin(async move { tx.fetch_one("SELECT COUNT(*) FROM device_codes", &[]).await }));
    count.await.unwrap()
}

/// Lets time pass until what waits has expired.
fn wait(app: &TestApp, minutes: i64) {
    app.clock.advance(SignedDuration::from_mins(minutes));
}

on_both! {
    /// An address has so many devices waiting, and no more however fast it asks.
    async fn devices_of_an_address_are_bounded(app) {
        let client = application(&app, "a").await;
        let tries = OPEN_PER_ADDRESS + 15;
        let pages = join_all((0..tries).map(|_| ask_from(&app, &client, "198.51.100.7"))).await;
        assert_eq!(i64::try_from(pages.iter().filter(|page| page.status == 200).count()).unwrap(), OPEN_PER_ADDRESS);
        assert_eq!(kept(&app).await, OPEN_PER_ADDRESS);
        let refused = pages.iter().find(|page| page.status != 200).unwrap();
        assert_eq!((refused.status, refused.json()["error"].as_str()), (429, Some("slow_down")));
        assert_eq!(refused.header("retry-after"), "60");
        assert_eq!(ask_from(&app, &client, "198.51.100.8").await.status, 200);
        // One that is decided makes room.
        let given = pages.iter().find(|page| page.status == 200).unwrap().json();
        let mut browser = app.signed_in("admin").await;
        let question = type_code(&mut browser, given["user_code"].as_str().unwrap()).await;
        answer(&mut browser, &question, "deny").await;
        assert_eq!(ask_from(&app, &client, "198.51.100.7").await.status, 200);
        assert_eq!(ask_from(&app, &client, "198.51.100.7").await.status, 429);
    }

    /// An address asks so often in an hour, whatever becomes of its codes; cleaning in between changes nothing.
    async fn requests_of_an_address_are_bounded(app) {
        let client = application(&app, "a").await;
        let mut given = 0;
        for _ in 0..4 {
            for _ in 0..OPEN_PER_ADDRESS {
                given += i64::from(ask_from(&app, &client, "198.51.100.7").await.status == 200);
            }
            wait(&app, 11);
            jobs::clean(&app.app).await.unwrap();
        }
        assert_eq!(given, REQUESTS_PER_ADDRESS);
        let refused = ask_from(&app, &client, "198.51.100.7").await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "960"));
        wait(&app, 16);
        assert_eq!(ask_from(&app, &client, "198.51.100.7").await.status, 200);
    }

    /// A client has so many devices waiting, from wherever they ask.
    async fn devices_of_a_client_are_bounded(app) {
        let (client, other) = (application(&app, "a").await, application(&app, "b").await);
        let provider = app.app.snapshot().by_client_id(&client.client_id).unwrap().provider.id;
        let now = app.clock.now();
        let attempt = doorward_core::id::AttemptId::new(&app.clock);
        app.app.db.write(move |tx| Box::pin(async move {
            for number in 1..OPEN_PER_CLIENT {
                let code = store::device_code::DeviceCode {
                    hash: format!("device{number}"), user_code_hash: format!("user{number}"), provider,
                    scopes: String::new(), address: String::new(), network: format!("network{number}"),
                    site: format!("site{number}"), region: format!("region{number}"),
                    created_at: now, expires_at: now + SignedDuration::from_mins(10), attempt,
                    decided_at: None, decided_by: None, grant: None, consumed_at: None,
                };
                assert!(store::device_code::insert(tx, &code).await?);
            }
            Ok(())
        })).await.unwrap();
        let addresses: Vec<_> = (1..20).map(|number| format!("198.51.100.{number}")).collect();
        let pages = join_all(addresses.iter().map(|address| ask_from(&app, &client, address))).await;
        assert_eq!(pages.iter().filter(|page| page.status == 200).count(), 1);
        assert_eq!(kept(&app).await, OPEN_PER_CLIENT);
        assert_eq!(ask_from(&app, &other, "198.51.100.77").await.status, 200);
        wait(&app, 11);
        assert_eq!(ask_from(&app, &client, "198.51.100.78").await.status, 200);
    }

    /// Whoever has an IPv6 /48 has 65,536 of what counts as an address, and gets a small share of a client's devices all the same.
    async fn devices_of_a_site_are_bounded(app) {
        let (client, other) = (application(&app, "a").await, application(&app, "b").await);
        let of_site = |number: i64| format!("2001:db8:5:{:x}::{:x}", number % 40, number + 1);
        let addresses: Vec<_> = (0..OPEN_PER_SITE + 20).map(of_site).collect();
        let pages = join_all(addresses.iter().map(|address| ask_from(&app, &client, address))).await;
        assert_eq!(i64::try_from(pages.iter().filter(|page| page.status == 200).count()).unwrap(), OPEN_PER_SITE);
        assert_eq!(ask_from(&app, &client, "2001:db8:5:ffff::1").await.status, 429);
        // Everybody else, and the other client, go on.
        assert_eq!(ask_from(&app, &client, "2001:db8:6::1").await.status, 200);
        assert_eq!(ask_from(&app, &client, "198.51.100.7").await.status, 200);
        assert_eq!(ask_from(&app, &other, "2001:db8:5:ffff::1").await.status, 200);
        // So does somebody with a /32, or with much of an IPv4 provider.
        for number in 0..OPEN_PER_REGION {
            ask_from(&app, &client, &format!("2001:db8:{:x}:{:x}::1", 16 + number % 30, number)).await;
        }
        assert_eq!(kept(&app).await, OPEN_PER_REGION + 2);
        assert_eq!(ask_from(&app, &client, "2001:db8:7::1").await.status, 429);
        assert_eq!(ask_from(&app, &client, "2001:db9::1").await.status, 200);
        assert_eq!(ask_from(&app, &client, "198.51.101.7").await.status, 200);
    }

    /// So are its requests, which leave counters behind, and one address of it alone cannot use them up.
    async fn requests_of_a_site_are_bounded(app) {
        let client = application(&app, "a").await;
        for _ in 0..REQUESTS_PER_ADDRESS + 30 {
            ask_from(&app, &client, "2001:db8:5:1::1").await;
        }
        let mut counters = 0;
        for number in REQUESTS_PER_ADDRESS..REQUESTS_PER_SITE {
            let page = ask_from(&app, &client, &format!("2001:db8:5:{:x}::1", 100 + number)).await;
            assert!(page.status == 200 || page.header("retry-after") == "60", "{}", page.text());
            counters += 1;
        }
        assert_eq!(counters, REQUESTS_PER_SITE - REQUESTS_PER_ADDRESS);
        let throttles = async || {
            let sql = "SELECT COUNT(*) FROM throttles";
            let count = app.app.db.read(|tx| Box::pin(async move { tx.fetch_one::<i64>(sql, &[]).await }));
            count.await.unwrap()
        };
        let before = throttles().await;
        let refused = ask_from(&app, &client, "2001:db8:5:ffff::1").await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "3600"));
        assert_eq!(throttles().await, before, "what is refused leaves nothing behind");
        assert_eq!(ask_from(&app, &client, "2001:db8:6::1").await.status, 200);
        wait(&app, 61);
        assert_eq!(ask_from(&app, &client, "2001:db8:5:ffff::1").await.status, 200);
    }

    /// The same of a region, whose counter is filled beforehand.
    async fn requests_of_a_region_are_bounded(app) {
        let (client, now) = (application(&app, "a").await, app.clock.now());
        let since = now - SignedDuration::from_mins(59);
        let name = format!("{}device-region:2001:db8::/32", store::throttle::CODES);
        app.app.db.write(move |tx| Box::pin(async move {
            for _ in 0..REQUESTS_PER_REGION - 1 {
                store::throttle::count(tx, &name, now, since).await?;
            }
            Ok(())
        })).await.unwrap();
        assert_eq!(ask_from(&app, &client, "2001:db8:5::1").await.status, 200);
        assert_eq!(ask_from(&app, &client, "2001:db8:6::1").await.status, 429);
        assert_eq!(ask_from(&app, &client, "2001:db9::1").await.status, 200);
        wait(&app, 61);
        assert_eq!(ask_from(&app, &client, "2001:db8:6::1").await.status, 200);
    }

    /// Nobody who is not let in leaves a row, and what has expired is forgotten.
    async fn anonymous_requests_do_not_fill_the_database(app) {
        let client = application(&app, "a").await;
        let not_for_devices = app.client(&app.application("other").await);
        for number in 0..5 {
            assert_eq!(ask_from(&app, &not_for_devices, &format!("198.51.100.{number}")).await.status, 400);
        }
        assert_eq!(kept(&app).await, 0);
        ask_from(&app, &client, "198.51.100.7").await;
        assert_eq!(kept(&app).await, 1);
        wait(&app, 69);
        jobs::clean(&app.app).await.unwrap();
        assert_eq!(kept(&app).await, 1, "remembered, so that late devices are told the truth");
        wait(&app, 1);
        jobs::clean(&app.app).await.unwrap();
        assert_eq!(kept(&app).await, 0);
    }

    /// Nine digits can be guessed: an account may be wrong so often in an hour. Right codes in between, of devices of one's
    /// own, do not begin it anew; neither does another session.
    async fn wrong_codes_of_an_account_are_bounded(app) {
        app.user("alice", &[]).await;
        let client = application(&app, "a").await;
        let mut alice = app.signed_in("alice").await;
        for number in 0..WRONG_PER_ACCOUNT {
            let page = type_code(&mut alice, &format!("00000000{}", number % 10)).await;
            assert!(page.status == 400 && page.body.contains("No device waits with this code"), "{number}: {}", page.text());
            if number % 3 == 1 {
                let own = begin(&client, "openid").await;
                allow(&mut alice, &own).await;
                assert_eq!(poll(&client, &own).await.status, 200);
            }
        }
        let codes = begin(&client, "openid").await;
        let mut again = app.signed_in("alice").await;
        for browser in [&mut alice, &mut again] {
            let page = type_code(browser, &codes.user_code).await;
            assert!(page.status == 429 && page.body.contains("wrong codes for this account"), "{}", page.text());
            assert_eq!(page.header("retry-after"), "3600");
        }
        // Nobody else is shut out, and an hour later neither is alice.
        allow(&mut app.signed_in("admin").await, &codes).await;
        wait(&app, 60);
        allow(&mut again, &begin(&client, "openid").await).await;
    }

    /// Guesses at the same time are counted before they are looked at.
    async fn guesses_at_once_are_counted_too(app) {
        app.user("alice", &[]).await;
        let browser = app.signed_in("alice").await;
        let guesses = (0..30).map(|number| {
            let mut browser = browser.clone();
            async move { type_code(&mut browser, &format!("{number:09}")).await.status }
        });
        let statuses = join_all(guesses).await;
        let looked_at = statuses.iter().filter(|status| **status == 400).count();
        assert_eq!(i64::try_from(looked_at).unwrap(), WRONG_PER_ACCOUNT);
    }

    /// So may an address, whoever types there; and one account alone cannot use that up for the others.
    async fn wrong_codes_of_an_address_are_bounded(app) {
        let accounts = WRONG_PER_ADDRESS / WRONG_PER_ACCOUNT;
        let client = application(&app, "a").await;
        for number in 0..accounts {
            let username = format!("user{number}");
            app.user(&username, &[]).await;
            let mut browser = app.signed_in(&username).await;
            browser.peer = "198.51.100.7".parse().unwrap();
            for _ in 0..(WRONG_PER_ACCOUNT + 5) {
                type_code(&mut browser, "123123123").await;
            }
        }
        let codes = begin(&client, "openid").await;
        let mut admin = app.signed_in("admin").await;
        admin.peer = "198.51.100.7".parse().unwrap();
        let page = type_code(&mut admin, &codes.user_code).await;
        assert!(page.status == 429 && page.body.contains("wrong codes from this address"), "{}", page.text());
        admin.peer = "198.51.100.8".parse().unwrap();
        allow(&mut admin, &codes).await;
    }
}
