//! Where two redirect URIs differ, for people who compare them.

/// A piece of text and whether it is the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Span {
    /// The text.
    pub text: String,
    /// Whether the other side has the same.
    pub same: bool,
}

/// Marks where two addresses differ: in the scheme, the host and what follows it, each for itself what they begin with and
/// end with together, and what lies between.
pub fn difference(received: &str, registered: &str) -> (Vec<Span>, Vec<Span>) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (one, other) in pieces(received, registered) {
        compare(one, other, &mut left, &mut right);
    }
    (left, right)
}

/// Scheme, host and rest of both, where both have them.
fn pieces<'a>(one: &'a str, other: &'a str) -> Vec<(&'a str, &'a str)> {
    match (split(one), split(other)) {
        (Some(one), Some(other)) => one.into_iter().zip(other).collect(),
        _ => vec![(one, other)],
    }
}

fn split(uri: &str) -> Option<[&str; 3]> {
    let (scheme, rest) = uri.split_at_checked(uri.find("://")? + 3)?;
    let (host, rest) = rest.split_at_checked(rest.find(['/', '?', '#']).unwrap_or(rest.len()))?;
    Some([scheme, host, rest])
}

fn compare(one: &str, other: &str, left: &mut Vec<Span>, right: &mut Vec<Span>) {
    let prefix = common(one.chars(), other.chars());
    let rest = |text: &str| text.chars().skip(prefix).collect::<Vec<_>>();
    let (one_rest, other_rest) = (rest(one), rest(other));
    let suffix = common(one_rest.iter().rev(), other_rest.iter().rev());
    for (text, rest, spans) in [(one, one_rest, left), (other, other_rest, right)] {
        let (middle, end) = rest.split_at(rest.len() - suffix);
        push(spans, text.chars().take(prefix).collect(), true);
        push(spans, middle.iter().collect(), false);
        push(spans, end.iter().collect(), true);
    }
}

fn push(spans: &mut Vec<Span>, text: String, same: bool) {
    match spans.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if last.same == same => last.text.push_str(&text),
        _ => spans.push(Span { text, same }),
    }
}

fn common<T: PartialEq>(left: impl Iterator<Item = T>, right: impl Iterator<Item = T>) -> usize {
    left.zip(right).take_while(|(left, right)| left == right).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Both sides, with brackets around what differs.
    fn marked(received: &str, registered: &str) -> (String, String) {
        let text = |spans: Vec<Span>| {
            spans.into_iter().map(|s| if s.same { s.text } else { format!("[{}]", s.text) }).collect::<String>()
        };
        let (received, registered) = difference(received, registered);
        (text(received), text(registered))
    }

    #[test]
    fn the_difference_is_marked() {
        let registered = "https://a.org/cb/";
        for (received, left, right) in [
            ("http://a.org/cb/", "http://a.org/cb/", "http[s]://a.org/cb/"),
            ("http://a.org/cb", "http://a.org/cb", "http[s]://a.org/cb[/]"),
            ("https://b.org:8000/cb/", "https://[b.org:8000]/cb/", "https://[a.org]/cb/"),
            ("https://a.org", "https://a.org", "https://a.org[/cb/]"),
            ("nonsense", "[nonsense]", "[https://a.org/cb/]"),
            (registered, registered, registered),
        ] {
            assert_eq!(marked(received, registered), (left.to_owned(), right.to_owned()), "{received}");
        }
    }

    #[test]
    fn what_is_the_same_is_one_piece() {
        assert_eq!(difference("https://a/b", "https://a/b").0, [Span { text: "https://a/b".into(), same: true }]);
        assert!(difference("", "").0.is_empty());
    }

    proptest! {
        #[test]
        fn marked_differences_add_up_to_the_addresses(left in ".{0,50}", right in ".{0,50}", scheme in "(http://)?") {
            let (left, right) = (scheme + &left, format!("https://{right}"));
            let (a, b) = difference(&left, &right);
            let join = |spans: Vec<Span>| spans.into_iter().map(|span| span.text).collect::<String>();
            prop_assert_eq!(join(a), left);
            prop_assert_eq!(join(b), right);
        }
    }
}
