//! Default claim mappings of an installation that is older than they are.

use crate::{
    on_both,
    support::{Database, TestApp},
};
use doorward_core::{
    cipher::Cipher,
    claim_mapping::{ClaimMapping, DEFAULTS, MappingProfile},
};
use doorward_server::app::App;
use doorward_store::{self as store, values};
use futures::future::join_all;

/// As version 0.1 wrote it.
const OLD_PROFILE: &str = r#"{
  "name": user.name or user.username,
  "given_name": user.given_name,
  "family_name": user.family_name,
  "preferred_username": user.username,
  "nickname": user.username,
  "updated_at": user.updated_at,
  "groups": user.groups | map(attribute="name") | list
}"#;

impl TestApp {
    /// Makes the default mappings what they were, with another expression for `profile`.
    async fn with_old_mappings(&self, profile: &'static str) {
        let db = self.database.open();
        db.write(move |tx| {
            Box::pin(async move {
                tx.execute("DELETE FROM claim_mappings WHERE scope IN ('address', 'phone')", &[]).await?;
                tx.execute("DELETE FROM settings WHERE name = 'default_mappings_2'", &[]).await?;
                tx.execute("UPDATE claim_mappings SET expression = $1 WHERE scope = 'profile'", values![profile])
                    .await?;
                store::revision::bump_snapshot(tx).await
            })
        })
        .await
        .unwrap();
    }

    /// A start of a newer version.
    async fn upgraded(&self) -> App {
        start(&self.database, self).await
    }
}

async fn start(database: &Database, test: &TestApp) -> App {
    App::start(test.app.config.clone(), database.open(), Cipher::new([7; 32]), test.clock.clone()).await.unwrap()
}

fn of_scope<'a>(mappings: &'a [ClaimMapping], scope: &str) -> Vec<&'a ClaimMapping> {
    mappings.iter().filter(|mapping| mapping.profile.scope == scope).collect()
}

fn default_expression(scope: &str) -> &'static str {
    DEFAULTS.iter().find(|default| default.scope == scope).unwrap().expression
}

on_both! {
    /// Whoever starts first brings them up to date, once; applications have what they had.
    async fn they_are_brought_up_to_date_once(app) {
        let before = app.application("old").await;
        app.with_old_mappings(OLD_PROFILE).await;
        let nodes = join_all((0..6).map(|_| app.upgraded())).await;
        for node in &nodes {
            let snapshot = node.snapshot();
            assert_eq!(snapshot.mappings.len(), DEFAULTS.len(), "one of each");
            for default in &DEFAULTS {
                let found = of_scope(&snapshot.mappings, default.scope);
                assert!(found.len() == 1 && found[0].is_default && found[0].profile.expression == default.expression);
            }
            let client = snapshot.by_slug("old").unwrap();
            assert_eq!((&client.provider.profile.mappings, &client.scopes), (&before.provider.profile.mappings, &before.scopes));
        }
    }

    /// What somebody edited stays, and what somebody deleted afterwards stays away.
    async fn what_was_edited_or_deleted_stays_so(app) {
        app.with_old_mappings("{\"name\": user.username}").await;
        let node = app.upgraded().await;
        let snapshot = node.snapshot();
        assert_eq!(of_scope(&snapshot.mappings, "profile")[0].profile.expression, "{\"name\": user.username}");
        let phone = of_scope(&snapshot.mappings, "phone")[0].id;
        doorward_server::mappings::delete(&node, &app.actor(), phone).await.unwrap();
        // An expression that is the old default again, by hand, after the upgrade.
        let profile = of_scope(&snapshot.mappings, "profile")[0];
        let edited = MappingProfile { expression: OLD_PROFILE.into(), ..profile.profile.clone() };
        doorward_server::mappings::update(&node, &app.actor(), profile.id, edited).await.unwrap();
        let again = app.upgraded().await.snapshot();
        assert!(of_scope(&again.mappings, "phone").is_empty());
        assert_eq!(of_scope(&again.mappings, "profile")[0].profile.expression, OLD_PROFILE);
    }

    /// Somebody has made a mapping for the scope already, or one of that name: theirs counts.
    async fn mappings_of_ones_own_are_not_joined(app) {
        app.with_old_mappings(OLD_PROFILE).await;
        let old = app.second_process().await;
        let db = app.database.open();
        db.write(|tx| Box::pin(async move {
            tx.execute("DELETE FROM claim_mappings WHERE scope IN ('address', 'phone')", &[]).await?;
            tx.execute("DELETE FROM settings WHERE name = 'default_mappings_2'", &[]).await?;
            Ok(())
        })).await.unwrap();
        for (name, scope) in [("Postal", "address"), ("openid 'PHONE'", "telephone")] {
            let profile = MappingProfile { name: name.into(), scope: scope.into(), expression: "{}".into(), description: String::new() };
            doorward_server::mappings::create(&old, &app.actor(), profile).await.unwrap();
        }
        let snapshot = app.upgraded().await.snapshot();
        let addresses = of_scope(&snapshot.mappings, "address");
        assert!(addresses.len() == 1 && addresses[0].profile.name == "Postal" && !addresses[0].is_default);
        assert!(of_scope(&snapshot.mappings, "phone").is_empty());
        assert_eq!(of_scope(&snapshot.mappings, "profile")[0].profile.expression, default_expression("profile"));
    }
}
