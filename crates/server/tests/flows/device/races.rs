//! The same at the same time.

use super::{allow, answer, application, begin, poll, type_code};
use crate::on_both;
use futures::future::join_all;

on_both! {
    /// Fifty at once: one is given tokens, and then everything is taken back, since somebody else has the code.
    async fn a_code_fetched_fifty_times_at_once_has_one_winner(app) {
        let client = application(&app, "a").await;
        let codes = begin(&client, "openid offline_access").await;
        allow(&mut app.signed_in("admin").await, &codes).await;
        let answers = join_all((0..50).map(|_| poll(&client, &codes))).await;
        let winners: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(winners.len(), 1);
        assert!(answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.error() == "invalid_grant"));
        assert_eq!(client.refresh(&winners[0].text("refresh_token")).await.error(), "invalid_grant");
    }

    /// Twenty people at once: one allows, and the device is theirs.
    async fn a_code_is_allowed_by_one_person(app) {
        let client = application(&app, "a").await;
        let codes = begin(&client, "openid profile").await;
        let mut people = Vec::new();
        for number in 0..20 {
            let username = format!("user{number}");
            app.user(&username, &[]).await;
            let mut browser = app.signed_in(&username).await;
            let question = type_code(&mut browser, &codes.user_code).await;
            people.push((username, browser, question));
        }
        let answers = people.iter_mut().map(|(_, browser, question)| async { answer(browser, question, "allow").await });
        let pages = join_all(answers).await;
        let allowed: Vec<_> = pages.iter().map(|page| page.body.contains("id=\"device-allowed\"")).collect();
        assert_eq!(allowed.iter().filter(|is_allowed| **is_allowed).count(), 1);
        assert!(pages.iter().all(|page| page.status == 200 || page.status == 400));
        let winner = allowed.iter().position(|is_allowed| *is_allowed).unwrap();
        let tokens = poll(&client, &codes).await;
        assert_eq!(tokens.claims("id_token")["preferred_username"], people[winner].0.as_str());
    }

    /// Allowed and denied at once: one of the two.
    async fn allowed_and_denied_at_once_is_one_of_them(app) {
        let client = application(&app, "a").await;
        for _ in 0..5 {
            let codes = begin(&client, "openid").await;
            let mut first = app.signed_in("admin").await;
            let question = type_code(&mut first, &codes.user_code).await;
            let mut second = first.clone();
            let (yes, no) = tokio::join!(answer(&mut first, &question, "allow"), answer(&mut second, &question, "deny"));
            assert_eq!([yes.status, no.status].iter().filter(|status| **status == 200).count(), 1);
            assert_eq!(poll(&client, &codes).await.status == 200, yes.status == 200);
        }
    }
}
