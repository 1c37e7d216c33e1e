//! Pages of a list, in the address: `?search=…&page=…`.

use doorward_core::user::key;
use serde_json::{Value, json};

use super::desk::Desk;

/// Entries on a page.
pub(super) const PER_PAGE: usize = 50;
/// The last page anybody can ask for.
const PAGE_MAX: usize = 1_000_000;

/// One page of a list of known length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paging {
    number: usize,
    count: usize,
}

impl Paging {
    /// The page asked for, or the nearest there is.
    pub(super) fn new(requested: usize, count: usize) -> Self {
        Self { number: requested.clamp(1, total_pages(count)), count }
    }

    /// How many entries stand on the pages before.
    pub(super) fn offset(self) -> usize {
        (self.number - 1) * PER_PAGE
    }

    /// The entries of this page.
    pub(super) fn part<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.offset()).take(PER_PAGE).collect()
    }

    /// What the templates show.
    pub(super) fn context(self, search: &str) -> Value {
        self.context_of(&[("search", search)])
    }

    /// The same with other parameters that the links keep; those that are empty are left out.
    pub(super) fn context_of(self, kept: &[(&str, &str)]) -> Value {
        let total_pages = total_pages(self.count);
        let href = |number: usize| {
            let mut query = form_urlencoded::Serializer::for_suffix("?".to_owned(), 1);
            query.extend_pairs(kept.iter().filter(|(_, value)| !value.is_empty()));
            query.append_pair("page", &number.to_string()).finish()
        };
        json!({
            "number": self.number,
            "total_pages": total_pages,
            "count": self.count,
            "prev_href": (self.number > 1).then(|| href(self.number - 1)),
            "next_href": (self.number < total_pages).then(|| href(self.number + 1)),
        })
    }
}

fn total_pages(count: usize) -> usize {
    count.div_ceil(PER_PAGE).max(1)
}

/// The page asked for, counted from 1.
pub(super) fn requested(desk: &Desk) -> usize {
    desk.query("page").parse().unwrap_or(1).clamp(1, PAGE_MAX)
}

/// What is searched for.
pub(super) fn search(desk: &Desk) -> String {
    desk.query("search").trim().chars().take(200).collect()
}

/// Whether one of the texts holds what is searched for, whatever the case of the letters.
pub(super) fn matches(search: &str, texts: &[&str]) -> bool {
    let wanted = key(search);
    texts.iter().any(|text| key(text).contains(&wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_where_the_list_ends() {
        assert_eq!(Paging::new(1, 0).context("")["total_pages"], 1);
        assert_eq!(Paging::new(9, 101).offset(), 100);
        assert_eq!(Paging::new(9, 100).offset(), 50);
        assert_eq!(Paging::new(2, 120).part((0..120).collect::<Vec<_>>()), (50..100).collect::<Vec<_>>());
    }

    #[test]
    fn links_lead_to_the_pages_beside_and_keep_the_search() {
        let middle = Paging::new(2, 120).context("a&b");
        assert_eq!(middle["prev_href"], "?search=a%26b&page=1");
        assert_eq!(middle["next_href"], "?search=a%26b&page=3");
        let only = Paging::new(1, 50).context("");
        assert!(only["prev_href"].is_null() && only["next_href"].is_null());
    }

    #[test]
    fn case_does_not_matter_to_a_search() {
        assert!(matches("BOX", &["x", "NetBox"]));
        assert!(!matches("y", &["x", "NetBox"]));
    }
}
