//! `grant_type=client_credentials` (RFC 6749, section 4.4) in authentik's variants, and `password`, its other name for them.

use doorward_core::{event::EventKind, grant_type::GrantType, id::GrantId, network::Place};
use doorward_protocols::oauth::{
    client_authentication::Proof,
    client_credentials::{self, NamedPassword},
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
    token::join,
};
use doorward_store::grant::Grant;

use super::{GrantError, Granted, TokenCall, check_switched_on, invalid};
use crate::{
    app::App,
    applications::{access, client_account},
    auth::basic::{self, BasicAttempt, SignInError, Who},
    directory::person::{self, Person},
    error::OperationError,
    events,
    oidc::{
        issue::{self, Order},
        token_bounds::{self, Bound},
    },
    snapshot::{Client, Snapshot},
};

/// What holders read that are who they say they are.
const NOT_ALLOWED: &str = "The account may not use this application";

/// Whether a token request is of this kind: by it passwords can be tried, which is counted.
pub fn is_asked_for(form: &Parameters) -> bool {
    let kinds = [GrantType::ClientCredentials, GrantType::Password];
    form.get("grant_type").is_some_and(|asked| kinds.iter().any(|kind| kind.as_str() == asked))
}

/// Gives tokens to the client itself, by its secret, or to the user whose app password it sends. Never to anybody by their
/// own password.
///
/// # Errors
/// `unauthorized_client` if the grant type is not switched on, or a public client, which has no secret, asks for itself;
/// `invalid_client` if the client secret is neither the client's nor holds a name and an app password that are right;
/// `invalid_grant` if `username` and `password` are not right, or the account is disabled (CVE-2025-64521) or may not use
/// the application; `temporarily_unavailable` after too many attempts.
pub(super) async fn serve(app: &App, call: &TokenCall<'_>, grant_type: GrantType) -> Result<Granted, GrantError> {
    let client = call.client;
    check_switched_on(client, &[grant_type])?;
    let snapshot = app.snapshot();
    let (person, is_clients_own) = holder(app, &snapshot, call).await?;
    let username = &person.user.profile.username;
    access::check_holder(&client.application, &person, is_clients_own)
        .map_err(|why| invalid(NOT_ALLOWED, format!("{username}: {why}")))?;
    let scopes = client_credentials::scopes(call.form.get("scope"), &client.scopes);
    let grant = Grant {
        id: GrantId::new(&app.clock),
        provider: client.provider.id,
        user: person.user.id,
        session: None,
        sid: String::new(),
        scopes: join(&scopes),
        authenticated_at: call.now,
        methods: String::new(),
        created_at: call.now,
        expires_at: call.now,
        revoked_at: None,
        attempt: None,
        claims: None,
    };
    let order = Order { client, person: &person, grant: &grant, scopes: &scopes, nonce: None, with_refresh: false };
    let tokens = issue::tokens(app, &snapshot, &order)?;
    let (response, kept) = (tokens.response.clone(), grant.clone());
    if !app.db.write(move |tx| Box::pin(async move { issue::begin(tx, kept, &tokens).await })).await? {
        return Err(invalid(NOT_ALLOWED, format!("{username} was disabled meanwhile")));
    }
    token_bounds::added(app, Bound::Grants(grant.provider, grant.user)).await;
    if is_clients_own {
        note(app, call, &person).await;
    }
    Ok(Granted { response, grant })
}

/// Whom the tokens are for, and whether that is the client itself. In authentik's order: `username` and `password`; the
/// client secret; a name and an app password in its place.
async fn holder(app: &App, snapshot: &Snapshot, call: &TokenCall<'_>) -> Result<(Person, bool), GrantError> {
    if let Some(named) = client_credentials::in_form(call.form)? {
        // Whoever sends a client secret all the same has to know it.
        if call.credentials.has_secret() {
            call.authenticated()?;
        }
        let wrong = OAuthError::new(ErrorCode::InvalidGrant, "The username or the app password is not right");
        return Ok((by_app_password(app, snapshot, call, named, wrong).await?, false));
    }
    match call.credentials.check(&call.client.provider, call.now) {
        Ok(Proof::Secret | Proof::PreviousSecret) => Ok((own_account(app, snapshot, call.client).await?, true)),
        Ok(Proof::Name) => {
            let error = OAuthError::new(ErrorCode::UnauthorizedClient, "A public client has no credentials of its own");
            Err(error.detail("a public client asked for tokens without username and password").into())
        }
        Err(wrong) => match client_credentials::in_secret(call.credentials) {
            Some(named) => Ok((by_app_password(app, snapshot, call, named, wrong).await?, false)),
            None => Err(wrong.into()),
        },
    }
}

/// The user whose app password it is: the same check, throttle and record as in an LDAP bind. `wrong`: what the client is told
/// if it is not right.
async fn by_app_password(
    app: &App,
    snapshot: &Snapshot,
    call: &TokenCall<'_>,
    named: NamedPassword,
    wrong: OAuthError,
) -> Result<Person, GrantError> {
    let attempt = BasicAttempt {
        who: Who::Username(named.username),
        password: named.password,
        address: call.address,
        place: Place::Server,
        application: call.client.application.id,
        code_in_password: false,
        how: basic::CLIENT_CREDENTIALS,
    };
    let user = basic::verify_app_password(app, attempt).await.map_err(|error| refused(error, wrong))?.user;
    let person = person::find(app, snapshot, user.id).await?;
    person.ok_or_else(|| invalid(NOT_ALLOWED, "the user was deleted meanwhile"))
}

fn refused(error: SignInError, wrong: OAuthError) -> GrantError {
    let detail = format!("{error} See {}", error.reference().unwrap_or("the log"));
    match error {
        SignInError::Store(error) => error.into(),
        SignInError::Wrong { .. } | SignInError::WrongCode { .. } => wrong.detail(detail).into(),
        SignInError::Throttled { .. } => {
            let description = "Too many attempts, try again in a few minutes";
            OAuthError::new(ErrorCode::TemporarilyUnavailable, description).detail(detail).into()
        }
        SignInError::Disabled { .. } | SignInError::NotAllowed { .. } => invalid(NOT_ALLOWED, detail),
    }
}

async fn own_account(app: &App, snapshot: &Snapshot, client: &Client) -> Result<Person, GrantError> {
    match client_account::find_or_make(app, client).await {
        Ok((user, groups)) => Ok(Person::new(user, groups, snapshot)),
        Err(OperationError::Store(error)) => Err(error.into()),
        Err(error) => {
            let description = "The service account could not be made";
            Err(OAuthError::new(ErrorCode::ServerError, description).detail(error.to_string()).into())
        }
    }
}

/// Writes down that the client was given tokens for itself, at most once an hour: many ask before every request.
async fn note(app: &App, call: &TokenCall<'_>, person: &Person) {
    let application = &call.client.application;
    if app.noted.is_new(person.user.id, application.id, call.address, call.now) {
        let text = format!("{} was given tokens for itself, by its client secret", application.profile.name);
        let mut entry = events::Entry::new(EventKind::Authorized, text);
        entry.user = Some(person.user.id);
        entry.application = Some(application.id);
        entry.address = call.address.to_string();
        events::write(app, entry).await;
    }
}
