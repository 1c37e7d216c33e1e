//! How a browser carries an authorization answer to a client: in the query, in the fragment, or in a form.

use anyhow::{Context, Result, ensure};
use reqwest::Url;

use crate::html;
use crate::visitor::{Page, Visitor};

/// Where the parameters of an answer stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In the query of the redirect URI.
    Query,
    /// In its fragment, which the client's page reads with a script.
    Fragment,
    /// In a form that the browser sends to it by POST.
    FormPost,
}

/// An answer that reached the client.
#[derive(Debug)]
pub struct Delivery {
    /// Where the parameters stood.
    pub way: Way,
    /// The parameters, decoded as the client decodes them.
    pub parameters: Vec<(String, String)>,
    /// What the client made of it, after all redirects.
    pub page: Page,
}

impl Delivery {
    /// A parameter of the answer.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Goes to a page of a client that wants people to sign in, signs in, and carries the answer to `redirect_uri`
/// in the way that the provider chose.
///
/// # Errors
/// When no answer comes, or nobody takes it.
pub async fn deliver(
    visitor: &Visitor,
    url: &str,
    redirect_uri: &str,
    (username, password): (&str, &str),
) -> Result<Delivery> {
    let answer = visitor.answer_to(url, redirect_uri, username, password).await?;
    let (way, parameters, page) = match &answer.location {
        None => by_form(visitor, &answer, redirect_uri).await?,
        Some(location) if location.fragment().is_some() => by_fragment(visitor, location).await?,
        Some(location) => (Way::Query, pairs(location), visitor.get(location.as_str()).await?),
    };
    Ok(Delivery { way, parameters, page: visitor.follow(page, "nowhere:").await? })
}

type Carried = (Way, Vec<(String, String)>, Page);

/// Sends the provider's form, which its script sends at once.
async fn by_form(visitor: &Visitor, page: &Page, redirect_uri: &str) -> Result<Carried> {
    let form = html::form_with_button(&page.body, "continue")
        .with_context(|| format!("no answer, but {} ({}):\n{}", page.url, page.status, page.body))?;
    ensure!(form.is_post && form.action == redirect_uri, "a form for {:?}, not for {redirect_uri}", form.action);
    let answer = visitor.send(page, &form, &form.filled("continue", &[])).await?;
    Ok((Way::FormPost, form.fields, answer))
}

/// Does what the script of `mod_auth_openidc` does (its `postOnLoad`): the page's form, with a field for every
/// parameter of the fragment, goes back to where the page came from.
async fn by_fragment(visitor: &Visitor, location: &Url) -> Result<Carried> {
    let mut bare = location.clone();
    bare.set_fragment(None);
    let page = visitor.get(bare.as_str()).await?;
    ensure!(page.body.contains("location.hash"), "no script that reads the fragment at {bare}:\n{}", page.body);
    let mut form = html::forms(&page.body).into_iter().next().context("no form for the fragment")?;
    // `decodeURIComponent` leaves a plus as it is: a provider that wrote spaces so would be misread.
    let mut read = bare.clone();
    read.set_query(location.fragment().map(|fragment| fragment.replace('+', "%2B")).as_deref());
    let parameters = pairs(&read);
    form.fields.extend(parameters.iter().cloned());
    let answer = visitor.send(&page, &form, &form.fields).await?;
    Ok((Way::Fragment, parameters, answer))
}

fn pairs(url: &Url) -> Vec<(String, String)> {
    url.query_pairs().into_owned().collect()
}
