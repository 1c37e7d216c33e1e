//! The suite's browser, as far as our configuration of it goes: it runs the tasks that are written down for an address, finds
//! elements by their identifiers, presses buttons and looks whether a text is there.

use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
};

use crate::html::{self, Form};

/// A browser with its cookies, and where it is.
pub struct AutomatedBrowser {
    port: u16,
    cookies: BTreeMap<String, String>,
    /// The address shown.
    pub url: String,
    /// The page shown; empty outside of Doorward.
    page: String,
    /// Where the page sends the browser after a while.
    refresh: Option<String>,
    forms: BTreeMap<String, Form>,
    /// Texts of which a picture was taken.
    pub pictures: Vec<String>,
}

impl AutomatedBrowser {
    pub fn new(port: u16) -> Self {
        Self {
            port,
            cookies: BTreeMap::new(),
            url: String::new(),
            page: String::new(),
            refresh: None,
            forms: BTreeMap::new(),
            pictures: Vec::new(),
        }
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Opens an address and runs the first tasks in `browser` that are for it.
    pub fn run(&mut self, browser: &Value, url: &str) {
        let is_for = |script: &&Value| matches(script["match"].as_str().unwrap(), url);
        let script = browser.as_array().unwrap().iter().find(is_for);
        let script = script.unwrap_or_else(|| panic!("no automation for {url}"));
        self.go("GET", url, "");
        for task in script["tasks"].as_array().unwrap() {
            let is_here = matches(task["match"].as_str().unwrap(), &self.url);
            if !is_here {
                assert_eq!(task["optional"], true, "{} is not for {}: {}", task["task"], self.url, self.page);
                continue;
            }
            for command in task["commands"].as_array().into_iter().flatten() {
                self.command(command);
            }
        }
    }

    fn command(&mut self, command: &Value) {
        let word = |index: usize| command.get(index).and_then(Value::as_str);
        let (what, by, target) = (word(0).unwrap(), word(1).unwrap(), word(2).unwrap());
        match (what, by) {
            ("wait", "contains") => {
                if let Some(next) = self.refresh.take() {
                    self.go("GET", &next, "");
                }
                assert!(self.url.contains(target), "{} is not {target}: {}", self.url, self.page);
            }
            // Outside of Doorward it is the suite's page, which says so.
            ("wait", "id") => assert!(!self.url.starts_with(&self.origin()), "still at {}: {}", self.url, self.page),
            ("wait", "xpath") => {
                let pattern = word(4).unwrap();
                let found = pattern.split('|').find(|text| self.page.contains(&text.replace('\\', "")));
                self.pictures.push(found.unwrap_or_else(|| panic!("no {pattern:?} in {}", self.page)).to_owned());
            }
            ("text", _) => match self.form_of(by, target) {
                Some(id) => self.forms.get_mut(&id).unwrap().fill(&element(by, target).0, word(3).unwrap()),
                None => assert_eq!(word(4), Some("optional"), "no {target} in {}", self.page),
            },
            ("click", _) => match self.form_of(by, target) {
                Some(id) => self.press(&id, target),
                None => assert_eq!(word(3), Some("optional"), "no {target} in {}", self.page),
            },
            _ => panic!("a command that nobody knows: {command}"),
        }
    }

    /// The form with the element; it is kept so that what is typed stays.
    fn form_of(&mut self, by: &str, target: &str) -> Option<String> {
        let (id, must_be_editable) = element(by, target);
        let form = html::form_with(&self.page, &id)?;
        if must_be_editable && !form.is_editable(&id) {
            return None;
        }
        self.forms.entry(form.action.clone()).or_insert_with(|| form.clone());
        Some(form.action)
    }

    fn press(&mut self, form: &str, button: &str) {
        let form = self.forms.remove(form).unwrap();
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form.press(button)).finish();
        let method = form.method.to_uppercase();
        self.go(&method, &form.action, &body);
    }

    /// Loads an address, and what it leads to as long as that is Doorward.
    fn go(&mut self, method: &str, target: &str, body: &str) {
        let (mut method, mut target, mut body) = (method.to_owned(), target.to_owned(), body.to_owned());
        for _ in 0..10 {
            self.forms.clear();
            self.url = if target.starts_with('/') { format!("{}{target}", self.origin()) } else { target.clone() };
            let Some(path) = self.url.strip_prefix(&self.origin()).map(str::to_owned) else {
                self.page = body;
                return;
            };
            let (location, page) = self.request(&method, &path, &body);
            self.page = page;
            match location {
                Some(location) => (method, target, body) = ("GET".to_owned(), location, String::new()),
                None => return,
            }
        }
        panic!("redirected in circles: {}", self.url);
    }

    fn request(&mut self, method: &str, path: &str, body: &str) -> (Option<String>, String) {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = format!("Cookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n", cookies.join("; "));
        let (head, page) = exchange(self.port, method, path, &headers, body);
        let mut location = None;
        self.refresh = None;
        for line in head.lines() {
            let Some((name, value)) = line.split_once(": ") else { continue };
            match name {
                "location" => location = Some(value.to_owned()),
                "refresh" => self.refresh = html::refresh(value).map(str::to_owned),
                "set-cookie" => {
                    let (name, value) = value.split_once(';').unwrap().0.split_once('=').unwrap();
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
        (location, page)
    }

    /// A parameter at the suite's address, wherever in it or in the form it was sent by.
    pub fn landed_with(&self, name: &str) -> Option<String> {
        let query = self.url.split_once(['?', '#']).map_or("", |(_, query)| query);
        let pairs = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(self.page.as_bytes()));
        pairs.into_iter().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }
}

/// One HTTP exchange: the head and the body of the answer.
pub fn exchange(port: u16, method: &str, path: &str, headers: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// The identifier that a selector means, and whether the element must be one that can be written to.
fn element(by: &str, target: &str) -> (String, bool) {
    match by {
        "id" => (target.to_owned(), false),
        "xpath" => {
            let id = target.strip_prefix("//input[@id='").and_then(|rest| rest.strip_suffix("' and not(@readonly)]"));
            (id.unwrap_or_else(|| panic!("a selector that nobody knows: {target}")).to_owned(), true)
        }
        other => panic!("a selector that nobody knows: {other}"),
    }
}

/// Whether an address matches a pattern with `*`.
fn matches(pattern: &str, url: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == url,
        Some((start, rest)) => {
            let Some(after) = url.strip_prefix(start) else { return false };
            (0..=after.len()).any(|at| after.is_char_boundary(at) && matches(rest, &after[at..]))
        }
    }
}
