//! Brings one person's account in line: finds it, plans, does it, looks again.

use doorward_core::{
    connector::{ConnectedPerson, LinkedAccount},
    id::UserId,
};
use doorward_store as store;
use jiff::SignedDuration;
use std::collections::BTreeSet;

use super::{
    Connected,
    desired::{Access, Desired},
    match_user::{self, Verdict},
    plan::{self, Change, INACTIVE, Known, Plan},
};
use crate::{
    app::App,
    directory::person,
    netbox::{NetBox, NetBoxError, groups::NetBoxGroup, users::NetBoxUser},
};

/// How long after a sign-in an account may still turn up.
pub const ARRIVAL: SignedDuration = SignedDuration::from_mins(5);
/// What NetBox shows beside a group that a connector made.
pub const GROUP_DESCRIPTION: &str = "Managed by Doorward";

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The account is as it shall be; this was changed.
    Done(Vec<Change>),
    /// The account is not there yet.
    NotYet,
    /// There is no account to look after.
    Nobody,
    /// There are accounts of that name, but it is not certain whose they are, so none was touched.
    LeftAlone {
        /// Why.
        why: String,
        /// Whether that may change any moment, because the person is just signing in.
        may_change: bool,
    },
}

/// Why a try came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// What NetBox says, or that it says nothing.
    #[error(transparent)]
    NetBox(#[from] NetBoxError),
    /// What the database says.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Somebody changed the groups in NetBox at the same moment.
    #[error("somebody changed the account's groups in NetBox at the same moment")]
    Contended,
}

/// A person, as the connector and the directory know them.
struct Work<'a> {
    app: &'a App,
    connected: &'a Connected,
    netbox: NetBox<'a>,
    person: ConnectedPerson,
    desired: Desired,
}

/// Brings a person's account in line.
///
/// # Errors
/// Why that came to nothing. What was done until then stays; another try finds and finishes it.
pub async fn apply(app: &App, connected: &Connected, user: UserId) -> Result<Outcome, Trouble> {
    let Some(mut work) = Work::load(app, connected, user).await? else { return Ok(Outcome::Nobody) };
    let account = match work.account().await? {
        Found::Account(account) => account,
        Found::No(outcome) => return Ok(outcome),
    };
    let known = Known {
        is_cut_off: work.person.cut_off_at.is_some(),
        is_pushed: work.person.pushed == work.desired.fingerprint(),
    };
    let plan = plan::plan(&work.desired, &account, &connected.connector.profile.groups, known);
    let done = match &work.desired.access {
        Access::Closed(_) => work.close(&plan, &account).await?,
        Access::Open(_) => work.open(&plan, account).await?,
    };
    work.note(&plan).await?;
    Ok(Outcome::Done(done))
}

enum Found {
    Account(NetBoxUser),
    No(Outcome),
}

impl<'a> Work<'a> {
    async fn load(app: &'a App, connected: &'a Connected, user: UserId) -> Result<Option<Self>, Trouble> {
        let id = connected.connector.id;
        let read = app.db.read(move |tx| {
            Box::pin(
                async move { Ok((store::connector_person::find(tx, id, user).await?, person::read(tx, user).await?)) },
            )
        });
        let (Some(mut person), found) = read.await? else { return Ok(None) };
        let snapshot = app.snapshot();
        let desired = match found {
            Some((user, direct)) => {
                person.username.clone_from(&user.profile.username);
                let (application, profile) = (&connected.entry.application, &connected.connector.profile);
                Desired::new(&user, &direct, &snapshot.groups, application, profile)
            }
            None => Desired::deleted(&person.username),
        };
        Ok(Some(Self { app, connected, netbox: connected.netbox(app)?, person, desired }))
    }

    /// The person's account: the one they are linked to, or one that is found.
    async fn account(&mut self) -> Result<Found, Trouble> {
        if let Some(linked) = self.person.account.clone() {
            match self.netbox.user(linked.id).await {
                Ok(account) => return Ok(Found::Account(account)),
                Err(NetBoxError::NotFound { .. }) => self.lost(&linked).await?,
                Err(error) => return Err(error.into()),
            }
            return Ok(Found::No(self.not_yet()));
        }
        // An account that is nobody's is not made unusable for having a name.
        if !self.desired.is_open() {
            return Ok(Found::No(Outcome::Nobody));
        }
        self.find().await
    }

    /// Whether the person is just signing in.
    fn is_arriving(&self) -> bool {
        let now = self.app.clock.now();
        self.person.seen_at.is_some_and(|seen| now.duration_since(seen) < ARRIVAL)
    }

    fn not_yet(&self) -> Outcome {
        if self.is_arriving() { Outcome::NotYet } else { Outcome::Nobody }
    }

    /// NetBox does not show the linked account any more.
    async fn lost(&mut self, linked: &LinkedAccount) -> Result<(), Trouble> {
        let warning = format!(
            "The account {} (number {}) was deleted in NetBox, or the API token may no longer see it.",
            linked.name, linked.id
        );
        let (connector, user) = (self.connected.connector.id, self.person.user);
        let write = self.app.db.write(move |tx| {
            Box::pin(async move { store::connector_person::unlink(tx, connector, user, &warning).await })
        });
        write.await?;
        Ok(())
    }

    async fn find(&mut self) -> Result<Found, Trouble> {
        if self.desired.username.is_empty() {
            let why = "Nothing is left of this username in NetBox, which keeps letters, digits and @ + . _ - only.";
            return Ok(Found::No(Outcome::LeftAlone { why: why.to_owned(), may_change: false }));
        }
        let candidates = self.netbox.users_called(&self.desired.username).await?;
        let taken = self.taken(candidates.iter().map(|account| account.id).collect()).await?;
        let (id, is_seen, warning) = match match_user::decide(&self.desired, self.person.seen_at, &candidates, &taken) {
            Verdict::None => return Ok(Found::No(self.not_yet())),
            Verdict::Unclear { why } => {
                return Ok(Found::No(Outcome::LeftAlone { why, may_change: self.is_arriving() }));
            }
            Verdict::Link { account, is_seen, warning } => (account, is_seen, warning),
        };
        let Some(account) = candidates.into_iter().find(|candidate| candidate.id == id) else {
            return Ok(Found::No(self.not_yet()));
        };
        // Who was seen signing in may well be a superuser: their groups say so. One that was only found may not.
        if !is_seen && self.netbox.is_superuser(account.id).await? {
            let why = superuser(&account.username);
            return Ok(Found::No(Outcome::LeftAlone { why, may_change: false }));
        }
        self.link(&account, warning).await?;
        Ok(Found::Account(account))
    }

    /// Which of these accounts are other people's.
    async fn taken(&self, candidates: Vec<i64>) -> store::Result<BTreeSet<i64>> {
        let (connector, user) = (self.connected.connector.id, self.person.user);
        let read = self.app.db.read(move |tx| {
            Box::pin(async move {
                let mut taken = BTreeSet::new();
                for account in candidates {
                    let owner = store::connector_person::by_account(tx, connector, account).await?;
                    taken.extend(owner.filter(|owner| owner.user != user).map(|_| account));
                }
                Ok(taken)
            })
        });
        read.await
    }

    async fn link(&mut self, account: &NetBoxUser, warning: String) -> Result<(), Trouble> {
        let linked = LinkedAccount { id: account.id, name: account.username.clone(), linked_at: self.app.clock.now() };
        let (connector, user, said) = (self.connected.connector.id, self.person.user, warning.clone());
        let write = {
            let linked = linked.clone();
            self.app.db.write(move |tx| {
                Box::pin(async move {
                    store::connector_person::link(tx, connector, user, &linked).await?;
                    store::connector_person::warn(tx, connector, user, &said).await
                })
            })
        };
        write.await?;
        self.person = ConnectedPerson {
            account: Some(linked),
            cut_off_at: None,
            pushed: String::new(),
            warning,
            ..self.person.clone()
        };
        Ok(())
    }

    /// Makes an account unusable. What ends access comes first.
    async fn close(&self, plan: &Plan, account: &NetBoxUser) -> Result<Vec<Change>, Trouble> {
        if !plan.cuts_off() {
            return Ok(Vec::new());
        }
        if account.is_active {
            let (connector, user, now) = (self.connected.connector.id, self.person.user, self.app.clock.now());
            let write = self.app.db.write(move |tx| {
                Box::pin(async move { store::connector_person::cut_off(tx, connector, user, now).await })
            });
            write.await?;
        }
        self.netbox.deactivate(account.id).await?;
        for token in self.netbox.tokens_of(account.id).await? {
            if token.enabled {
                self.netbox.disable_token(token.id).await?;
            }
        }
        Ok(plan.changes.clone())
    }

    /// Brings an account that may be used in line.
    async fn open(&self, plan: &Plan, account: NetBoxUser) -> Result<Vec<Change>, Trouble> {
        if plan.is_empty() {
            return Ok(Vec::new());
        }
        let (mut done, mut joined) = (Vec::new(), Vec::new());
        for name in plan.joins() {
            let (group, is_new) = self.group(name).await?;
            if is_new {
                done.push(Change::CreateGroup { group: name.to_owned() });
            }
            joined.push(group);
        }
        // The list of groups is replaced as a whole: what it holds is read as late as possible.
        let present = if plan.moves_groups() { self.netbox.user(account.id).await? } else { account };
        let after = self.netbox.change_user(present.id, &plan.request(&present, &joined)).await?;
        if plan.changes.contains(&Change::LetIn) {
            let (connector, user) = (self.connected.connector.id, self.person.user);
            let write = self
                .app
                .db
                .write(move |tx| Box::pin(async move { store::connector_person::let_in(tx, connector, user).await }));
            write.await?;
        }
        if plan.moves_groups() {
            let read_back = self.netbox.user(after.id).await?;
            let Access::Open(contents) = &self.desired.access else { return Ok(done) };
            if !plan::is_settled(contents, &present, &read_back, &self.connected.connector.profile.groups) {
                return Err(Trouble::Contended);
            }
        }
        done.extend(plan.changes.iter().cloned());
        Ok(done)
    }

    /// A group by name, made if there is none. Says whether it was made.
    async fn group(&self, name: &str) -> Result<(NetBoxGroup, bool), NetBoxError> {
        match self.netbox.group_called(name).await? {
            Some(group) => Ok((group, false)),
            None => Ok((self.netbox.create_group(name, GROUP_DESCRIPTION).await?, true)),
        }
    }

    /// Keeps in mind what was pushed.
    async fn note(mut self, plan: &Plan) -> Result<(), Trouble> {
        self.person.pushed = self.desired.fingerprint();
        self.person.pushed_at = Some(self.app.clock.now());
        if !plan.warning.is_empty() {
            self.person.warning.clone_from(&plan.warning);
        } else if self.person.warning == INACTIVE {
            self.person.warning.clear();
        }
        let (connector, person) = (self.connected.connector.id, self.person);
        let write = self
            .app
            .db
            .write(move |tx| Box::pin(async move { store::connector_person::pushed(tx, connector, &person).await }));
        write.await?;
        Ok(())
    }
}

/// Why a superuser is left alone.
pub(super) fn superuser(name: &str) -> String {
    format!(
        "{name} is a superuser in NetBox and was not seen signing in through Doorward. Local superusers are left alone: \
         they are the way in when all else fails."
    )
}
