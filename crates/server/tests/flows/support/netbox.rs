//! A NetBox that is not one: as much of its REST API as a connector uses, and every way in which it can be unwell.
//!
//! It stands by itself, so that other tests can include this file.

#![allow(dead_code, reason = "not every test needs everything")]

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use doorward_server::jobs::Jobs;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// The token it takes at first.
pub(crate) const TOKEN: &str = "nbt_Key1.first-token-of-this-netbox";

/// How it behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Every answer takes so long.
    Slow(Duration),
    /// Every answer has this status and body.
    Answers(u16, String),
    /// Requests whose method and path begin so are answered with this status.
    Fails(&'static str, u16),
    /// It takes changes, says so, and forgets them.
    Lies,
    /// Whoever changes a user finds that somebody else put them into this group at the same moment.
    Contended(i64),
}

#[derive(Debug)]
pub(crate) struct Account {
    pub username: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub is_active: bool,
    pub is_superuser: bool,
    pub groups: Vec<i64>,
    pub joined: Timestamp,
    pub login: Option<Timestamp>,
    /// How often the password was replaced: each time, web sessions end.
    pub passwords: u32,
}

#[derive(Debug)]
pub(crate) struct Token {
    pub owner: i64,
    pub enabled: bool,
    pub used: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) struct Inside {
    pub token: String,
    pub mood: Mood,
    pub users: BTreeMap<i64, Account>,
    pub groups: BTreeMap<i64, String>,
    pub tokens: BTreeMap<i64, Token>,
    /// Method and address of every request.
    pub requests: Vec<String>,
    /// How many requests are being answered, and how many were at most.
    pub open: usize,
    pub most_open: usize,
    next: i64,
}

#[derive(Clone)]
pub(crate) struct FakeNetBox {
    address: SocketAddr,
    inside: Arc<Mutex<Inside>>,
}

impl FakeNetBox {
    pub(crate) async fn start() -> Self {
        let inside = Inside {
            token: TOKEN.to_owned(),
            mood: Mood::Well,
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            tokens: BTreeMap::new(),
            requests: Vec::new(),
            open: 0,
            most_open: 0,
            next: 1,
        };
        let inside = Arc::new(Mutex::new(inside));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(serve).with_state(inside.clone());
        Jobs::default().spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, inside }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    pub(crate) fn mood(&self, mood: Mood) {
        self.inside().mood = mood;
    }

    /// What happens when somebody signs in by OpenID Connect for the first time.
    pub(crate) fn makes_account(&self, username: &str, at: Timestamp) -> i64 {
        self.inside().add_user(username, at, Some(at))
    }

    /// A local account, made long ago.
    pub(crate) fn has_account(&self, username: &str, email: &str, at: Timestamp) -> i64 {
        let before = at.checked_sub(SignedDuration::from_hours(1000)).unwrap();
        let mut inside = self.inside();
        let id = inside.add_user(username, before, Some(before));
        inside.users.get_mut(&id).unwrap().email = email.to_owned();
        id
    }

    pub(crate) fn has_group(&self, name: &str) -> i64 {
        self.inside().add_group(name)
    }

    pub(crate) fn has_token(&self, owner: i64) -> i64 {
        let mut inside = self.inside();
        let id = inside.number();
        inside.tokens.insert(id, Token { owner, enabled: true, used: None });
        id
    }

    /// Names of a user's groups, sorted.
    pub(crate) fn groups_of(&self, user: i64) -> Vec<String> {
        let inside = self.inside();
        let mut names: Vec<_> = inside.users[&user].groups.iter().map(|id| inside.groups[id].clone()).collect();
        names.sort();
        names
    }

    /// Requests whose method and path begin so, since they were last forgotten.
    pub(crate) fn count(&self, start: &str) -> usize {
        self.inside().requests.iter().filter(|request| request.starts_with(start)).count()
    }

    pub(crate) fn forget_requests(&self) {
        self.inside().requests.clear();
    }
}

impl Inside {
    fn number(&mut self) -> i64 {
        self.next += 1;
        self.next
    }

    fn add_user(&mut self, username: &str, joined: Timestamp, login: Option<Timestamp>) -> i64 {
        let id = self.number();
        let account = Account {
            username: username.to_owned(),
            first_name: String::new(),
            last_name: String::new(),
            email: String::new(),
            is_active: true,
            is_superuser: false,
            groups: Vec::new(),
            joined,
            login,
            passwords: 0,
        };
        self.users.insert(id, account);
        id
    }

    fn add_group(&mut self, name: &str) -> i64 {
        let id = self.number();
        self.groups.insert(id, name.to_owned());
        id
    }

    fn user(&self, id: i64) -> Value {
        let account = &self.users[&id];
        let groups: Vec<_> = account.groups.iter().map(|id| json!({ "id": id, "name": self.groups[id] })).collect();
        json!({
            "id": id, "username": account.username, "first_name": account.first_name, "last_name": account.last_name,
            "email": account.email, "is_active": account.is_active, "date_joined": account.joined.to_string(),
            "last_login": account.login.map(|at| at.to_string()), "groups": groups, "permissions": [],
        })
    }

    fn token(&self, id: i64) -> Value {
        let token = &self.tokens[&id];
        let owner = json!({ "id": token.owner, "username": self.users[&token.owner].username });
        json!({
            "id": id, "version": 2, "key": "abc", "user": owner, "description": "", "enabled": token.enabled,
            "write_enabled": true, "created": "2025-01-01T00:00:00Z", "expires": null,
            "last_used": token.used.map(|at| at.to_string()),
        })
    }

    fn change_user(&mut self, id: i64, body: &Value) -> Response {
        let Some(account) = self.users.get_mut(&id) else { return not_found() };
        if self.mood == Mood::Lies {
            return answer(200, self.user(id));
        }
        let text = |field: &str| body[field].as_str().map(str::to_owned);
        account.username = text("username").unwrap_or_else(|| account.username.clone());
        account.first_name = text("first_name").unwrap_or_else(|| account.first_name.clone());
        account.last_name = text("last_name").unwrap_or_else(|| account.last_name.clone());
        account.email = text("email").unwrap_or_else(|| account.email.clone());
        account.is_active = body["is_active"].as_bool().unwrap_or(account.is_active);
        account.passwords += u32::from(body["password"].is_string());
        if let Some(groups) = body["groups"].as_array() {
            account.groups = groups.iter().map(|id| id.as_i64().unwrap()).collect();
            if let Mood::Contended(group) = self.mood {
                account.groups.push(group);
            }
        }
        answer(200, self.user(id))
    }
}

async fn serve(
    State(inside): State<Arc<Mutex<Inside>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mood = {
        let mut inside = inside.lock().unwrap();
        inside.requests.push(format!("{method} {uri}"));
        inside.open += 1;
        inside.most_open = inside.most_open.max(inside.open);
        inside.mood.clone()
    };
    let asked = format!("{method} {uri}");
    let response = match mood {
        Mood::Answers(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Mood::Fails(start, status) if asked.starts_with(start) => {
            answer(status, json!({ "detail": "Not allowed by this test." }))
        }
        mood => {
            if let Mood::Slow(time) = mood {
                tokio::time::sleep(time).await;
            }
            let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
            respond(&mut inside.lock().unwrap(), &method, &uri, &headers, &body)
        }
    };
    inside.lock().unwrap().open -= 1;
    response
}

fn respond(inside: &mut Inside, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Value) -> Response {
    let expected = format!("Bearer {}", inside.token);
    if headers.get("authorization").is_none_or(|sent| sent.to_str().unwrap() != expected) {
        return answer(403, json!({ "detail": "Invalid v2 token" }));
    }
    let query: BTreeMap<String, String> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let path: Vec<&str> = uri.path().trim_matches('/').split('/').skip(1).collect();
    let id = path.get(2).and_then(|text| text.parse::<i64>().ok());
    match (method.as_str(), path.as_slice()) {
        ("GET", ["status"]) => answer(200, json!({ "netbox-version": "4.7.3", "django-version": "6" })),
        ("GET", ["authentication-check"]) => answer(200, json!({ "id": 1, "username": "doorward" })),
        ("OPTIONS", _) => answer(200, json!({ "actions": {} })),
        ("GET", ["users", "users"]) => list(inside, &query, inside.users.keys(), is_user, Inside::user),
        ("GET", ["users", "users", _]) => match id.filter(|id| inside.users.contains_key(id)) {
            Some(id) => answer(200, inside.user(id)),
            None => not_found(),
        },
        ("PATCH", ["users", "users", _]) => inside.change_user(id.unwrap(), body),
        ("GET", ["users", "groups"]) => list(
            inside,
            &query,
            inside.groups.keys(),
            is_group,
            |inside, id| json!({ "id": id, "name": inside.groups[&id] }),
        ),
        ("POST", ["users", "groups"]) => {
            let name = body["name"].as_str().unwrap().to_owned();
            if inside.groups.values().any(|known| *known == name) {
                return answer(400, json!({ "name": ["group with this name already exists."] }));
            }
            let id = inside.add_group(&name);
            answer(201, json!({ "id": id, "name": name }))
        }
        ("GET", ["users", "tokens"]) => list(inside, &query, inside.tokens.keys(), is_token, Inside::token),
        ("GET", ["users", "tokens", _]) => match id.filter(|id| inside.tokens.contains_key(id)) {
            Some(id) => answer(200, inside.token(id)),
            None => not_found(),
        },
        ("PATCH", ["users", "tokens", _]) => {
            let id = id.unwrap();
            let Some(token) = inside.tokens.get_mut(&id) else { return not_found() };
            token.enabled = body["enabled"].as_bool().unwrap();
            answer(200, inside.token(id))
        }
        ("DELETE", ["users", "tokens", _]) => match inside.tokens.remove(&id.unwrap()) {
            Some(_) => StatusCode::NO_CONTENT.into_response(),
            None => not_found(),
        },
        ("GET", ["users", "permissions"]) => answer(403, json!({ "detail": "No." })),
        _ => not_found(),
    }
}

type Query = BTreeMap<String, String>;

fn list<'a>(
    inside: &'a Inside,
    query: &Query,
    ids: impl Iterator<Item = &'a i64>,
    is_it: fn(&Inside, i64, &Query) -> bool,
    show: impl Fn(&Inside, i64) -> Value,
) -> Response {
    let after: i64 = query.get("id__gt").map_or(0, |id| id.parse().unwrap());
    let limit: usize = query.get("limit").map_or(50, |limit| limit.parse().unwrap());
    let mut found = ids.copied().filter(|id| *id > after && is_it(inside, *id, query));
    let results: Vec<Value> = found.by_ref().take(limit).map(|id| show(inside, id)).collect();
    let next = found.next().map(|_| "http://next/");
    answer(200, json!({ "count": results.len(), "next": next, "results": results }))
}

fn is_user(inside: &Inside, id: i64, query: &Query) -> bool {
    let account = &inside.users[&id];
    query.iter().all(|(name, value)| match name.as_str() {
        "id" => id.to_string() == *value,
        "username" => account.username == *value,
        "username__isw" => account.username.to_lowercase().starts_with(&value.to_lowercase()),
        "email__ie" => account.email.eq_ignore_ascii_case(value),
        "is_superuser" => account.is_superuser.to_string() == *value,
        _ => true,
    })
}

fn is_group(inside: &Inside, id: i64, query: &Query) -> bool {
    let group = &inside.groups[&id];
    query.iter().all(|(name, value)| match name.as_str() {
        "name" => group == value,
        "name__ie" => group.eq_ignore_ascii_case(value),
        _ => true,
    })
}

fn is_token(inside: &Inside, id: i64, query: &Query) -> bool {
    query.get("user_id").is_none_or(|owner| inside.tokens[&id].owner.to_string() == *owner)
}

fn answer(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], body.to_string()).into_response()
}

fn not_found() -> Response {
    answer(404, Value::Object(Map::from_iter([("detail".to_owned(), json!("No such thing."))])))
}
