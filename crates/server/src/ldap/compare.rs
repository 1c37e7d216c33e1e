//! Compare (RFC 4511, section 4.10).

use doorward_protocols::ldap::{dn, message::CompareRequest, result::ResultCode};

use super::{
    answers::Answer,
    attribute::{Attribute, Named, named},
    directory::People,
    entry::Entry,
    found::Found,
    prepared_filter::{Lookup, Test},
    view::View,
};

/// Whether an entry has a value. What the reader may not see is not there.
pub(super) fn compare(request: &CompareRequest<'_>, view: &View, people: &People) -> Answer {
    let Ok(dn) = dn::parse(request.entry) else {
        return Answer::new(ResultCode::InvalidDnSyntax, "the entry's name is no DN");
    };
    let found = view.names().place(&dn).and_then(|place| Found::at(&place, view, people));
    let Some(entry) = found.as_ref().and_then(|found| found.entry(view)) else {
        return Answer::new(ResultCode::NoSuchObject, "");
    };
    let test = Test::equal(request.attribute, request.value, Lookup { people, view });
    match test.passes(&entry, view) {
        Some(true) => Answer::new(ResultCode::CompareTrue, ""),
        Some(false) if has(&entry, request.attribute, view) => Answer::new(ResultCode::CompareFalse, ""),
        Some(false) => Answer::new(ResultCode::NoSuchAttribute, "the entry has no such attribute"),
        None if named(request.attribute).is_some_and(|name| matches!(name, Named::Known(_))) => {
            Answer::new(ResultCode::InvalidAttributeSyntax, "the value does not fit the attribute")
        }
        None => Answer::new(ResultCode::UndefinedAttributeType, "there is no such attribute"),
    }
}

fn has(entry: &Entry<'_>, attribute: &[u8], view: &View) -> bool {
    match (named(attribute), entry) {
        // A group without members has the attribute all the same: the answer is "no", not "no such attribute".
        (Some(Named::Known(Attribute::Member | Attribute::UniqueMember | Attribute::MemberUid)), Entry::Group(_)) => {
            true
        }
        (Some(name), entry) => entry.has(&name, view),
        (None, _) => false,
    }
}
