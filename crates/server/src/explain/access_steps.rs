//! The rules about access one by one, in words. The verdict is made from the same functions that decide in earnest.

use doorward_core::{
    access_rule::AccessRule,
    application::{ApplicationProfile, ConsentMode},
    id::GroupId,
    method::Method,
    network::Place,
    user::UserType,
};
use std::{collections::BTreeSet, net::IpAddr};

use super::report::{AccessReport, Finding, Route, Step, Verdict};
use crate::{
    applications::access,
    auth::throttle::{Reached, in_words},
    directory::person::Person,
    snapshot::{ApplicationEntry, Snapshot},
};

/// Most names that stand in one sentence.
const NAMES_SHOWN: usize = 10;

/// What is known about the person's ways to sign in.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) has_password: bool,
    pub(super) has_authenticator: bool,
    /// App passwords that are good for this application now.
    pub(super) app_passwords: usize,
    /// Limits that are reached.
    pub(super) reached: Vec<Reached>,
    pub(super) has_consented: bool,
}

/// Everything the rules look at.
pub(super) struct Facts<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) entry: &'a ApplicationEntry,
    pub(super) person: &'a Person,
    pub(super) direct: &'a BTreeSet<GroupId>,
    pub(super) address: Option<IpAddr>,
    pub(super) known: Known,
}

/// The whole report.
pub(super) fn report(facts: &Facts<'_>) -> AccessReport {
    let routes: Vec<Route> = facts.entry.methods().into_iter().map(|method| facts.route(method)).collect();
    let verdict = routes.iter().map(|route| route.verdict).max().unwrap_or(Verdict::Denied);
    AccessReport {
        user: facts.username().to_owned(),
        application: facts.profile().slug.clone(),
        address: facts.address,
        verdict,
        summary: facts.summary(&routes, verdict),
        routes,
    }
}

fn step(rule: &'static str, finding: Finding, text: impl Into<String>) -> Step {
    Step { rule, finding, text: text.into() }
}

impl Facts<'_> {
    fn username(&self) -> &str {
        &self.person.user.profile.username
    }

    fn profile(&self) -> &ApplicationProfile {
        &self.entry.application.profile
    }

    fn is_machine(&self) -> bool {
        self.person.user.profile.user_type == UserType::ServiceAccount
    }

    fn route(&self, method: Method) -> Route {
        let mut steps = vec![self.account()];
        match method {
            Method::Oidc | Method::Proxy => {
                steps.extend([self.form(), self.rule(), self.networks()]);
                steps.extend(self.consent(method));
            }
            Method::Ldap => {
                steps.extend([self.bind(), self.searcher().unwrap_or_else(|| self.rule())]);
                steps.extend(self.networks_over_ldap());
            }
        }
        steps.extend(self.limits(method));
        let is = |finding| steps.iter().any(|step| step.finding == finding);
        let verdict = match (is(Finding::No), is(Finding::Depends)) {
            (true, _) => Verdict::Denied,
            (false, true) => Verdict::Depends,
            (false, false) => Verdict::Allowed,
        };
        Route { method, verdict, steps }
    }

    fn account(&self) -> Step {
        if self.person.user.profile.is_active {
            step("account", Finding::Yes, format!("{} is active", self.username()))
        } else {
            let text = format!("{} is disabled; doorward user enable {0} lets them sign in again", self.username());
            step("account", Finding::No, text)
        }
    }

    /// Signing in with a browser.
    fn form(&self) -> Step {
        let name = self.username();
        if self.is_machine() {
            return step(
                "sign-in",
                Finding::No,
                format!("{name} is a service account, which does not use the sign-in form"),
            );
        }
        if !self.known.has_password {
            let text = format!("{name} has no password; doorward user set-password {name} gives them one");
            return step("sign-in", Finding::No, text);
        }
        let text = if self.known.has_authenticator {
            "a password and the code of an authenticator app are asked for"
        } else {
            "a password is asked for; they have no authenticator app"
        };
        step("sign-in", Finding::Yes, text)
    }

    /// Signing in with a name and a password only.
    fn bind(&self) -> Step {
        let (name, known) = (self.username(), &self.known);
        let takes_codes = self.entry.ldap.as_ref().is_some_and(|client| client.provider.profile.code_in_password);
        let password = known.has_password && !self.is_machine();
        let own = match (password, known.has_authenticator) {
            (true, true) if takes_codes => Some("the password with a code behind it (password;123456)"),
            (true, false) => Some("the password"),
            _ => None,
        };
        let app_passwords = match known.app_passwords {
            0 => None,
            1 => Some("an app password".to_owned()),
            many => Some(format!("{many} app passwords")),
        };
        let good: Vec<String> = own.map(str::to_owned).into_iter().chain(app_passwords).collect();
        if !good.is_empty() {
            return step("bind", Finding::Yes, format!("{} opens it", good.join(", or ")));
        }
        let why = if password {
            "has an authenticator app, and this application takes no codes behind the password"
        } else if self.is_machine() {
            "is a service account without an app password that is good here"
        } else {
            "has no password"
        };
        step(
            "bind",
            Finding::No,
            format!("{name} {why}; an app password is needed: doorward user app-password add {name} --for …"),
        )
    }

    fn searcher(&self) -> Option<Step> {
        let provider = &self.entry.ldap.as_ref()?.provider.profile;
        let text =
            format!("{} reads everybody for this application, so the access rule is not looked at", self.username());
        provider.searchers.contains(&self.person.user.id).then(|| step("searcher", Finding::Yes, text))
    }

    fn rule(&self) -> Step {
        let (name, user) = (self.username(), self.person.user.id);
        match &self.profile().access {
            AccessRule::Everyone => step("access rule", Finding::Yes, "it is open to everyone who can sign in"),
            AccessRule::Only { users, .. } if users.contains(&user) => {
                step("access rule", Finding::Yes, format!("it names {name}"))
            }
            AccessRule::Only { groups, users } => match self.way_in(groups) {
                Some(text) => step("access rule", Finding::Yes, text),
                None => step("access rule", Finding::No, self.kept_out(groups, users.len())),
            },
        }
    }

    /// Through which of the groups they are let in, and by way of which others.
    fn way_in(&self, groups: &BTreeSet<GroupId>) -> Option<String> {
        let paths = groups.iter().filter_map(|group| self.snapshot.groups.path(self.direct, *group));
        let path = paths.min_by_key(Vec::len)?;
        let names: Vec<&str> = path.iter().map(|id| self.group_name(*id)).collect();
        let (last, first) = (names.last()?, names.first()?);
        let nested = names.windows(2).filter_map(|pair| match pair {
            [below, above] => Some(format!(", and {below} is in {above}")),
            _ => None,
        });
        let name = self.username();
        Some(format!("it names the group {last}; {name} is a member of {first}{}", nested.collect::<String>()))
    }

    fn kept_out(&self, groups: &BTreeSet<GroupId>, users: usize) -> String {
        let name = self.username();
        if groups.is_empty() && users == 0 {
            return format!("it lets nobody in yet; doorward app edit {} --allow … says who may", self.profile().slug);
        }
        let listed = if groups.is_empty() {
            format!("names {users} people, and not {name}")
        } else {
            let names: Vec<&str> = groups.iter().map(|id| self.group_name(*id)).collect();
            let people = if users == 0 { String::new() } else { format!(" and {users} people") };
            format!("names {}{people}; {name} is not among them", in_words_list(&names))
        };
        let own: Vec<&str> = self.person.groups(self.snapshot).map(|group| group.profile.name.as_str()).collect();
        let own = if own.is_empty() { "is in no group".to_owned() } else { format!("is in {}", in_words_list(&own)) };
        format!("it {listed}: {name} {own}")
    }

    fn group_name(&self, id: GroupId) -> &str {
        self.snapshot.groups.get(id).map_or("a group that is gone", |group| &group.profile.name)
    }

    fn networks(&self) -> Step {
        let networks = &self.profile().networks;
        let Some(address) = self.address else {
            return if networks.is_any() {
                step("networks", Finding::Yes, "it can be used from anywhere")
            } else {
                step(
                    "networks",
                    Finding::Depends,
                    format!("it can be used from {networks} only; name the address to know"),
                )
            };
        };
        match access::check_place(networks, Place::Browser(address)) {
            Ok(()) => {
                let text = networks.holding(address).map_or_else(
                    || "it can be used from anywhere".to_owned(),
                    |network| format!("{address} is in {network}"),
                );
                step("networks", Finding::Yes, text)
            }
            Err(_) => step(
                "networks",
                Finding::No,
                format!("it can be used from {networks} only, and {address} is not there"),
            ),
        }
    }

    fn networks_over_ldap(&self) -> Option<Step> {
        let text = "not looked at over LDAP: the application asks, and not the person";
        (!self.profile().networks.is_any()).then(|| step("networks", Finding::Note, text))
    }

    fn consent(&self, method: Method) -> Option<Step> {
        let text = match (method, self.profile().consent) {
            (Method::Oidc, ConsentMode::Always) => "they are asked for consent at every sign-in",
            (Method::Oidc, ConsentMode::FirstTime) if self.known.has_consented => "they have given it before",
            (Method::Oidc, ConsentMode::FirstTime) => "they are asked for consent the first time",
            _ => return None,
        };
        Some(step("consent", Finding::Note, text))
    }

    /// Limits on attempts. Those of LDAP go by the application's address, which is not known here, and an app password is
    /// never held up.
    fn limits(&self, method: Method) -> Vec<Step> {
        let wait = |reached: &Reached| format!("too many {}; wait {}", reached.what, in_words(reached.wait));
        let held_up = |reached: &Reached| step("attempts", Finding::No, wait(reached));
        if method == Method::Ldap {
            let everywhere = self.known.reached.iter().filter(|reached| !reached.is_by_address);
            let finding = if self.known.app_passwords > 0 { Finding::Note } else { Finding::No };
            return everywhere.map(|reached| step("attempts", finding, wait(reached))).collect();
        }
        if self.known.reached.is_empty() {
            let from = if self.address.is_some() { "" } else { ", as far as that can be said without an address" };
            return vec![step("attempts", Finding::Yes, format!("no limit is reached{from}"))];
        }
        self.known.reached.iter().map(held_up).collect()
    }

    fn summary(&self, routes: &[Route], verdict: Verdict) -> String {
        let (name, application) = (self.username(), &self.profile().name);
        let by = |wanted: Verdict| {
            let found = routes.iter().filter(|route| route.verdict == wanted).map(|route| route.method.label());
            found.collect::<Vec<_>>().join(" and by ")
        };
        let reason = |finding| {
            let mut steps = routes.iter().flat_map(|route| &route.steps).filter(move |step| step.finding == finding);
            steps.next().map(|step| format!("{}: {}", step.rule, step.text)).unwrap_or_default()
        };
        match verdict {
            Verdict::Allowed => {
                let but = by(Verdict::Denied);
                let but = if but.is_empty() { but } else { format!(", but not by {but}") };
                format!("{name} may use {application} by {}{but}.", by(Verdict::Allowed))
            }
            Verdict::Depends => {
                format!("Whether {name} may use {application} depends. {}.", capital(&reason(Finding::Depends)))
            }
            Verdict::Denied if routes.is_empty() => {
                format!("Nobody can sign in to {application}: it has no provider.")
            }
            Verdict::Denied => format!("{name} may not use {application}. {}.", capital(&reason(Finding::No))),
        }
    }
}

fn in_words_list(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_SHOWN).copied().collect();
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
