//! That the tests and `conformance/modules.txt` say the same.

use std::collections::BTreeSet;

use crate::variant::{ResponseMode, ResponseType};

/// One test.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub plan: &'static str,
    pub response_type: ResponseType,
    pub mode: ResponseMode,
    /// The name of the test function.
    pub module: &'static str,
}

impl Entry {
    fn line(&self) -> String {
        let response_type = self.response_type.value().replace(' ', "+");
        let mode = match self.mode {
            ResponseMode::Default => "default",
            ResponseMode::FormPost => "form_post",
        };
        format!("{} {response_type} {mode} {}", self.plan, self.module.replace('_', "-"))
    }
}

/// The modules of a plan for one response type and mode, each as a test of its own, named like the module; and their list.
macro_rules! modules {
    ($plan:literal, $response_type:ident, $mode:ident: $($module:ident)*) => {
        pub(crate) const LIST: &[crate::list::Entry] = &[$(crate::list::Entry {
            plan: $plan,
            response_type: crate::variant::ResponseType::$response_type,
            mode: crate::variant::ResponseMode::$mode,
            module: stringify!($module),
        }),*];

        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $module() {
                let variant = crate::variant::Variant {
                    response_type: crate::variant::ResponseType::$response_type,
                    mode: crate::variant::ResponseMode::$mode,
                };
                crate::modules::$module(variant).await;
            }
        )*
    };
}
pub(crate) use modules;

/// The list as it is published: plan, response type, response mode, for which clients the suite has it, module.
const PUBLISHED: &str = include_str!("../../../../conformance/modules.txt");

#[test]
fn every_module_of_the_list_has_its_test_and_every_test_stands_in_the_list() {
    let tests: BTreeSet<String> = [
        crate::config::LIST,
        crate::basic::LIST,
        crate::implicit::id_token::LIST,
        crate::implicit::id_token_token::LIST,
        crate::hybrid::code_id_token::LIST,
        crate::hybrid::code_token::LIST,
        crate::hybrid::code_id_token_token::LIST,
        crate::form_post::basic::LIST,
        crate::form_post::implicit::id_token::LIST,
        crate::form_post::implicit::id_token_token::LIST,
        crate::form_post::hybrid::code_id_token::LIST,
        crate::form_post::hybrid::code_token::LIST,
        crate::form_post::hybrid::code_id_token_token::LIST,
        crate::rp_initiated_logout::LIST,
        crate::backchannel::LIST,
        crate::frontchannel::LIST,
        crate::session_management::LIST,
    ]
    .into_iter()
    .flatten()
    .map(Entry::line)
    .collect();
    let mut listed = BTreeSet::new();
    for line in PUBLISHED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [plan, response_type, mode, clients, module] = words[..] else { panic!("{line:?} has not five columns") };
        assert!(["all", "dynamic"].contains(&clients), "{line}");
        assert!(listed.insert(format!("{plan} {response_type} {mode} {module}")), "twice: {line}");
    }
    let (untested, unlisted): (Vec<_>, Vec<_>) =
        (listed.difference(&tests).collect(), tests.difference(&listed).collect());
    assert!(untested.is_empty(), "without a test: {untested:#?}");
    assert!(unlisted.is_empty(), "not in the list: {unlisted:#?}");
}

/// How many modules a plan has for static clients, and for dynamic ones.
fn count(plan: &str) -> (usize, usize) {
    let lines = PUBLISHED.lines().filter(|line| line.split_whitespace().next() == Some(plan));
    let (all, dynamic): (Vec<_>, Vec<_>) = lines.partition(|line| line.contains(" all "));
    (all.len(), all.len() + dynamic.len())
}

#[test]
fn the_plans_are_as_long_as_the_suite_has_them() {
    for (plan, numbers) in [
        ("oidcc-config-certification-test-plan", (1, 1)),
        ("oidcc-basic-certification-test-plan", (35, 38)),
        ("oidcc-formpost-basic-certification-test-plan", (35, 38)),
        ("oidcc-implicit-certification-test-plan", (54, 58)),
        ("oidcc-formpost-implicit-certification-test-plan", (54, 58)),
        ("oidcc-hybrid-certification-test-plan", (96, 102)),
        ("oidcc-formpost-hybrid-certification-test-plan", (96, 102)),
        ("oidcc-rp-initiated-logout-certification-test-plan", (11, 11)),
        ("oidcc-backchannel-rp-initiated-logout-certification-test-plan", (2, 2)),
        ("oidcc-frontchannel-rp-initiated-logout-certification-test-plan", (2, 2)),
        ("oidcc-session-management-certification-test-plan", (2, 2)),
    ] {
        assert_eq!(count(plan), numbers, "{plan}");
    }
}
