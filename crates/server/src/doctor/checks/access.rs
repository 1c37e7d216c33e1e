//! Whether anybody may use the application at all.

use super::{counted, listed, word};
use crate::doctor::{evidence::Evidence, finding::Finding};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let (people, slug) = (&evidence.people, &evidence.house.slug);
    let groups = listed(people.allowed_groups.iter().map(String::as_str));
    findings.push(if people.count > 0 {
        let who = if people.is_everyone { "everyone".to_owned() } else { counted(people.count) };
        Finding::ok("access", format!("The access rule lets {who} in"))
            .seen(format!("{} active people may use it", people.count))
    } else if people.allowed_groups.is_empty() {
        Finding::problem("access-nobody", "The access rule lets nobody in")
            .seen("the application's access rule")
            .change("a terminal", format!("doorward app edit {slug} --allow GROUP"))
    } else {
        Finding::problem("access-empty", format!("The access rule names groups in which nobody active is: {groups}"))
            .seen("the application's access rule, and the members of its groups with those of groups below")
            .change(
                "a terminal",
                format!(
                    "doorward group add-member {} USERNAME",
                    word(people.allowed_groups.first().map_or("GROUP", String::as_str))
                ),
            )
    });
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{named, only};
    use crate::doctor::finding::Severity;

    #[test]
    fn a_rule_for_nobody_and_a_group_of_nobody_are_two_things() {
        let nobody = |e: &mut super::Evidence| {
            (e.people.count, e.people.is_everyone) = (0, false);
            e.people.examined.clear();
        };
        assert_eq!(named(nobody), ("access-nobody", Severity::Problem));
        let finding = only(|e| {
            nobody(e);
            e.people.allowed_groups.push("netbox users".into());
        });
        assert_eq!(finding.id, "access-empty");
        assert_eq!(finding.change[0].text, "doorward group add-member 'netbox users' USERNAME");
    }
}
