//! The two entries that say what the server is: the root DSE (RFC 4512, section 5.1) and the subschema (section 4.2).

use doorward_protocols::ldap::{answer::EntryWriter, control, extended, filter::Filter, schema};
use std::sync::LazyLock;

use super::names::{Kind, Names};

/// Name of the subschema entry.
pub(super) const SUBSCHEMA: &str = "cn=subschema";

/// An entry that is the same for everybody.
#[derive(Debug)]
pub(super) struct Fixed {
    dn: &'static str,
    /// Name, values, and whether it is operational.
    attributes: Vec<(&'static str, Vec<String>, bool)>,
}

static SCHEMA: LazyLock<Fixed> = LazyLock::new(|| Fixed {
    dn: SUBSCHEMA,
    attributes: vec![
        ("objectClass", ["top", "subentry", "subschema"].map(str::to_owned).into(), false),
        ("cn", vec!["subschema".to_owned()], false),
        ("ldapSyntaxes", schema::ldap_syntaxes().collect(), true),
        ("matchingRules", schema::matching_rules().collect(), true),
        ("attributeTypes", schema::attribute_types().collect(), true),
        ("objectClasses", schema::object_classes().collect(), true),
    ],
});

/// The subschema.
pub(super) fn subschema() -> &'static Fixed {
    &SCHEMA
}

/// The root DSE. `bases`: the trees that are here.
pub(super) fn root_dse<'n>(bases: impl Iterator<Item = &'n Names>, offers_tls: bool) -> Fixed {
    let mut contexts = Vec::new();
    for names in bases {
        contexts.push(names.base.clone());
        contexts.extend([Kind::User, Kind::Group].map(|kind| names.container(kind).to_owned()));
    }
    let mut extensions = vec![extended::WHO_AM_I.to_owned(), extended::PASSWORD_MODIFY.to_owned()];
    if offers_tls {
        extensions.push(extended::START_TLS.to_owned());
    }
    // All operational attributes, absolute true and false filters (RFC 3673, RFC 4526).
    let features = ["1.3.6.1.4.1.4203.1.5.1", "1.3.6.1.4.1.4203.1.5.3"].map(str::to_owned);
    Fixed {
        dn: "",
        attributes: vec![
            ("objectClass", vec!["top".to_owned()], false),
            ("namingContexts", contexts, true),
            ("supportedLDAPVersion", vec!["3".to_owned()], true),
            ("supportedControl", vec![control::PAGED_RESULTS.to_owned(), control::MANAGE_DSA_IT.to_owned()], true),
            ("supportedExtension", extensions, true),
            ("supportedFeatures", features.into(), true),
            ("subschemaSubentry", vec![SUBSCHEMA.to_owned()], true),
            ("vendorName", vec!["Doorward".to_owned()], true),
            ("vendorVersion", vec![format!("Doorward {}", env!("CARGO_PKG_VERSION"))], true),
        ],
    }
}

impl Fixed {
    /// Whether it passes a filter. What it does not have is neither true nor false.
    pub(super) fn passes(&self, filter: &Filter<'_>) -> Option<bool> {
        match filter {
            Filter::And(parts) => {
                let mut passed = parts.iter().map(|part| self.passes(part));
                passed.try_fold(true, |so_far, passes| passes.map(|passes| so_far && passes))
            }
            Filter::Or(parts) => Some(parts.iter().any(|part| self.passes(part) == Some(true))),
            Filter::Not(part) => self.passes(part).map(|passes| !passes),
            Filter::Present(attribute) => self.values(attribute).map(|values| !values.is_empty()),
            Filter::Equality { attribute, value } | Filter::Approx { attribute, value } => {
                let values = self.values(attribute)?;
                Some(values.iter().any(|own| own.as_bytes().eq_ignore_ascii_case(value)))
            }
            Filter::Substrings { .. }
            | Filter::GreaterOrEqual { .. }
            | Filter::LessOrEqual { .. }
            | Filter::Extensible { .. } => None,
        }
    }

    /// Values of an attribute, if it has it.
    pub(super) fn values(&self, name: &[u8]) -> Option<&[String]> {
        let found = self.attributes.iter().find(|(own, ..)| own.as_bytes().eq_ignore_ascii_case(name));
        found.map(|(_, values, _)| values.as_slice())
    }

    /// Appends it. An empty list of the root DSE means all of it, as people expect of `ldapsearch -s base -b ""`.
    pub(super) fn write(&self, id: i32, wanted: &[&[u8]], types_only: bool, out: &mut Vec<u8>) {
        let everything = wanted.is_empty() && self.dn.is_empty();
        let mut writer = EntryWriter::begin(out, id, self.dn.as_bytes());
        for (name, values, is_operational) in &self.attributes {
            let by_name = wanted.iter().any(|wanted| name.as_bytes().eq_ignore_ascii_case(wanted));
            let wholesale = if *is_operational {
                wanted.contains(&b"+".as_slice())
            } else {
                wanted.is_empty() || wanted.contains(&b"*".as_slice())
            };
            if (by_name || wholesale || everything) && !values.is_empty() {
                writer.attribute(name);
                let values = values.iter().filter(|_| !types_only);
                values.for_each(|value| writer.value(value.as_bytes()));
            }
        }
        writer.end();
    }
}
