//! Rotation: a key gets a new version, by hand or by its schedule.

use doorward_core::{
    id::KeyVersionId,
    lifetime::Lifetime,
    signing_key::{KeyAlgorithm, KeyVersion, ROTATION_INTERVAL_MIN, SigningKey, VERSIONS_MAX, VersionState},
};
use doorward_store as store;
use jiff::{SignedDuration, Timestamp};

use super::{find, make};
use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    events,
};

/// Gives a key a new version, which is published at once and signs after [`crate::config::Config::key_publication`],
/// or at once if `immediately`. The old version stays published until the last token signed with it has expired.
///
/// # Errors
/// That there is no such key, that a new version waits already, that there are too many, or that somebody else rotated it
/// in the meantime.
pub async fn rotate(app: &App, actor: &Actor, name: &str, immediately: bool) -> OperationResult<KeyVersion> {
    let key = find(app, name)?;
    let now = app.clock.now();
    if let Some(next) = key.waiting(now)
        && !immediately
    {
        return Err(OperationError::Denied(format!(
            "A new version of \"{}\" is published already and signs from {}. Wait until then, or use --now (--leaked if somebody \
             else may have the key).",
            key.name,
            next.activates_at.strftime("%Y-%m-%d %H:%M:%S UTC")
        )));
    }
    let wait = if immediately { SignedDuration::ZERO } else { app.config.key_publication };
    // A version that waits was made before whatever calls for haste: it never signs.
    let dropped = key.versions.iter().filter(|version| version.activates_at > now).map(|version| version.id).collect();
    let version = add_version(app, &key, now.saturating_add(wait).unwrap_or(now), dropped).await?;
    let Some(version) = version else { return Err(rotated_meanwhile(&key)) };
    events::changed(app, actor, format!("rotated the signing key {}", key.name)).await;
    Ok(version)
}

/// Gives a key whose private part may have leaked a new version that signs at once, and withdraws all others: tokens signed
/// with them are refused from then on, by applications as soon as they fetch the JWKS.
///
/// # Errors
/// That there is no such key, or that somebody else rotated it in the meantime.
pub async fn replace_leaked(app: &App, actor: &Actor, name: &str) -> OperationResult<KeyVersion> {
    let key = find(app, name)?;
    let dropped = key.versions.iter().map(|version| version.id).collect();
    let version = add_version(app, &key, app.clock.now(), dropped).await?;
    let Some(version) = version else { return Err(rotated_meanwhile(&key)) };
    events::changed(app, actor, format!("replaced the signing key {} and withdrew the old ones", key.name)).await;
    Ok(version)
}

/// Writes how long a version of a key signs before the next takes over by itself; zero means until somebody rotates it.
///
/// # Errors
/// That there is no such key, or that the interval is too short.
pub async fn set_schedule(app: &App, actor: &Actor, name: &str, interval: Lifetime) -> OperationResult<SigningKey> {
    let key = find(app, name)?;
    let never = Lifetime::seconds(0);
    if interval != never && interval < Lifetime::seconds(ROTATION_INTERVAL_MIN) {
        let text = "A key signs for at least days=1 before the next; never (seconds=0) means that it is not rotated by itself.";
        return Err(OperationError::invalid("rotation_interval", text));
    }
    if interval != never && interval.duration() <= app.config.key_publication {
        let text = "A key must sign for longer than new versions are published before (the setting key_publication).";
        return Err(OperationError::invalid("rotation_interval", text));
    }
    if interval == key.rotation_interval {
        return Ok(key);
    }
    let id = key.id;
    let found = app
        .change(move |tx| Box::pin(async move { store::signing_key::update_rotation_interval(tx, id, interval).await }))
        .await?;
    if !found {
        return Err(OperationError::not_found("signing key", name));
    }
    let how = if interval == never { "no longer by itself".to_owned() } else { format!("by itself every {interval}") };
    events::changed(app, actor, format!("had the signing key {} rotated {how}", key.name)).await;
    find(app, &id.to_string())
}

/// Rotates every key whose schedule says so. One that cannot be rotated keeps nobody from the others: it is tried again, and
/// the old version signs on. Says how many were rotated here; what another process rotated at the same time is not counted.
///
/// # Errors
/// What went wrong with the last key that could not be rotated.
pub async fn rotate_due(app: &App) -> OperationResult<usize> {
    let (now, lead) = (app.clock.now(), app.config.key_publication);
    let (mut count, mut result) = (0, Ok(()));
    let snapshot = app.snapshot();
    for key in snapshot.keys.iter().filter(|key| key.is_rotation_due(now, lead)) {
        // Not before the present version has signed as long as it shall, and never sooner than everybody could fetch it.
        let earliest = now.saturating_add(lead).unwrap_or(now);
        let activates_at = key.next_rotation(now).map_or(earliest, |next| next.max(earliest));
        match add_version(app, key, activates_at, Vec::new()).await {
            Ok(Some(version)) => {
                count += 1;
                let from = version.activates_at.strftime("%Y-%m-%d %H:%M:%S UTC");
                let text = format!("rotated the signing key {}; the new version signs from {from}", key.name);
                events::changed(app, &Actor::schedule(), text).await;
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(key = key.name, %error, "a signing key could not be rotated by its schedule");
                result = Err(error);
            }
        }
    }
    result.map(|()| count)
}

/// Makes a version and adds it in place of those that are dropped. `None` if somebody else rotated the key meanwhile.
async fn add_version(
    app: &App,
    key: &SigningKey,
    activates_at: Timestamp,
    dropped: Vec<KeyVersionId>,
) -> OperationResult<Option<KeyVersion>> {
    let now = app.clock.now();
    let states = key.states(now, app.snapshot().longest_lifetime(key.id));
    let stay =
        states.iter().filter(|(version, state)| *state != VersionState::Expired && !dropped.contains(&version.id));
    if stay.count() >= VERSIONS_MAX {
        return Err(OperationError::Denied(format!(
            "\"{}\" has {VERSIONS_MAX} versions; the oldest disappears when its last token has expired. Until then only \
             the replacement of a leaked key is possible.",
            key.name
        )));
    }
    // After every version that signs or signed, so that there is never a tie about which one does.
    let signing = key.versions.iter().map(|version| version.activates_at).filter(|at| *at <= now);
    let earliest = signing.max().and_then(|at| at.saturating_add(SignedDuration::from_millis(1)).ok());
    let activates_at = activates_at.max(earliest.unwrap_or(now));
    let algorithm = key.active(now).map_or(KeyAlgorithm::Rsa, |version| version.algorithm);
    let version = make(app, algorithm, &key.name, activates_at).await?;
    let (kept, cipher, id, seen) = (version.clone(), app.cipher.clone(), key.id, key.rotations);
    let is_ours = app
        .change(move |tx| {
            Box::pin(async move {
                if !store::signing_key::count_rotation(tx, id, seen).await? {
                    return Ok(false);
                }
                for version in dropped {
                    store::signing_key::delete_version(tx, version).await?;
                }
                store::signing_key::insert_version(tx, &cipher, id, &kept).await?;
                Ok(true)
            })
        })
        .await?;
    Ok(is_ours.then_some(version))
}

fn rotated_meanwhile(key: &SigningKey) -> OperationError {
    OperationError::Denied(format!(
        "\"{}\" was rotated or removed by somebody else just now; look at it again.",
        key.name
    ))
}
