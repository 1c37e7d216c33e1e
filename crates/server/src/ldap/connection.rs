//! One connection: requests in the order in which they come, each answered before the next is looked at.

use bytes::Bytes;
use doorward_protocols::ldap::{
    answer,
    extended::{PASSWORD_MODIFY, START_TLS, WHO_AM_I},
    message::{self, CompareRequest, ExtendedRequest, Message, Request, ResponseKind},
    result::ResultCode,
};
use std::{collections::VecDeque, net::IpAddr};
use tokio_util::sync::CancellationToken;

use super::{
    answers::Answer,
    bind, compare,
    io::{End, Wire},
    limits,
    password_modify::password_modify,
    session::{Present, Session},
};
use crate::app::App;

/// What a connection knows of its transport.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transport {
    /// Address of the client.
    pub address: IpAddr,
    /// Whether it runs in TLS.
    pub is_tls: bool,
    /// Whether nobody on the way can read it: TLS, or this machine only.
    pub is_protected: bool,
    /// Whether `StartTLS` can be done.
    pub offers_tls: bool,
}

/// A connection.
pub(super) struct Connection<'a> {
    pub(super) app: &'a App,
    pub(super) wire: Wire,
    pub(super) session: Session,
    pub(super) transport: Transport,
    /// Requests that came while a search was being written.
    pub(super) queue: VecDeque<Bytes>,
    pub(super) stop: &'a CancellationToken,
    /// The `StartTLS` request that is to be answered.
    start_tls: Option<i32>,
}

/// How a connection goes on after a request.
pub(super) enum Next {
    Request,
    Close,
    StartTls,
}

impl<'a> Connection<'a> {
    /// A new connection of nobody.
    pub(super) fn new(app: &'a App, wire: Wire, transport: Transport, stop: &'a CancellationToken) -> Self {
        Self { app, wire, session: Session::default(), transport, queue: VecDeque::new(), stop, start_tls: None }
    }

    /// Answers until the client goes. Gives the wire back if TLS is to be put around it.
    pub(super) async fn run(mut self) -> Option<Wire> {
        loop {
            let frame = match self.next().await {
                Ok(frame) => frame,
                Err(End::Gone) => break,
                Err(End::Garbled(error)) => {
                    self.disconnect(ResultCode::ProtocolError, &error.to_string());
                    break;
                }
            };
            match self.answer(&frame).await {
                Ok(Next::Request) => {}
                Ok(Next::StartTls) => return self.hand_over().await,
                Ok(Next::Close) | Err(_) => break,
            }
        }
        self.wire.close().await;
        None
    }

    async fn next(&mut self) -> Result<Bytes, End> {
        let is_bound = self.session.bound().is_some();
        self.wire.trust(is_bound);
        if let Some(frame) = self.queue.pop_front() {
            self.wire.flush_if_full().await?;
            return Ok(frame);
        }
        let idle = if is_bound { limits::IDLE_BOUND } else { limits::IDLE_ANONYMOUS };
        tokio::select! {
            () = self.stop.cancelled() => {
                answer::disconnection(&mut self.wire.output, ResultCode::Unavailable, "the server is stopping");
                Err(End::Gone)
            }
            frame = self.wire.next(idle) => frame,
        }
    }

    async fn hand_over(mut self) -> Option<Wire> {
        if self.wire.has_input() || !self.queue.is_empty() {
            // Sent in the clear after StartTLS: somebody on the way may have put it there (CVE-2011-0411).
            self.disconnect(ResultCode::ProtocolError, "nothing may be sent between StartTLS and the handshake");
            self.wire.close().await;
            return None;
        }
        answer::extended(&mut self.wire.output, self.start_tls?, &Answer::success().result(), Some(START_TLS), None);
        self.wire.flush().await.ok()?;
        Some(self.wire)
    }

    fn disconnect(&mut self, code: ResultCode, message: &str) {
        tracing::debug!(address = %self.transport.address, message, "an LDAP connection was ended");
        answer::disconnection(&mut self.wire.output, code, message);
    }

    /// Answers one request.
    async fn answer(&mut self, frame: &Bytes) -> Result<Next, End> {
        let message = match message::decode(frame) {
            Ok(message) => message,
            Err(error) => {
                let Some((id, kind)) = error.id.zip(error.answer) else {
                    self.disconnect(ResultCode::ProtocolError, error.problem);
                    return Ok(Next::Close);
                };
                self.end(id, kind, &Answer::new(ResultCode::ProtocolError, error.problem));
                return Ok(Next::Request);
            }
        };
        if let Some((kind, answer)) = refused_controls(&message) {
            self.end(message.id, kind, &answer);
            return Ok(Next::Request);
        }
        self.dispatch(&message).await
    }

    async fn dispatch(&mut self, message: &Message<'_>) -> Result<Next, End> {
        let id = message.id;
        match &message.request {
            Request::Unbind => return Ok(Next::Close),
            Request::Abandon(_) => {}
            Request::Bind(request) => {
                // Whatever becomes of it, the connection is nobody's until it is through (RFC 4513, section 4).
                self.session.become_bound(None);
                let Transport { address, is_protected, .. } = self.transport;
                let (answer, bound) = bind::bind(self.app, address, is_protected, request).await;
                self.session.become_bound(bound);
                self.end(id, ResponseKind::Bind, &answer);
            }
            Request::Search(request) => self.search(id, request, message.controls.paged).await?,
            Request::Compare(request) => {
                let answer = self.compare(request).await;
                self.end(id, ResponseKind::Compare, &answer);
            }
            Request::Extended(request) => return self.extended(id, request).await,
            Request::Add(_) => self.refuse(id, ResponseKind::Add),
            Request::Modify(_) => self.refuse(id, ResponseKind::Modify),
            Request::Delete(_) => self.refuse(id, ResponseKind::Delete),
            Request::ModifyDn(_) => self.refuse(id, ResponseKind::ModifyDn),
        }
        Ok(Next::Request)
    }

    /// Ends an operation.
    pub(super) fn end(&mut self, id: i32, kind: ResponseKind, answer: &Answer) {
        match kind {
            ResponseKind::Extended => answer::extended(&mut self.wire.output, id, &answer.result(), None, None),
            kind => answer::result(&mut self.wire.output, id, kind, &answer.result()),
        }
    }

    fn refuse(&mut self, id: i32, kind: ResponseKind) {
        let message = format!(
            "this directory is changed in Doorward, not by LDAP: {}if/admin/ or the command doorward",
            self.app.config.public_url
        );
        self.end(id, kind, &Answer::new(ResultCode::UnwillingToPerform, message));
    }

    /// Who is signed in, as they are now.
    pub(super) async fn present(&mut self) -> Result<Present, Answer> {
        match self.session.present(self.app).await {
            Ok(Some(present)) => Ok(present),
            Ok(None) => Err(Answer::sign_in_first()),
            Err(error) => {
                tracing::error!(%error, "the directory could not be read");
                Err(Answer::unavailable())
            }
        }
    }

    async fn compare(&mut self, request: &CompareRequest<'_>) -> Answer {
        match self.present().await {
            Ok(present) => compare::compare(request, &present.view, &self.app.directory.people()),
            Err(answer) => answer,
        }
    }

    async fn extended(&mut self, id: i32, request: &ExtendedRequest<'_>) -> Result<Next, End> {
        let name = std::str::from_utf8(request.name).unwrap_or_default();
        let (answer, value) = match name {
            START_TLS if self.transport.is_tls => {
                (Answer::new(ResultCode::OperationsError, "this connection is in TLS already"), None)
            }
            START_TLS if !self.transport.offers_tls => {
                (Answer::new(ResultCode::Unavailable, "there is no certificate for StartTLS here"), None)
            }
            START_TLS => {
                self.start_tls = Some(id);
                return Ok(Next::StartTls);
            }
            WHO_AM_I => self.who_am_i().await,
            PASSWORD_MODIFY => self.modify_password(request).await,
            _ => (Answer::new(ResultCode::ProtocolError, "there is no such extended operation here"), None),
        };
        answer::extended(&mut self.wire.output, id, &answer.result(), None, value.as_deref());
        Ok(Next::Request)
    }

    /// RFC 4532. Nobody is the empty text.
    async fn who_am_i(&mut self) -> (Answer, Option<Vec<u8>>) {
        if self.session.bound().is_none() {
            return (Answer::success(), Some(Vec::new()));
        }
        match self.present().await {
            Ok(Present { person, view }) => {
                let mut value = b"dn:".to_vec();
                super::entry::Entry::User(&person).write_dn(&view, &mut value);
                (Answer::success(), Some(value))
            }
            Err(answer) => (answer, None),
        }
    }

    async fn modify_password(&mut self, request: &ExtendedRequest<'_>) -> (Answer, Option<Vec<u8>>) {
        let Transport { address, is_protected, .. } = self.transport;
        if !is_protected && !self.app.config.ldap_allow_plaintext {
            return (Answer::unprotected(), None);
        }
        match self.present().await {
            Ok(present) => password_modify(self.app, address, &self.session, &present, request.value).await,
            Err(answer) => (answer, None),
        }
    }
}

/// RFC 4511, section 4.1.11: what is critical and unknown fails the operation.
fn refused_controls(message: &Message<'_>) -> Option<(ResponseKind, Answer)> {
    let kind = message.request.response()?;
    if message.controls.malformed {
        return Some((kind, Answer::new(ResultCode::ProtocolError, "a control cannot be read")));
    }
    let oid = String::from_utf8_lossy(message.controls.unknown_oid.unwrap_or_default());
    message.controls.unknown_critical.then(|| {
        let words = format!("there is no control {oid} here");
        (kind, Answer::new(ResultCode::UnavailableCriticalExtension, words))
    })
}
