//! The first start: what every installation has, and the first administrator.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::{
    cipher::Cipher,
    clock::Clock,
    group::{Group, GroupProfile},
    id::{GroupId, SigningKeyId},
    lifetime::Lifetime,
    random,
    signing_key::{KeyAlgorithm, SigningKey},
    user::UserProfile,
};
use doorward_protocols::jose::generate::generate;
use doorward_store::{
    self as store,
    db::{Db, Tx},
};
use std::sync::Arc;

use crate::{
    actor::Actor,
    app::App,
    default_mappings,
    directory::users,
    error::{OperationError, OperationResult},
};

/// The group whose members administer Doorward.
pub const ADMIN_GROUP: &str = "Doorward Admins";
/// The signing key of a new installation.
pub const DEFAULT_KEY: &str = "Doorward Self-signed Certificate";

const INSTALL_ID: &str = "install_id";
const KEY_CHECK: &str = "key_check";
const SETUP_TOKEN: &str = "setup_token";
const SETUP_DONE: &str = "setup_done";

/// Makes what is missing: the installation's identifier, the first signing key, the default claim mappings (also those that
/// came with a newer version), the setup token. Refuses to go on with another encryption key than the database was written with.
///
/// # Errors
/// [`store::Error::Corrupt`] for another key; or what the database says.
pub async fn ensure_defaults(db: &Db, cipher: &Arc<Cipher>, clock: &Clock) -> store::Result<()> {
    let check = URL_SAFE_NO_PAD.encode(cipher.mac("key check", b"doorward"));
    let found = db.read(|tx| Box::pin(store::setting::find(tx, KEY_CHECK))).await?;
    match found {
        Some(found) if found == check => return default_mappings::renew(db, clock).await,
        Some(_) => {
            return Err(store::Error::Corrupt(
                "it was written with another secret.key; put the key of the first node (or of the backup) into the \
                 data directory"
                    .to_owned(),
            ));
        }
        None => {}
    }
    let version = generate(clock, KeyAlgorithm::Rsa, DEFAULT_KEY, clock.now())
        .map_err(|error| store::Error::Query(error.to_string()))?;
    let key = SigningKey {
        id: SigningKeyId::new(clock),
        name: DEFAULT_KEY.to_owned(),
        versions: vec![version],
        rotation_interval: Lifetime::seconds(0),
        rotations: 0,
    };
    let (cipher, clock) = (cipher.clone(), clock.clone());
    db.write(move |tx| {
        Box::pin(async move {
            // Of several nodes that start at once, the first one writes; the others find its key check.
            if store::setting::insert_or_find(tx, KEY_CHECK, &check).await? != check {
                return Err(store::Error::Corrupt("two nodes started with different secret.key files".to_owned()));
            }
            let install_id = random::alphanumeric(32);
            if store::setting::insert_or_find(tx, INSTALL_ID, &install_id).await? != install_id {
                return Ok(());
            }
            store::signing_key::insert(tx, &cipher, &key).await?;
            default_mappings::insert_all(tx, &clock).await?;
            let sealed = URL_SAFE_NO_PAD.encode(cipher.seal(SETUP_TOKEN, random::alphanumeric(40).as_bytes()));
            store::setting::insert_or_find(tx, SETUP_TOKEN, &sealed).await?;
            store::revision::bump_snapshot(tx).await
        })
    })
    .await
}

/// The installation's identifier, which goes into every user's `uid`.
///
/// # Errors
/// What the database says.
pub(crate) async fn install_id(tx: &mut Tx<'_>) -> store::Result<String> {
    let id = store::setting::find(tx, INSTALL_ID).await?;
    id.ok_or_else(|| store::Error::Corrupt("the installation has no identifier".to_owned()))
}

/// The address where the first administrator is made; `None` once there was one.
///
/// # Errors
/// What the database says.
pub async fn setup_url(app: &App) -> store::Result<Option<String>> {
    let Some(sealed) = app.db.read(|tx| Box::pin(store::setting::find(tx, SETUP_TOKEN))).await? else {
        return Ok(None);
    };
    let token = open_token(app, &sealed)?;
    Ok(Some(format!("{}setup?token={token}", app.config.public_url)))
}

fn open_token(app: &App, sealed: &str) -> store::Result<String> {
    let corrupt = || store::Error::Corrupt("the setup token cannot be read".to_owned());
    let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| corrupt())?;
    String::from_utf8(app.cipher.open(SETUP_TOKEN, &bytes)?).map_err(|_| corrupt())
}

/// Whether this token opens the setup page now. Takes the same time for every wrong token.
///
/// # Errors
/// What the database says.
pub async fn is_setup_token(app: &App, token: &str) -> store::Result<bool> {
    let Some(sealed) = app.db.read(|tx| Box::pin(store::setting::find(tx, SETUP_TOKEN))).await? else {
        return Ok(false);
    };
    let expected = open_token(app, &sealed)?;
    Ok(subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), token.as_bytes()).into())
}

/// Makes the first administrator, once: of several who try at the same time one succeeds, and it stays closed even if
/// that administrator is deleted later (CVE-2023-46249).
///
/// # Errors
/// [`OperationError::Denied`] if it was done before; [`OperationError::Invalid`] for what is wrong with the input.
pub async fn create_first_administrator(
    app: &App,
    profile: UserProfile,
    password: &str,
) -> OperationResult<doorward_core::user::User> {
    let mut prepared = users::Prepared::new(app, profile)?;
    prepared.password = Some(users::hash_new_password(app, password).await?);
    let clock = app.clock.clone();
    let done = app
        .change(move |tx| {
            Box::pin(async move {
                let mark = random::alphanumeric(16);
                if store::setting::insert_or_find(tx, SETUP_DONE, &mark).await? != mark {
                    return Ok(None);
                }
                store::setting::delete(tx, SETUP_TOKEN).await?;
                let user = prepared.insert(tx).await?;
                let mut group = admin_group(&clock);
                group.pk = store::revision::next_group_pk(tx).await?;
                store::group::insert(tx, &group).await?;
                store::group::add_member(tx, group.id, user.id).await?;
                Ok(Some(user))
            })
        })
        .await
        .map_err(users::name_conflict)?;
    let user = done.ok_or_else(|| OperationError::Denied("Doorward is set up already; sign in instead.".to_owned()))?;
    let actor = Actor { user: Some(user.id), name: "setup".to_owned(), ..Actor::command_line() };
    crate::events::changed(app, &actor, format!("made the first administrator {}", user.profile.username)).await;
    Ok(user)
}

fn admin_group(clock: &Clock) -> Group {
    let mut profile = GroupProfile::named(ADMIN_GROUP);
    profile.is_superuser = true;
    Group { id: GroupId::new(clock), pk: 0, profile, created_at: clock.now() }
}
