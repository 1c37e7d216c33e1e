//! Sign-ins to applications behind forward auth.

use super::{concludes, kinds};
use crate::{
    on_both,
    support::{Guest, PAGE, PASSWORD},
};
use doorward_core::timeline::{AttemptMethod, Ending, StepKind::*};
use doorward_server::timeline::read::Record;

/// The attempts by way of forward auth.
fn guarded(records: Vec<Record>) -> Vec<Record> {
    records.into_iter().filter(|record| record.attempt.method == AttemptMethod::Proxy).collect()
}

on_both! {
    /// From the first page of the application to the session there: one record.
    async fn a_sign_in_at_a_protected_host_is_one_record(app) {
        app.user("alice", &[]).await;
        app.guarded("netbox", |_| {}).await;
        Guest::new(&app).signs_in("alice", PAGE).await;
        let record = app.attempt_to("netbox").await;
        concludes(&record, Ending::Good, "alice signed in to App netbox.");
        assert_eq!((record.attempt.method, kinds(&record).pop()), (AttemptMethod::Proxy, Some(ProxySession)));
        assert!(kinds(&record).starts_with(&[Asked, SignedIn, Access, CodeSent]), "{:?}", kinds(&record));
        assert_eq!(record.steps.last().unwrap().detail("host"), Some("netbox.example.org"));
        let events = doorward_server::events::by_reference(&app.app, &record.attempt.id.reference()).await.unwrap();
        assert!(events.iter().any(|event| event.text.contains("a session at netbox.example.org began")));
        assert!(!format!("{record:?}").contains(PASSWORD));
    }

    /// A callback whose state is not this browser's is told under the code that its page shows.
    async fn a_callback_that_comes_to_nothing_is_a_record(app) {
        app.guarded("netbox", |_| {}).await;
        let callback = "https://netbox.example.org/outpost.goauthentik.io/callback?X-authentik-auth-callback=true&code=x&state=y";
        let page = Guest::new(&app).opens(callback).await;
        let records = guarded(app.attempts().await);
        concludes(&records[0], Ending::Failed, "a callback without its state");
        assert!(page.status == 400 && page.body.contains(&records[0].attempt.id.reference()), "{}", page.body);
    }
}
