//! Bind (RFC 4511, section 4.2; RFC 4513, section 5.1): who somebody is, by the same operation as the sign-in form.

use doorward_core::{
    id::{AppPasswordId, LdapProviderId, UserId},
    secret::Secret,
    user::key,
};
use doorward_protocols::ldap::{
    dn,
    message::{Authentication, BindRequest},
    result::ResultCode,
};
use doorward_store as store;
use std::{net::IpAddr, sync::Arc};

use super::{answers::Answer, names::Names};
use crate::{
    app::App,
    applications::access,
    auth::basic::{self, Basic, BasicAttempt, By, SignInError, Who},
    directory::person::Person,
    snapshot::{LdapClient, Snapshot},
};

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
    /// Their password, by the hash that it matched.
    Password(String),
    /// An app password.
    AppPassword(AppPasswordId),
}

/// What a bind comes to: an answer, and who the connection is from now on.
pub(super) type Outcome = (Answer, Option<Bound>);

/// Signs somebody in. A bind that fails leaves the connection anonymous (RFC 4513, section 4).
pub(super) async fn bind(app: &App, address: IpAddr, is_protected: bool, request: &BindRequest<'_>) -> Outcome {
    match try_bind(app, address, is_protected, request).await {
        Ok(bound) => (Answer::success(), bound),
        Err(answer) => (answer, None),
    }
}

async fn try_bind(
    app: &App,
    address: IpAddr,
    is_protected: bool,
    request: &BindRequest<'_>,
) -> Result<Option<Bound>, Answer> {
    let (name, password) = simple(request)?;
    if name.is_empty() && password.is_empty() {
        return Ok(None);
    }
    if password.is_empty() {
        // RFC 4513, section 5.1.2: an application that takes a bind for a proof must not be fooled by one without.
        return Err(Answer::new(ResultCode::UnwillingToPerform, "a name without a password is refused"));
    }
    if !is_protected && !app.config.ldap_allow_plaintext {
        let message = "passwords are not accepted over an unprotected connection from another machine: use LDAPS or \
                       StartTLS, or set ldap_allow_plaintext";
        return Err(Answer::new(ResultCode::ConfidentialityRequired, message));
    }
    let target = Target::find(&app.snapshot(), name)?;
    let password = String::from_utf8(password.to_vec()).map_err(|_| wrong("the password is not UTF-8"))?;
    let attempt = BasicAttempt {
        who: Who::Named(target.name.clone()),
        password: Secret::new(password),
        address,
        application: target.client.application.id,
        code_in_password: target.client.provider.profile.code_in_password,
        how: "LDAP",
    };
    let signed_in = basic::verify(app, attempt).await.map_err(|error| refused(&error))?;
    // A DN names an entry; that of an e-mail address would make applications take one person for two.
    if target.is_dn && key(&signed_in.user.profile.username) != key(&target.name) {
        return Err(wrong("a DN is made of the username, not of the e-mail address"));
    }
    let Basic { user, by, hash } = signed_in;
    let proof = match (by, hash) {
        (By::AppPassword(id), _) => Proof::AppPassword(id),
        (By::Password, hash) => Proof::Password(hash.unwrap_or_default()),
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
        if let Some(dn) = name.contains('=').then(|| dn::parse(name.as_bytes()).ok()).flatten() {
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
}

/// The provider whose base holds a DN: of several the one with the longest base, as in authentik.
pub(super) fn provider_of(snapshot: &Snapshot, dn: &dn::Dn) -> Option<Arc<LdapClient>> {
    let holding = snapshot.ldap.iter().filter(|client| client.names.holds(dn));
    holding.max_by_key(|client| Names::depth(&client.names)).cloned()
}

fn wrong(message: &'static str) -> Answer {
    Answer::new(ResultCode::InvalidCredentials, message)
}

fn refused(error: &SignInError) -> Answer {
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

/// Whether what somebody signed in with is still good, and they may still use the application: asked whenever something
/// of theirs changed.
///
/// # Errors
/// What the database says.
pub(super) async fn is_still_good(
    app: &App,
    snapshot: &Snapshot,
    client: &LdapClient,
    bound: &Bound,
) -> store::Result<bool> {
    let (id, proof) = (bound.user, bound.proof.clone());
    let found = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let is_good = match &proof {
                    Proof::Password(hash) => store::credential::find(tx, id).await?.as_ref() == Some(hash),
                    Proof::AppPassword(password) => {
                        store::app_password::of_user(tx, id).await?.iter().any(|kept| kept.id == *password)
                    }
                };
                Ok(if is_good { crate::directory::person::read(tx, id).await? } else { None })
            })
        })
        .await?;
    let Some((user, direct)) = found else { return Ok(false) };
    let person = Person::new(user, direct, snapshot);
    let is_searcher = client.provider.profile.searchers.contains(&person.user.id);
    Ok(person.user.profile.is_active && (is_searcher || access::is_allowed(&client.application, &person)))
}
