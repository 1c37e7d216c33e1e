//! What NetBox's own list of users and groups says: accounts that would be doubled, or are already.

use std::collections::BTreeMap;

use super::{claims::is_managed, listed};
use crate::{
    doctor::{
        evidence::{AccountSeen, Evidence, House, Inventory, InventoryError, PersonSeen},
        finding::Finding,
    },
    netbox::users::is_suffixed,
};

const SEEN: &str = "NetBox's users and groups, by its API";

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let house = &evidence.house;
    if !house.is_netbox {
        return;
    }
    let inventory = match &evidence.inventory {
        None => {
            findings.push(
                Finding::skipped("token", "Without a token for NetBox's API its users and groups were not compared: accounts that would be doubled, groups that are missing")
                    .change("a terminal", format!("doorward doctor {} --token-file FILE", house.slug)),
            );
            return;
        }
        Some(Err(error)) => {
            findings.push(refused(error));
            return;
        }
        Some(Ok(inventory)) => inventory,
    };
    findings.push(
        Finding::ok("token", "NetBox's API accepts the token").seen(format!("{} users read", inventory.users.len())),
    );
    if inventory.sees_permissions {
        findings.push(
            Finding::note("token-powerful", "The token may see permissions, which Doorward does not need: its account may be more powerful than it has to be")
                .seen("GET /api/users/permissions/")
                .change("NetBox's administration", "give the token to an account of its own, with permissions for users and groups only"),
        );
    }
    accounts(evidence, inventory, findings);
    groups(house, &evidence.people.examined, inventory, findings);
}

fn refused(error: &InventoryError) -> Finding {
    match error {
        InventoryError::Refused(reason) => {
            Finding::problem("token-refused", "NetBox does not accept the token").seen(reason).change(
                "NetBox, Admin, API Tokens",
                "make a new token: enabled, not expired, and allowed from this machine's address",
            )
        }
        InventoryError::Forbidden(reason) => Finding::problem("token-too-weak", "The token may not see users")
            .seen(reason)
            .change("NetBox, Admin, Permissions", "users > user: view; users > group: view"),
        InventoryError::Failed(reason) => Finding::problem("token-unused", "NetBox's API gave no useful answer")
            .seen(reason)
            .change("NetBox's machine", "look at its log"),
    }
}

fn accounts(evidence: &Evidence, inventory: &Inventory, findings: &mut Vec<Finding>) {
    let by_name: BTreeMap<&str, &AccountSeen> =
        inventory.users.iter().map(|user| (user.username.as_str(), user)).collect();
    let (mut doubled, mut local, mut inactive) = (Vec::new(), Vec::new(), Vec::new());
    for person in &evidence.people.examined {
        let name = person.username.as_str();
        let Some(account) = by_name.get(name) else { continue };
        let twin = inventory.users.iter().find(|user| is_suffixed(&user.username, name));
        if let Some(twin) = twin {
            doubled.push(format!("{name} and {}", twin.username));
        } else if !person.has_signed_in && evidence.house.oauth.is_some() {
            local.push(name);
        }
        if !account.is_active {
            inactive.push(name);
        }
    }
    if !doubled.is_empty() {
        findings.push(
            Finding::problem("account-duplicate", "Some people have two accounts in NetBox: the name was taken when they first signed in by OpenID Connect")
                .seen(format!("{SEEN}: {}", listed(doubled.iter().map(String::as_str))))
                .change("NetBox's administration", "delete the older account, or rename it and then the one with the suffix; the link to Doorward goes with the latter"),
        );
    }
    if let Some(first) = local.first() {
        findings.push(
            Finding::problem("account-local", format!("NetBox has accounts with the names of people who have not signed in with Doorward yet: {}. Their first sign-in makes a second account with a suffix", listed(local.iter().copied())))
                .seen(format!("{SEEN}, and the sign-ins of the last 90 days here"))
                .change("NetBox's administration", format!("rename or delete the user {first} before {first} signs in")),
        );
    }
    if !inactive.is_empty() {
        findings.push(
            Finding::note("account-inactive", format!("Some people may use NetBox by Doorward's rule, but their accounts there are inactive: {}. They come back to the login page without a word", listed(inactive.iter().copied())))
                .seen(SEEN)
                .change("NetBox's administration", "activate the accounts, or take the people out of the access rule"),
        );
    }
    if doubled.is_empty() && local.is_empty() {
        findings.push(
            Finding::ok("accounts", "Nobody has two accounts in NetBox, and nobody will get a second").seen(SEEN),
        );
    }
}

fn groups(house: &House, examined: &[PersonSeen], inventory: &Inventory, findings: &mut Vec<Finding>) {
    let Some(there) = &inventory.groups else { return };
    let wanted =
        examined.iter().filter_map(|person| person.userinfo.as_ref().ok()?.get("groups")?.as_array()).flatten();
    let mut missing: Vec<&str> = wanted
        .filter_map(|group| group.as_str())
        .filter(|name| is_managed(house, name) && !there.contains(*name))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    if !missing.is_empty() {
        findings.push(
            Finding::note("groups-absent", format!("NetBox does not have these groups yet: {}. The printed settings make them at the next sign-in, without permissions", listed(missing.iter().copied())))
                .seen(SEEN)
                .change("NetBox's administration", "give permissions to the groups, or their members see nothing"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{found, named};
    use super::*;
    use crate::doctor::finding::Severity;
    use std::collections::BTreeSet;

    fn account(username: &str) -> AccountSeen {
        AccountSeen { username: username.into(), is_active: true }
    }

    fn with(evidence: &mut Evidence, change: impl FnOnce(&mut Inventory)) {
        let groups = Some(["netbox-operators".to_owned()].into());
        let mut inventory = Inventory { users: vec![account("alice"), account("bob")], groups, ..Inventory::default() };
        change(&mut inventory);
        evidence.inventory = Some(Ok(inventory));
    }

    #[test]
    fn doubled_and_soon_doubled_accounts_are_found() {
        let doubled = |e: &mut Evidence| with(e, |i| i.users.push(account("alice5951bce3e62d42b1")));
        assert_eq!(named(doubled), ("account-duplicate", Severity::Problem));
        let local = |e: &mut Evidence| {
            with(e, |_| ());
            e.people.examined[0].has_signed_in = false;
        };
        assert_eq!(named(local), ("account-local", Severity::Problem));
        assert_eq!(found("accounts", |e| with(e, |i| i.users.push(account("alicent")))).severity, Severity::Ok);
    }

    #[test]
    fn what_is_only_worth_knowing_is_a_note() {
        let note = |id| (id, Severity::Note);
        assert_eq!(named(|e| with(e, |i| i.users[0].is_active = false)), note("account-inactive"));
        assert_eq!(named(|e| with(e, |i| i.groups = Some(BTreeSet::new()))), note("groups-absent"));
        assert_eq!(named(|e| with(e, |i| i.sees_permissions = true)), note("token-powerful"));
        assert_eq!(found("token", |e| e.inventory = None).severity, Severity::Skipped);
    }

    #[test]
    fn a_token_that_does_not_help_says_why() {
        let refused = |error| named(|e| e.inventory = Some(Err(error)));
        assert_eq!(refused(InventoryError::Refused("x".into())).0, "token-refused");
        assert_eq!(refused(InventoryError::Forbidden("x".into())).0, "token-too-weak");
        assert_eq!(refused(InventoryError::Failed("x".into())).0, "token-unused");
    }
}
