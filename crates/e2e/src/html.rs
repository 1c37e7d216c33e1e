//! Just enough HTML to fill in forms as a browser without JavaScript does.

use std::collections::BTreeMap;

/// A form on a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// The `action` attribute; empty for the address of the page itself.
    pub action: String,
    /// Whether `method` is `post`.
    pub is_post: bool,
    /// Fields with their values, in the order of the page; buttons are not among them.
    pub fields: Vec<(String, String)>,
    /// Buttons: their id, and the name and value they send (both may be empty).
    pub buttons: Vec<(String, String, String)>,
}

impl Form {
    /// What pressing a button sends: all fields, some of them filled in, and the button's own value.
    #[must_use]
    pub fn filled(&self, button: &str, with: &[(&str, &str)]) -> Vec<(String, String)> {
        let typed = |name: &str| with.iter().find(|(field, _)| *field == name).map(|(_, text)| (*text).to_owned());
        let mut sent: Vec<_> = self
            .fields
            .iter()
            .map(|(name, value)| (name.clone(), typed(name).unwrap_or_else(|| value.clone())))
            .collect();
        let pressed = self.buttons.iter().find(|(id, name, _)| id == button && !name.is_empty());
        sent.extend(pressed.map(|(_, name, value)| (name.clone(), value.clone())));
        sent
    }
}

/// The form that has a button with this id.
#[must_use]
pub fn form_with_button(page: &str, button: &str) -> Option<Form> {
    forms(page).into_iter().find(|form| form.buttons.iter().any(|(id, ..)| id == button))
}

/// All forms of a page.
#[must_use]
pub fn forms(page: &str) -> Vec<Form> {
    let mut found: Vec<Form> = Vec::new();
    let mut is_open = false;
    for tag in tags(page) {
        let attribute = |name: &str| tag.attributes.get(name).cloned().unwrap_or_default();
        match (tag.name.as_str(), found.last_mut()) {
            ("form", _) => {
                is_open = true;
                let is_post = attribute("method").eq_ignore_ascii_case("post");
                found.push(Form { action: attribute("action"), is_post, ..Form::default() });
            }
            ("/form", _) => is_open = false,
            ("button", Some(form)) if is_open && attribute("type") != "button" => {
                form.buttons.push((attribute("id"), attribute("name"), attribute("value")));
            }
            ("input", Some(form)) if is_open => take_input(form, &tag),
            _ => {}
        }
    }
    found
}

fn take_input(form: &mut Form, tag: &Tag) {
    let attribute = |name: &str| tag.attributes.get(name).cloned().unwrap_or_default();
    let is_checked = tag.attributes.contains_key("checked");
    match attribute("type").as_str() {
        "submit" => form.buttons.push((attribute("id"), attribute("name"), attribute("value"))),
        "button" | "reset" | "image" | "file" => {}
        "checkbox" | "radio" if !is_checked => {}
        _ if attribute("name").is_empty() => {}
        _ => form.fields.push((attribute("name"), attribute("value"))),
    }
}

/// The addresses of all frames of a page.
#[must_use]
pub fn frames(page: &str) -> Vec<String> {
    tags(page)
        .into_iter()
        .filter(|tag| tag.name == "iframe")
        .filter_map(|mut tag| tag.attributes.remove("src"))
        .collect()
}

/// The text of the first element with this id, without its tags.
#[must_use]
pub fn text_of(page: &str, id: &str) -> Option<String> {
    let at = page.find(&format!("id=\"{id}\""))?;
    let rest = page.get(at..)?;
    let inner = rest.get(rest.find('>')? + 1..)?;
    Some(unescaped(inner.get(..inner.find('<')?)?.trim()))
}

#[derive(Debug)]
struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
}

fn tags(page: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let (inside, after) = after.split_at(end_of_tag(after));
        found.push(tag(inside));
        rest = after;
    }
    found
}

/// Where the tag ends: the first `>` that stands in no quotation marks.
fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '>') => return at,
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn tag(inside: &str) -> Tag {
    let name_ends = inside.find(char::is_whitespace).unwrap_or(inside.len());
    let (name, mut rest) = inside.split_at(name_ends);
    let mut attributes = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '/');
        if rest.is_empty() {
            break;
        }
        let ends = rest.find(|letter: char| letter.is_whitespace() || letter == '=').unwrap_or(rest.len()).max(1);
        let (attribute, after) = rest.split_at(ends);
        let (value, after) = after.trim_start().strip_prefix('=').map_or(("", after), |text| value(text.trim_start()));
        attributes.insert(attribute.to_ascii_lowercase(), unescaped(value));
        rest = after;
    }
    Tag { name: name.to_ascii_lowercase(), attributes }
}

fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

fn unescaped(text: &str) -> String {
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&#x2F;", "/"),
        ("&#47;", "/"),
        ("&#61;", "="),
        ("&#x3d;", "="),
        ("&amp;", "&"),
    ];
    named.iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!-- <form action="/not"> --><input name="outside" value="x">
        <form method="post" action="/consent?a=1&amp;b=2"><input type="hidden" name="csrf" value="a&#x2f;b">
        <input name='username' value=alice readonly><input type="checkbox" name="remember" value="1">
        <button type="button" id="show">Show</button>
        <button id="allow" name="decision" value="allow">A > B</button><button id="deny" name="decision" value="deny">
        </form><dl><dd><code id="reference">K7-22</code></dd></dl>"#;

    #[test]
    fn a_form_is_sent_with_its_hidden_fields_and_the_pressed_button() {
        let form = form_with_button(PAGE, "allow").unwrap();
        assert_eq!(form.action, "/consent?a=1&b=2");
        assert!(form.is_post);
        let sent = form.filled("allow", &[("username", "bob")]);
        let sent: Vec<_> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(sent, [("csrf", "a/b"), ("username", "bob"), ("decision", "allow")]);
    }

    #[test]
    fn only_buttons_that_send_the_form_are_found() {
        assert!(form_with_button(PAGE, "deny").is_some());
        assert!(form_with_button(PAGE, "show").is_none());
    }

    #[test]
    fn frames_are_found_with_their_addresses_unescaped() {
        let page =
            r#"<iframe title="A > B" src="https://a.example/out?iss=x&amp;sid=y"></iframe><iframe hidden></iframe>"#;
        assert_eq!(frames(page), ["https://a.example/out?iss=x&sid=y"]);
    }

    #[test]
    fn the_text_of_an_element_is_found_by_its_id() {
        assert_eq!(text_of(PAGE, "reference").as_deref(), Some("K7-22"));
        assert_eq!(text_of(PAGE, "time"), None);
    }
}
