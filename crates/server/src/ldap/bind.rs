//! Bind (RFC 4511, section 4.2; RFC 4513, section 5.1): who somebody is, by the same operation as the sign-in form.

use doorward_core::{
    event::EventKind,
    id::{AppPasswordId, ApplicationId, LdapProviderId, UserId},
    network::Place,
    secret::Secret,
    timeline::{AttemptMethod, StepKind},
    user::{User, UserType},
};
use doorward_protocols::ldap::{
    dn,
    message::{Authentication, BindRequest},
    result::ResultCode,
};
use doorward_store::{self as store, db::Tx};
use jiff::Timestamp;
use std::{net::IpAddr, sync::Arc};

use super::{answers::Answer, directory::index::Field, names::Names};
use crate::{
    app::App,
    applications::access,
    auth::basic::{self, Basic, BasicAttempt, By, SignInError, Who},
    directory::person::{self, Person},
    events,
    snapshot::{LdapClient, Snapshot},
    timeline::{StepDraft, Trail},
};

/// How much of a refused name is written down, in characters.
const NAME_NOTED: usize = 200;

/// Somebody who has signed in on a connection.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    /// The provider they signed in to: the only one whose tree they see.
    pub provider: LdapProviderId,
    /// Who.
    pub user: UserId,
    /// By what.
    pub proof: Proof,
}

/// What somebody signed in with. When it is no longer good, neither is the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    /// Their password, by the hash that it matched, and whether an authenticator app's code came with it.
    Password { hash: String, with_code: bool },
    /// An app password.
    AppPassword(AppPasswordId),
}

/// What a bind comes to: an answer, and who the connection is from now on.
pub(super) type Outcome = (Answer, Option<Bound>);

/// Signs somebody in. A bind that fails leaves the connection anonymous (RFC 4513, section 4).
pub(super) async fn bind(app: &App, address: IpAddr, is_protected: bool, request: &BindRequest<'_>) -> Outcome {
    match try_bind(app, address, is_protected, request).await {
        Ok(bound) => (Answer::success(), bound),
        Err(Refusal::Noted(answer)) => (answer, None),
        Err(Refusal::New(answer)) => (note(app, address, request.name, answer).await, None),
    }
}

/// Why a bind was refused.
enum Refusal {
    /// By the sign-in operation, which has written it down.
    Noted(Answer),
    /// Before that.
    New(Answer),
}

impl From<Answer> for Refusal {
    fn from(answer: Answer) -> Self {
        Self::New(answer)
    }
}

/// Writes down what was refused: applications hide the message from their people and administrators.
async fn note(app: &App, address: IpAddr, name: &[u8], answer: Answer) -> Answer {
    if answer.code == ResultCode::Unavailable {
        return answer;
    }
    let name: String = String::from_utf8_lossy(name).chars().take(NAME_NOTED).collect();
    let text = format!("an LDAP bind as \"{}\" was refused: {}", name.escape_debug(), answer.message);
    let mut entry = events::Entry::new(EventKind::SignInFailed, text);
    entry.address = address.to_string();
    let trail = Trail::begin(app, AttemptMethod::Ldap).from(address);
    let step = StepDraft::refused(
        StepKind::Bind,
        format!("the bind as \"{}\" was refused: {}", name.escape_debug(), answer.message),
    );
    let reference = events::write(app, entry.on(&trail, step)).await;
    Answer { message: format!("{} (reference {reference})", answer.message).into(), ..answer }
}

async fn try_bind(
    app: &App,
    address: IpAddr,
    is_protected: bool,
    request: &BindRequest<'_>,
) -> Result<Option<Bound>, Refusal> {
    let (name, password) = simple(request)?;
    if name.is_empty() && password.is_empty() {
        return Ok(None);
    }
    if password.is_empty() {
        // RFC 4513, section 5.1.2: an application that takes a bind for a proof must not be fooled by one without.
        return Err(Answer::new(ResultCode::UnwillingToPerform, "a name without a password is refused").into());
    }
    if !is_protected && !app.config.ldap_allow_plaintext {
        return Err(Answer::unprotected().into());
    }
    let target = Target::find(&app.snapshot(), name)?;
    target.check_ambiguous(app, name).await?;
    let password = String::from_utf8(password.to_vec()).map_err(|_| wrong("the password is not UTF-8"))?;
    let attempt = BasicAttempt {
        who: if target.is_dn { Who::Username(target.name) } else { Who::Named(target.name) },
        password: Secret::new(password),
        address,
        place: Place::Server,
        application: target.client.application.id,
        code_in_password: target.client.provider.profile.code_in_password,
        how: "LDAP",
    };
    let signed_in = basic::verify(app, attempt).await.map_err(|error| Refusal::Noted(refused(&error)))?;
    let Basic { user, by, hash, with_code } = signed_in;
    let proof = match (by, hash) {
        (By::AppPassword(id), _) => Proof::AppPassword(id),
        (By::Password, hash) => Proof::Password { hash: hash.unwrap_or_default(), with_code },
    };
    Ok(Some(Bound { provider: target.client.provider.id, user: user.id, proof }))
}

fn simple<'r>(request: &BindRequest<'r>) -> Result<(&'r str, &'r [u8]), Answer> {
    if request.version != 3 {
        return Err(Answer::new(ResultCode::ProtocolError, "only LDAP version 3 is spoken here"));
    }
    let password = match &request.authentication {
        Authentication::Simple(password) => *password,
        Authentication::Sasl { .. } | Authentication::Other(_) => {
            let message = "only simple binds are accepted, not SASL; protect them by TLS";
            return Err(Answer::new(ResultCode::AuthMethodNotSupported, message));
        }
    };
    let name = std::str::from_utf8(request.name)
        .map_err(|_| Answer::new(ResultCode::InvalidDnSyntax, "the name is not UTF-8"))?;
    Ok((name, password))
}

/// What a bind name stands for.
struct Target {
    client: Arc<LdapClient>,
    name: String,
    is_dn: bool,
}

impl Target {
    /// A DN, `name@domain` of a base, or a name alone where there is only one LDAP application.
    fn find(snapshot: &Snapshot, name: &str) -> Result<Self, Answer> {
        if snapshot.ldap.is_empty() {
            let message = "no application uses LDAP yet: doorward app add … --method ldap";
            return Err(Answer::new(ResultCode::UnwillingToPerform, message));
        }
        if name.contains('=') {
            let dn = dn::parse(name.as_bytes()).map_err(|_| wrong("the DN cannot be read"))?;
            let client = provider_of(snapshot, &dn).ok_or_else(|| wrong("the DN lies below no base DN here"))?;
            let name = client.names.login_name(&dn).ok_or_else(|| wrong("the DN is not that of a user"))?.to_owned();
            return Ok(Self { client, name, is_dn: true });
        }
        if let Some((user, domain)) = name.rsplit_once('@')
            && let Some(client) = snapshot.ldap.iter().find(|client| client.names.is_domain(domain))
        {
            return Ok(Self { client: client.clone(), name: user.to_owned(), is_dn: false });
        }
        match snapshot.ldap.as_slice() {
            [client] => Ok(Self { client: client.clone(), name: name.to_owned(), is_dn: false }),
            _ => Err(wrong("several applications use LDAP here: bind with a DN, or with name@domain of the base DN")),
        }
    }

    /// `bob@example.org` may be bob of the base, somebody else's username, and somebody else's address. Whoever is meant
    /// must be the same by all of these: applications go on with the name as it was typed.
    async fn check_ambiguous(&self, app: &App, typed: &str) -> Result<(), Answer> {
        if self.is_dn || self.name == typed {
            return Ok(());
        }
        app.directory.keep_current(app).await.map_err(|_| Answer::unavailable())?;
        let people = app.directory.people();
        let typed = dn::normalize_value(typed);
        let named = people.by_username(&dn::normalize_value(&self.name)).map(|person| person.pk);
        let mut others = [Field::Username, Field::Email].iter().flat_map(|field| people.index().equal(field, &typed));
        if others.any(|pk| Some(pk) != named) {
            return Err(wrong("this name is also another person's: bind with the DN"));
        }
        Ok(())
    }
}

/// The provider whose base holds a DN: of several the one with the longest base, as in authentik.
pub(super) fn provider_of(snapshot: &Snapshot, dn: &dn::Dn) -> Option<Arc<LdapClient>> {
    let holding = snapshot.ldap.iter().filter(|client| client.names.holds(dn));
    holding.max_by_key(|client| Names::depth(&client.names)).cloned()
}

fn wrong(message: &'static str) -> Answer {
    Answer::new(ResultCode::InvalidCredentials, message)
}

pub(super) fn refused(error: &SignInError) -> Answer {
    let code = match error {
        SignInError::Wrong { .. }
        | SignInError::WrongCode { .. }
        | SignInError::Throttled { .. }
        | SignInError::Disabled { .. } => ResultCode::InvalidCredentials,
        SignInError::NotAllowed { .. } => ResultCode::InsufficientAccessRights,
        SignInError::Store(_) => return Answer::unavailable(),
    };
    let reference = error.reference().map(|code| format!(" (reference {code})")).unwrap_or_default();
    Answer::new(code, format!("{error}{reference}"))
}

/// What was found good, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Good {
    /// When the app password ends, if it does.
    pub(super) until: Option<Timestamp>,
}

/// Whether what somebody signed in with is still good, and they may still use the application: asked whenever something
/// of theirs changed.
///
/// # Errors
/// What the database says.
pub(super) async fn still_good(
    app: &App,
    snapshot: &Snapshot,
    client: &LdapClient,
    bound: &Bound,
) -> store::Result<Option<Good>> {
    let (id, proof) = (bound.user, bound.proof.clone());
    let (application, now) = (client.application.id, app.clock.now());
    let found = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let Some((user, direct)) = person::read(tx, id).await? else { return Ok(None) };
                let good = check(tx, &user, &proof, application, now).await?;
                Ok(good.map(|good| (user, direct, good)))
            })
        })
        .await?;
    let Some((user, direct, good)) = found else { return Ok(None) };
    let person = Person::new(user, direct, snapshot);
    let is_searcher = client.provider.profile.searchers.contains(&person.user.id);
    let is_allowed = is_searcher || access::is_allowed(&client.application, &person, Place::Server);
    Ok((is_allowed && person.user.profile.is_active).then_some(good))
}

async fn check(
    tx: &mut Tx<'_>,
    user: &User,
    proof: &Proof,
    application: ApplicationId,
    now: Timestamp,
) -> store::Result<Option<Good>> {
    match proof {
        Proof::Password { hash, with_code } => {
            let is_good = user.profile.user_type != UserType::ServiceAccount
                && store::credential::find(tx, user.id).await?.as_ref() == Some(hash)
                // Who has set up an authenticator app meanwhile is protected by it here, too.
                && (*with_code || !store::authenticator::exists(tx, user.id).await?);
            Ok(is_good.then_some(Good { until: None }))
        }
        Proof::AppPassword(id) => {
            let passwords = store::app_password::of_user(tx, user.id).await?;
            let password = passwords.into_iter().find(|kept| kept.id == *id && kept.is_good_for(application, now));
            Ok(password.map(|password| Good { until: password.expires_at }))
        }
    }
}
