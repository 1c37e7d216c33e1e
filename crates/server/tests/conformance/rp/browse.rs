//! What the suite's browser does: it opens addresses, fills in forms by the identifiers of their fields, and looks at pages.

use super::{Run, answer::Answer, html, request::AuthorizationRequest};
use crate::support::{PASSWORD, Page};

/// Who signs in.
pub(crate) const USERNAME: &str = "certified";

/// What happened until the browser left Doorward, or came to a page on which there is nothing to do.
#[derive(Debug)]
pub(crate) struct Visit {
    /// The sign-in form was shown, and filled in.
    pub signed_in: bool,
    /// Consent was asked for, and given.
    pub consented: bool,
    landed: Landed,
}

#[derive(Debug)]
enum Landed {
    Answer(Answer),
    Page(Box<Page>),
}

impl Visit {
    /// The answer to the application.
    #[track_caller]
    pub(crate) fn answer(self) -> Answer {
        match self.landed {
            Landed::Answer(answer) => answer,
            Landed::Page(page) => panic!("no answer but a page: {} {}", page.status, page.body),
        }
    }

    /// The error page of which the suite takes a picture. It must not have led anywhere.
    #[track_caller]
    pub(crate) fn error_page(self) -> Page {
        match self.landed {
            Landed::Answer(answer) => panic!("no page but an answer: {answer:?}"),
            Landed::Page(page) => {
                assert_eq!(page.status, 400, "{}", page.body);
                assert!(html::has_id(&page.body, "reference"), "{}", page.body);
                *page
            }
        }
    }
}

impl Run {
    /// Makes an authorization request with GET and does whatever pages ask for.
    pub(crate) async fn authorize(&mut self, request: &AuthorizationRequest) -> Visit {
        let target = format!("{}?{}", self.endpoint("authorization_endpoint"), request.encoded());
        let page = self.browser.get(&target).await;
        self.go_on(page).await
    }

    /// The same with POST, which comes from the suite's site and so without cookies.
    pub(crate) async fn authorize_by_post(&mut self, request: &AuthorizationRequest) -> Visit {
        let target = self.endpoint("authorization_endpoint");
        let fields: Vec<_> = request.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let page = self.op.browser().request("POST", &target, Some(&fields)).await;
        let page = self.follow(page).await;
        self.go_on(page).await
    }

    async fn go_on(&mut self, mut page: Page) -> Visit {
        let (mut signed_in, mut consented) = (false, false);
        loop {
            let landed = |landed| Visit { signed_in, consented, landed };
            if !page.location().is_empty() {
                return landed(Landed::Answer(Answer::of_redirect(page.location())));
            }
            if let Some(mut form) = html::form_with(&page.body, "sign-in") {
                assert!(!signed_in, "sign-in was asked for twice: {}", page.body);
                // Who signs in again cannot become somebody else: the field is shown and cannot be typed into.
                if form.is_editable("username") {
                    form.fill("username", USERNAME);
                }
                form.fill("password", PASSWORD);
                page = self.submit(&form, "sign-in").await;
                signed_in = true;
            } else if let Some(form) = html::form_with(&page.body, "allow") {
                assert!(!consented, "consent was asked for twice: {}", page.body);
                page = self.submit(&form, "allow").await;
                consented = true;
            } else if let Some(form) = html::form_with(&page.body, "continue") {
                assert_eq!((form.method.as_str(), page.header("cache-control")), ("post", "no-store"));
                return landed(Landed::Answer(Answer::of_form(&form.action, form.press("continue"))));
            } else {
                return landed(Landed::Page(Box::new(page)));
            }
        }
    }

    /// Presses a button, and follows redirects as long as they stay within Doorward.
    pub(crate) async fn submit(&mut self, form: &html::Form, button: &str) -> Page {
        assert_eq!(form.method, "post");
        let fields = form.press(button);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let page = self.browser.request("POST", &form.action, Some(&fields)).await;
        self.follow(page).await
    }

    async fn follow(&mut self, page: Page) -> Page {
        let target = page.location().to_owned();
        if target.starts_with('/') || target.starts_with(super::ORIGIN) {
            self.browser.get(&target).await
        } else {
            page
        }
    }

    /// The path and query of an endpoint in the metadata.
    pub(crate) fn endpoint(&self, name: &str) -> String {
        let address = self.metadata[name].as_str().unwrap_or_else(|| panic!("no {name} in the metadata"));
        address.strip_prefix(super::ORIGIN).unwrap_or_else(|| panic!("{name} is elsewhere: {address}")).to_owned()
    }
}
