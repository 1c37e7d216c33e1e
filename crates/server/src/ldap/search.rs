//! Search (RFC 4511, section 4.5): where it looks, and going through it piece by piece, so that a large answer neither
//! fills memory nor keeps others waiting.

use doorward_core::id::GroupId;
use doorward_protocols::ldap::{
    result::ResultCode,
    search::{Scope, SearchRequest},
};
use std::collections::VecDeque;

use super::{
    directory::{Directory, People},
    found::Found,
    limits,
    names::{Kind, Place},
    plan::{self, Candidates},
    prepared_filter::{Lookup, Test},
    selection::Selection,
    view::View,
};

/// How many people are fetched under one lock at most.
const BATCH: usize = 256;

/// One stretch of a search.
#[derive(Debug)]
enum Stretch {
    Base,
    Container(Kind),
    /// People, or their own groups, after a number.
    Everybody(Kind, i64),
    /// The same, but only these.
    These(Kind, VecDeque<i64>),
    Groups(VecDeque<GroupId>),
}

/// What becomes of a search after a piece of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There may be more.
    More,
    /// It is over. With a cookie if there may be more for the next page.
    Done(ResultCode, Option<Vec<u8>>),
}

/// A search on its way.
#[derive(Debug)]
pub(super) struct Search {
    view: View,
    test: Test,
    /// How many entries are looked at before others get their turn.
    turn: usize,
    selection: Selection,
    stretches: VecDeque<Stretch>,
    /// How many stretches are behind.
    passed: u8,
    /// Position within the stretch: the number of the last entry that was looked at.
    position: i64,
    /// How many entries may still be sent.
    size_left: Option<u32>,
    /// How many of them on this page.
    page_left: Option<u32>,
}

/// A search that cannot begin: the code, and the name down to which the tree is there.
pub(super) type Refusal = (ResultCode, String);

impl Search {
    /// Plans a search below `place`.
    ///
    /// # Errors
    /// That there is nothing at its base that the reader may see.
    pub(super) fn new(
        request: &SearchRequest<'_>,
        place: &Place,
        view: View,
        people: &People,
    ) -> Result<Self, Refusal> {
        let lookup = Lookup { people, view: &view };
        let test = Test::new(&request.filter, lookup);
        let stretches = stretches(place, request.scope, &test, lookup)?;
        let selection = Selection::new(&request.attributes, request.types_only);
        let size_left = (request.size_limit > 0).then_some(request.size_limit);
        let turn = (limits::TESTS_AT_ONCE / test.weight()).max(1);
        Ok(Self { view, test, turn, selection, stretches, passed: 0, position: 0, size_left, page_left: None })
    }

    /// Only a page of it (RFC 2696): `size` entries from where `cookie` says.
    ///
    /// # Errors
    /// That the cookie is not one of ours.
    pub(super) fn page(&mut self, size: u32, cookie: &[u8]) -> Result<(), ()> {
        self.page_left = Some(size);
        if cookie.is_empty() {
            return Ok(());
        }
        let (passed, position) = read_cookie(cookie).ok_or(())?;
        for _ in 0..passed {
            self.stretches.pop_front().ok_or(())?;
        }
        self.passed = passed;
        self.position = position;
        if let Some(stretch) = self.stretches.front_mut() {
            stretch.skip_to(position, &self.view);
        }
        Ok(())
    }

    /// Sends nothing but the end.
    pub(super) fn give_up(&mut self) {
        self.page_left = Some(0);
        self.stretches.clear();
    }

    /// Goes on for a while: until enough was written or looked at.
    pub(super) fn advance(&mut self, id: i32, directory: &Directory, out: &mut Vec<u8>) -> Progress {
        let mut looked_at = 0;
        while let Some(mut stretch) = self.stretches.pop_front() {
            loop {
                let batch = stretch.next(self.turn.min(BATCH), directory, &self.view);
                if batch.is_empty() {
                    break;
                }
                looked_at += batch.len();
                let written = match self.write(&batch, id, directory, out) {
                    Ok(written) => written,
                    Err(end) => return end,
                };
                if looked_at >= self.turn || out.len() >= limits::CHUNK {
                    stretch.put_back(batch.get(written..).unwrap_or_default(), self.position, &self.view);
                    self.stretches.push_front(stretch);
                    return Progress::More;
                }
            }
            self.passed = self.passed.saturating_add(1);
            self.position = 0;
        }
        Progress::Done(ResultCode::Success, self.page_left.map(|_| Vec::new()))
    }

    /// Writes those that pass, until enough is written: large groups would fill memory. Says how many were looked at, or
    /// how the search ends.
    fn write(&mut self, batch: &[Found], id: i32, directory: &Directory, out: &mut Vec<u8>) -> Result<usize, Progress> {
        for (before, found) in batch.iter().enumerate() {
            if before > 0 && out.len() >= limits::CHUNK {
                return Ok(before);
            }
            let Some(entry) = found.entry(&self.view) else { continue };
            if self.test.passes(&entry, &self.view) == Some(true) {
                if self.size_left == Some(0) {
                    return Err(Progress::Done(ResultCode::SizeLimitExceeded, self.page_left.map(|_| Vec::new())));
                }
                if self.page_left == Some(0) {
                    let cookie = write_cookie(self.passed, self.position);
                    return Err(Progress::Done(ResultCode::Success, Some(cookie)));
                }
                self.selection.write(id, &entry, &self.view, directory, out);
                self.size_left = self.size_left.map(|left| left - 1);
                self.page_left = self.page_left.map(|left| left - 1);
            }
            self.position = found.position(&self.view);
        }
        Ok(batch.len())
    }
}

impl Stretch {
    fn next(&mut self, most: usize, directory: &Directory, view: &View) -> Vec<Found> {
        match self {
            Self::Base => {
                *self = Self::Groups(VecDeque::new());
                vec![Found::Base]
            }
            Self::Container(kind) => {
                let found = vec![Found::Container(*kind)];
                *self = Self::Groups(VecDeque::new());
                found
            }
            Self::Everybody(kind, after) => {
                let people = directory.people();
                let found: Vec<Found> =
                    people.after(*after).take(most).map(|person| Found::Person(*kind, person.clone())).collect();
                if let Some(last) = found.last() {
                    *after = last.position(view);
                }
                found
            }
            Self::These(kind, numbers) => {
                let people = directory.people();
                loop {
                    let batch = numbers.drain(..numbers.len().min(most));
                    let found: Vec<Found> = batch
                        .filter_map(|pk| people.get(pk))
                        .map(|person| Found::Person(*kind, person.clone()))
                        .collect();
                    if !found.is_empty() || numbers.is_empty() {
                        return found;
                    }
                }
            }
            Self::Groups(ids) => ids.drain(..ids.len().min(most)).map(Found::Group).collect(),
        }
    }

    /// Takes back what was fetched but not looked at: everything after a position.
    fn put_back(&mut self, rest: &[Found], position: i64, view: &View) {
        match self {
            Self::Base | Self::Container(_) => {}
            Self::Everybody(_, after) => *after = position,
            Self::These(_, numbers) => rest.iter().rev().for_each(|found| numbers.push_front(found.position(view))),
            Self::Groups(ids) => {
                for found in rest.iter().rev() {
                    if let Found::Group(id) = found {
                        ids.push_front(*id);
                    }
                }
            }
        }
    }

    /// Leaves out what was looked at already.
    fn skip_to(&mut self, position: i64, view: &View) {
        match self {
            Self::Base | Self::Container(_) if position > 0 => *self = Self::Groups(VecDeque::new()),
            Self::Base | Self::Container(_) => {}
            Self::Everybody(_, after) => *after = position,
            Self::These(_, numbers) => numbers.retain(|number| *number > position),
            Self::Groups(ids) => {
                ids.retain(|id| view.groups.get(*id).is_some_and(|node| node.group.pk > position));
            }
        }
    }
}

fn stretches(place: &Place, scope: Scope, test: &Test, lookup: Lookup<'_>) -> Result<VecDeque<Stretch>, Refusal> {
    let itself = matches!(scope, Scope::Base | Scope::Subtree);
    let below = scope != Scope::Base;
    let mut found = VecDeque::new();
    match place {
        Place::Base => {
            found.extend(itself.then_some(Stretch::Base));
            if below {
                found.extend(Kind::ALL.map(Stretch::Container));
            }
            if matches!(scope, Scope::Subtree | Scope::Children) {
                found.extend(Kind::ALL.map(|kind| entries(kind, test, lookup)));
            }
        }
        Place::Container(kind) => {
            found.extend(itself.then_some(Stretch::Container(*kind)));
            found.extend(below.then(|| entries(*kind, test, lookup)));
        }
        Place::Entry(kind, _) => {
            let entry = single(place, lookup).ok_or_else(|| missing(Some(*kind), lookup.view))?;
            found.extend(itself.then_some(entry));
        }
        Place::Nowhere(kind) => return Err(missing(*kind, lookup.view)),
    }
    Ok(found)
}

fn missing(kind: Option<Kind>, view: &View) -> Refusal {
    let matched = kind.map_or(view.names().base.as_str(), |kind| view.names().container(kind));
    (ResultCode::NoSuchObject, matched.to_owned())
}

/// The entries of a container that could pass and that the reader may see.
fn entries(kind: Kind, test: &Test, lookup: Lookup<'_>) -> Stretch {
    let view = lookup.view;
    // For a person nothing is planned: what they may see is little, and how long a plan takes would tell of the rest.
    match (kind, view.only()) {
        (Kind::Group, Some(_)) => groups(view, view.own_groups().to_vec()),
        (Kind::Group, None) => {
            let all = || view.groups.after(0).map(|node| node.group.id).collect();
            groups(view, plan::groups(test, lookup).unwrap_or_else(all))
        }
        (kind, Some(reader)) => Stretch::These(kind, [reader.pk].into()),
        (kind, None) => match plan::people(test, kind, lookup) {
            Candidates::All => Stretch::Everybody(kind, 0),
            Candidates::These(numbers) => Stretch::These(kind, numbers.into_iter().collect()),
        },
    }
}

/// Groups by number.
fn groups(view: &View, ids: Vec<GroupId>) -> Stretch {
    let nodes = ids.into_iter().filter_map(|id| view.groups.get(id));
    let mut sorted: Vec<(i64, GroupId)> = nodes.map(|node| (node.group.pk, node.group.id)).collect();
    sorted.sort_unstable();
    sorted.dedup();
    Stretch::Groups(sorted.into_iter().map(|(_, id)| id).collect())
}

fn single(place: &Place, lookup: Lookup<'_>) -> Option<Stretch> {
    match Found::at(place, lookup.view, lookup.people)? {
        Found::Person(kind, person) => Some(Stretch::These(kind, [person.pk].into())),
        Found::Group(id) => Some(Stretch::Groups([id].into())),
        Found::Base | Found::Container(_) => None,
    }
}

/// Where a page ended. It names nothing that the reader may not see, so it needs no seal.
fn write_cookie(passed: u8, position: i64) -> Vec<u8> {
    let mut cookie = vec![passed];
    cookie.extend_from_slice(&position.to_be_bytes());
    cookie
}

fn read_cookie(cookie: &[u8]) -> Option<(u8, i64)> {
    let (passed, position) = cookie.split_first()?;
    Some((*passed, i64::from_be_bytes(position.try_into().ok()?)))
}

#[cfg(test)]
mod tests;
