//! As much HTML as the suite's browser needs of our pages: forms, frames, and where a page sends the browser by itself.

use std::collections::BTreeMap;

/// A form and everything in it that can be sent or pressed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    pub action: String,
    pub method: String,
    /// Identifier, name, value and type of inputs and buttons.
    controls: Vec<Control>,
}

#[derive(Debug, Clone)]
struct Control {
    id: String,
    name: String,
    value: String,
    is_read_only: bool,
    is_button: bool,
}

impl Form {
    /// Types into a field. One that is read-only has to say it already: the suite's browser fails when it types into such.
    pub(crate) fn fill(&mut self, id: &str, text: &str) {
        let control = self.controls.iter_mut().find(|control| control.id == id);
        let control = control.unwrap_or_else(|| panic!("no field with the id {id}"));
        assert!(!control.is_read_only, "{id} cannot be typed into");
        control.value = text.to_owned();
    }

    /// What is sent when a button is pressed.
    pub(crate) fn press(&self, button: &str) -> Vec<(String, String)> {
        self.controls
            .iter()
            .filter(|control| !control.name.is_empty() && (!control.is_button || control.id == button))
            .map(|control| (control.name.clone(), control.value.clone()))
            .collect()
    }

    /// Whether a field can be written to.
    pub(crate) fn is_editable(&self, id: &str) -> bool {
        self.controls.iter().any(|control| control.id == id && !control.is_read_only)
    }

    fn has(&self, id: &str) -> bool {
        self.controls.iter().any(|control| control.id == id)
    }
}

/// The form that holds the element with this identifier.
pub(crate) fn form_with(page: &str, id: &str) -> Option<Form> {
    forms(page).into_iter().find(|form| form.has(id))
}

/// Whether an element has this identifier.
pub(crate) fn has_id(page: &str, id: &str) -> bool {
    tags(page).iter().any(|(_, attributes)| attributes.get("id").is_some_and(|found| found == id))
}

/// An attribute of every element with this name.
pub(crate) fn attribute_of(page: &str, element: &str, attribute: &str) -> Vec<String> {
    let found = tags(page).into_iter().filter(|(name, _)| name == element);
    found.filter_map(|(_, mut attributes)| attributes.remove(attribute)).collect()
}

/// Where a `Refresh` header sends the browser, without any script.
pub(crate) fn refresh(header: &str) -> Option<&str> {
    header.split_once(";url=").map(|(_, target)| target)
}

fn forms(page: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    let mut open: Option<Form> = None;
    for (name, attributes) in tags(page) {
        let attribute = |name: &str| attributes.get(name).cloned().unwrap_or_default();
        match (name.as_str(), &mut open) {
            ("form", _) => {
                open = Some(Form { action: attribute("action"), method: attribute("method"), controls: Vec::new() });
            }
            ("/form", form) => forms.extend(form.take()),
            ("input" | "button", Some(form)) => form.controls.push(Control {
                id: attribute("id"),
                name: attribute("name"),
                value: attribute("value"),
                is_read_only: attributes.contains_key("readonly"),
                is_button: name == "button",
            }),
            _ => {}
        }
    }
    forms
}

/// Every tag with its attributes, in order.
fn tags(page: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if rest.starts_with('!') {
            continue;
        }
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
        rest = &rest[name.len()..];
        let attributes = attributes(&mut rest);
        found.push((name.to_ascii_lowercase(), attributes));
    }
    found
}

/// The attributes of a tag, up to its end.
fn attributes(rest: &mut &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    loop {
        *rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let name: String = rest.chars().take_while(|c| !c.is_whitespace() && !['=', '>', '<'].contains(c)).collect();
        *rest = &rest[name.len()..];
        if name.is_empty() {
            return found;
        }
        let value = match rest.strip_prefix("=\"") {
            None => String::new(),
            Some(quoted) => {
                let (value, after) = quoted.split_once('"').unwrap();
                *rest = after;
                decoded(value)
            }
        };
        found.insert(name.to_ascii_lowercase(), value);
    }
}

fn decoded(text: &str) -> String {
    text.replace("&#x2f;", "/")
        .replace("&quot;", "\"")
        .replace("&#x27;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
