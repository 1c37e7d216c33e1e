//! What the application would be told about the people who may use it: the mappings, evaluated for each of them.

use serde_json::Value;

use super::{counted, listed, word};
use crate::doctor::{
    evidence::{Evidence, House, PersonSeen},
    finding::{Finding, Severity},
};

/// The claim that carries superuser status to NetBox.
const SUPERUSER: &str = "netbox_superuser";
/// Where claim mappings are chosen.
const PLACE: &str = "the application's page, section Claims";

/// The claims of somebody.
type Told<'a> = (&'a PersonSeen, &'a Value);

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let (house, people) = (&evidence.house, &evidence.people);
    if house.oauth.is_none() {
        return;
    }
    groups_of_recipe(house, findings);
    if people.examined.is_empty() {
        return;
    }
    let before = findings.len();
    if let Some((person, error)) =
        people.examined.iter().find_map(|person| Some((person, person.userinfo.as_ref().err()?)))
    {
        findings.push(
            Finding::problem("mapping-broken", "A claim mapping fails, so that its people cannot sign in")
                .seen(format!("for {}: {error}", person.username))
                .change("Claims in the administration", "correct the expression; its page tries it for a person"),
        );
        return;
    }
    let told: Vec<Told<'_>> =
        people.examined.iter().filter_map(|person| Some((person, person.userinfo.as_ref().ok()?))).collect();
    usernames(&told, findings);
    if house.is_netbox {
        groups(house, &told, findings);
        superuser(house, &told, findings);
        names(&told, findings);
    }
    if findings.iter().skip(before).all(|finding| finding.severity != Severity::Problem) {
        findings.push(
            Finding::ok("claims", "The claim mappings give what the application needs")
                .seen(format!("evaluated for {} who may use it", counted(told.len()))),
        );
    }
}

/// Groups that the recipe was told and that are no more: they are kept by name.
fn groups_of_recipe(house: &House, findings: &mut Vec<Finding>) {
    let gone: Vec<&str> = house
        .options
        .superuser_groups
        .iter()
        .filter(|name| !house.groups.contains(*name))
        .map(String::as_str)
        .collect();
    if let Some(first) = gone.first() {
        let what = format!("Superusers are the members of groups that do not exist: {}", listed(gone.iter().copied()));
        findings.push(
            Finding::problem("superuser-group-missing", what)
                .seen("the groups named when the application was added; renamed or removed since")
                .change("a terminal", format!("doorward group add {}", word(first)))
                .change("Claims in the administration", "name the right group in the mapping \"NetBox: superuser\""),
        );
    }
}

fn usernames(told: &[Told<'_>], findings: &mut Vec<Finding>) {
    let missing = told
        .iter()
        .find(|(_, claims)| claims.get("preferred_username").and_then(Value::as_str).is_none_or(str::is_empty));
    if let Some((person, _)) = missing {
        findings.push(
            Finding::problem(
                "username-missing",
                "The application is not told usernames: NetBox then makes up a random one",
            )
            .seen(format!("no preferred_username in the userinfo of {}", person.username))
            .change(PLACE, "tick the claim mapping of the scope profile"),
        );
    }
}

fn groups(house: &House, told: &[Told<'_>], findings: &mut Vec<Finding>) {
    let lists = told.iter().map(|(person, claims)| (person, claims.get("groups").and_then(Value::as_array)));
    if let Some((person, _)) = lists.clone().find(|(_, list)| list.is_none()) {
        findings.push(
            Finding::problem(
                "groups-missing",
                "Userinfo holds no groups, so that groups in NetBox do not follow Doorward",
            )
            .seen(format!("no list \"groups\" in the userinfo of {}", person.username))
            .change(PLACE, "tick the claim mapping of the scope profile that came with Doorward"),
        );
        return;
    }
    let mut names = lists.filter_map(|(_, list)| list).flatten().filter_map(Value::as_str);
    if !names.any(|name| is_managed(house, name)) {
        let which = match &house.options.group_prefix {
            Some(prefix) => format!("whose names begin with {prefix}"),
            None => format!("named {}", listed(house.options.managed_groups.iter().map(String::as_str))),
        };
        findings.push(
            Finding::note(
                "groups-unmanaged",
                format!("Nobody who may use NetBox is in a group that NetBox follows: those {which}"),
            )
            .seen(format!("the groups in the userinfo of {}", counted(told.len())))
            .change("a terminal", "doorward group add netbox-operators --member USERNAME"),
        );
    }
}

/// Whether NetBox's settings let a group follow Doorward.
pub(super) fn is_managed(house: &House, name: &str) -> bool {
    let options = &house.options;
    let has_prefix = options.group_prefix.as_ref().is_some_and(|prefix| name.starts_with(prefix.as_str()));
    has_prefix || options.managed_groups.iter().any(|managed| managed == name)
}

/// NetBox leaves a superuser a superuser when the claim is missing, and fails on one that is no boolean.
fn superuser(house: &House, told: &[Told<'_>], findings: &mut Vec<Finding>) {
    if house.options.superuser_groups.is_empty() {
        return;
    }
    let bad = told.iter().find(|(_, claims)| !claims.get(SUPERUSER).is_some_and(Value::is_boolean));
    let Some((person, claims)) = bad else { return };
    let finding = match claims.get(SUPERUSER) {
        None => Finding::problem(
            "superuser-missing",
            "The claim netbox_superuser is not always sent: whoever is superuser in NetBox stays it",
        ),
        Some(_) => Finding::problem(
            "superuser-not-boolean",
            "The claim netbox_superuser is not true or false: NetBox fails on it",
        ),
    };
    let value = claims.get(SUPERUSER).map_or_else(|| "nothing".to_owned(), Value::to_string);
    findings.push(
        finding
            .seen(format!("in the userinfo of {}: {value}", person.username))
            .change(PLACE, "tick \"NetBox: superuser\"; its expression must give true or false for everybody"),
    );
}

fn names(told: &[Told<'_>], findings: &mut Vec<Finding>) {
    let is_empty = |claims: &Value, claim: &str| claims.get(claim).and_then(Value::as_str).is_none_or(str::is_empty);
    let nameless: Vec<&str> = told
        .iter()
        .filter(|(_, claims)| is_empty(claims, "given_name") && is_empty(claims, "family_name"))
        .map(|(person, _)| person.username.as_str())
        .collect();
    if let Some(first) = nameless.first() {
        findings.push(
            Finding::note(
                "name-missing",
                format!("NetBox is not told the names of some people: {}", listed(nameless.iter().copied())),
            )
            .seen("neither given_name nor family_name in their userinfo")
            .change("a terminal", format!("doorward user edit {} --name \"Given Family\"", word(first))),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{alice, found, named};
    use super::*;
    use serde_json::json;

    fn claim(evidence: &mut Evidence, name: &str, value: Value) {
        let claims = evidence.people.examined[0].userinfo.as_mut().unwrap().as_object_mut().unwrap();
        match value {
            Value::Null => drop(claims.remove(name)),
            value => drop(claims.insert(name.into(), value)),
        }
    }

    #[test]
    fn each_claim_that_netbox_needs_is_missed() {
        let without = |name: &'static str| named(|e| claim(e, name, Value::Null));
        assert_eq!(without("preferred_username"), ("username-missing", Severity::Problem));
        assert_eq!(without("groups"), ("groups-missing", Severity::Problem));
        assert_eq!(without("netbox_superuser"), ("superuser-missing", Severity::Problem));
        let nameless = |e: &mut Evidence| {
            claim(e, "given_name", json!(""));
            claim(e, "family_name", Value::Null);
        };
        assert_eq!(named(nameless), ("name-missing", Severity::Note));
        assert_eq!(named(|e| claim(e, "groups", json!("netbox-operators"))), ("groups-missing", Severity::Problem));
        assert_eq!(named(|e| claim(e, "groups", json!(["staff"]))), ("groups-unmanaged", Severity::Note));
        for value in [json!("true"), json!(1), json!(["x"])] {
            assert_eq!(
                named(|e| claim(e, "netbox_superuser", value.clone())),
                ("superuser-not-boolean", Severity::Problem)
            );
        }
    }

    #[test]
    fn without_superuser_groups_the_claim_does_not_matter() {
        let finding = found("claims", |e| {
            e.house.options.superuser_groups.clear();
            claim(e, "netbox_superuser", Value::Null);
        });
        assert_eq!(finding.severity, Severity::Ok);
    }

    #[test]
    fn a_mapping_that_fails_for_one_of_many_is_found() {
        let broken = |e: &mut Evidence| {
            let userinfo = Err("\"Lab\": undefined value".into());
            e.people.examined.push(PersonSeen { username: "bob".into(), userinfo, ..alice() });
        };
        assert_eq!(named(broken), ("mapping-broken", Severity::Problem));
        assert!(found("mapping-broken", broken).seen.contains("bob"));
    }

    #[test]
    fn a_superuser_group_that_was_renamed_is_missed() {
        let renamed = |e: &mut Evidence| {
            e.house.groups.remove("netbox-admins");
        };
        assert_eq!(named(renamed), ("superuser-group-missing", Severity::Problem));
    }
}
