//! Search as a request on a connection: what it is about, and its answer written piece by piece.

use doorward_protocols::ldap::{
    answer,
    control::Paged,
    dn::{self, Dn},
    message::{self, Request, ResponseKind},
    result::ResultCode,
    search::{Scope, SearchRequest},
};
use std::time::Duration;
use tokio::time::Instant;

use super::{
    answers::Answer,
    bind::provider_of,
    connection::Connection,
    fixed::{self, SUBSCHEMA},
    io::End,
    limits,
    search::{Progress, Search},
};

impl Connection<'_> {
    /// Answers a search.
    ///
    /// # Errors
    /// That the client went.
    pub(super) async fn search(
        &mut self,
        id: i32,
        request: &SearchRequest<'_>,
        paged: Option<Paged<'_>>,
    ) -> Result<(), End> {
        let Ok(base) = dn::parse(request.base) else {
            let answer = Answer::new(ResultCode::InvalidDnSyntax, "the search base is no DN");
            self.end(id, ResponseKind::Search, &answer);
            return Ok(());
        };
        if request.scope == Scope::Base && self.search_fixed(id, request, &base) {
            self.end(id, ResponseKind::Search, &Answer::success());
            return Ok(());
        }
        match self.begin(request, &base, paged).await {
            Ok(search) => self.write(id, request, search).await,
            Err(answer) => {
                self.end(id, ResponseKind::Search, &answer);
                Ok(())
            }
        }
    }

    /// The root DSE or the subschema, which everybody may read.
    fn search_fixed(&mut self, id: i32, request: &SearchRequest<'_>, base: &Dn) -> bool {
        let root;
        let entry = if base.is_empty() {
            let snapshot = self.app.snapshot();
            root = fixed::root_dse(snapshot.ldap.iter().map(|client| &client.names), self.transport.offers_tls);
            &root
        } else if base.normalized() == SUBSCHEMA {
            fixed::subschema()
        } else {
            return false;
        };
        if entry.passes(&request.filter) == Some(true) {
            entry.write(id, &request.attributes, request.types_only, &mut self.wire.output);
        }
        true
    }

    async fn begin(
        &mut self,
        request: &SearchRequest<'_>,
        base: &Dn,
        paged: Option<Paged<'_>>,
    ) -> Result<Search, Answer> {
        let present = self.present().await?;
        let owner = provider_of(&self.app.snapshot(), base);
        if owner.is_some_and(|owner| owner.provider.id != present.view.client.provider.id) {
            let message = "this base DN is another application's: bind with a DN below it";
            return Err(Answer::new(ResultCode::InsufficientAccessRights, message));
        }
        let place = present.view.names().place(base).ok_or_else(|| {
            Answer::new(ResultCode::NoSuchObject, "there is nothing here; the root DSE lists the base DNs")
        })?;
        let search = Search::new(request, &place, present.view, &self.app.directory.people());
        let mut search =
            search.map_err(|(code, matched)| Answer { matched, ..Answer::new(code, "there is no such entry") })?;
        if let Some(paged) = paged {
            if paged.size == 0 && !paged.cookie.is_empty() {
                // RFC 2696, section 3: the client wants no more.
                search.give_up();
            } else if search.page(paged.size, paged.cookie).is_err() {
                return Err(Answer::new(ResultCode::UnwillingToPerform, "the cookie is not one of ours"));
            }
        }
        Ok(search)
    }

    async fn write(&mut self, id: i32, request: &SearchRequest<'_>, mut search: Search) -> Result<(), End> {
        let asked = Duration::from_secs(request.time_limit.into());
        let limit = if asked.is_zero() { limits::SEARCH } else { asked.min(limits::SEARCH) };
        let deadline = Instant::now() + limit;
        loop {
            match search.advance(id, &self.app.directory, &mut self.wire.output) {
                Progress::Done(code, cookie) => {
                    let answer = Answer::new(code, "");
                    let paged = cookie.as_deref().map(|cookie| (0, cookie));
                    answer::search_done(&mut self.wire.output, id, &answer.result(), paged);
                    return Ok(());
                }
                Progress::More if Instant::now() >= deadline => {
                    let answer = Answer::new(ResultCode::TimeLimitExceeded, "the search took too long");
                    self.end(id, ResponseKind::Search, &answer);
                    return Ok(());
                }
                Progress::More => {
                    self.wire.flush_if_full().await?;
                    if self.is_abandoned(id)? {
                        return Ok(());
                    }
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Whether the client has meanwhile abandoned the search (RFC 4511, section 4.11). Other requests wait their turn.
    fn is_abandoned(&mut self, id: i32) -> Result<bool, End> {
        if self.stop.is_cancelled() {
            return Err(End::Gone);
        }
        while self.queue.len() < limits::READ_AHEAD
            && let Some(frame) = self.wire.glance()?
        {
            match message::decode(&frame).map(|message| message.request) {
                Ok(Request::Abandon(abandoned)) if abandoned == id => return Ok(true),
                Ok(Request::Unbind) => return Err(End::Gone),
                _ => self.queue.push_back(frame),
            }
        }
        Ok(false)
    }
}
