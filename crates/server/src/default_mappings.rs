//! The default claim mappings: made on the first start, and renewed when a newer version brings others.

use doorward_core::{
    claim_mapping::{ClaimMapping, DEFAULTS, DefaultMapping, MappingProfile},
    clock::Clock,
    id::MappingId,
    random,
    user::key,
};
use doorward_store::{
    self as store,
    db::{Db, Tx},
};

/// The setting that says that the mappings of this version are there. Its name goes up when they change.
const RENEWED: &str = "default_mappings_2";
/// Scopes whose mappings came with it.
const ADDED: [&str; 2] = ["address", "phone"];

/// Adds all of them to a new installation.
pub(crate) async fn insert_all(tx: &mut Tx<'_>, clock: &Clock) -> store::Result<()> {
    for default in &DEFAULTS {
        store::claim_mapping::insert(tx, &mapping(clock, default)).await?;
    }
    store::setting::insert_or_find(tx, RENEWED, "new").await?;
    Ok(())
}

/// Brings those of an earlier version up to date, once, whichever of several nodes comes first. A mapping that somebody
/// edited stays as it is; one that is new is there to be chosen, and no application has it.
pub(crate) async fn renew(db: &Db, clock: &Clock) -> store::Result<()> {
    if db.read(|tx| Box::pin(store::setting::find(tx, RENEWED))).await?.is_some() {
        return Ok(());
    }
    let clock = clock.clone();
    let was_done = db
        .write(move |tx| {
            Box::pin(async move {
                let mark = random::alphanumeric(16);
                if store::setting::insert_or_find(tx, RENEWED, &mark).await? != mark {
                    return Ok(false);
                }
                let present = store::claim_mapping::all(tx).await?;
                for default in &DEFAULTS {
                    for old in default.superseded {
                        store::claim_mapping::renew_default(tx, default.scope, old, default.expression).await?;
                    }
                    // Whoever made a mapping for the scope has said what it means; whoever deleted one of those that were
                    // there before does not want it back.
                    let is_taken = present.iter().any(|other| {
                        other.profile.scope == default.scope || key(&other.profile.name) == key(default.name)
                    });
                    if !is_taken && ADDED.contains(&default.scope) {
                        store::claim_mapping::insert(tx, &mapping(&clock, default)).await?;
                    }
                }
                store::revision::bump_snapshot(tx).await?;
                Ok(true)
            })
        })
        .await?;
    if was_done {
        tracing::info!("the default claim mappings were brought up to date");
    }
    Ok(())
}

fn mapping(clock: &Clock, default: &DefaultMapping) -> ClaimMapping {
    ClaimMapping {
        id: MappingId::new(clock),
        profile: MappingProfile {
            name: default.name.to_owned(),
            scope: default.scope.to_owned(),
            expression: default.expression.to_owned(),
            description: default.description.to_owned(),
        },
        is_default: true,
    }
}
