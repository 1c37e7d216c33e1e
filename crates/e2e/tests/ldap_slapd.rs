//! The same requests to Doorward and to OpenLDAP's slapd that holds the same entries: what differs is listed here, with the
//! reason, and nothing else does.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use doorward_e2e::doorward::{Doorward, PASSWORD};
use doorward_e2e::ldap::Directory;
use doorward_e2e::ldap::slapd::{Slapd, translated, translated_back};
use doorward_e2e::ldap::tools::{Attributes, Tools, entries};

/// Requests that are answered differently on purpose: by what they ask, and why.
const DIFFERENCES: [(&str, &str); 7] = [
    ("ldapsearch -b BASE (uidNumber=02003) 1.1", "numbers are compared as numbers; to slapd this is none"),
    ("ldapsearch -b BASE (cn>=b) 1.1", "names have an order here, and the subschema says so"),
    ("ldapsearch -b BASE (cn=alice) name", "name is the name to show, as in authentik, not what all names derive from"),
    (
        "ldapsearch -b BASE (cn=alice) entryDN hasSubordinates structuralObjectClass subschemaSubentry",
        "slapd was filled without its checks and lacks structuralObjectClass; it writes cn=Subschema",
    ),
    ("ldapdelete cn=alice,ou=users,BASE", "unwillingToPerform, with words that say where to change it"),
    ("ldapmodrdn cn=alice,ou=users,BASE cn=alicia", "unwillingToPerform, with words that say where to change it"),
    ("bind this is no DN", "a name that is no DN is a username"),
];

/// One request: OpenLDAP's tool, and its arguments. `BASE` stands for the base DN.
struct Request {
    tool: &'static str,
    arguments: &'static [&'static str],
}

/// What came back: the result code, and entries if there were any.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    code: Option<i32>,
    entries: BTreeMap<String, Attributes>,
    text: String,
}

const fn search(arguments: &'static [&'static str]) -> Request {
    Request { tool: "ldapsearch", arguments }
}

const fn compare(arguments: &'static [&'static str]) -> Request {
    Request { tool: "ldapcompare", arguments }
}

/// Bases and scopes (RFC 4511, section 4.5.1).
const TREE: &[Request] = &[
    search(&["-b", "BASE"]),
    search(&["-b", "BASE", "-s", "base"]),
    search(&["-b", "BASE", "-s", "one", "(objectClass=*)", "1.1"]),
    search(&["-b", "BASE", "-s", "children", "(cn=alice)"]),
    search(&["-b", "ou=users,BASE", "-s", "one"]),
    search(&["-b", "OU=Users, BASE", "-s", "one", "(cn=alice)"]),
    search(&["-b", "cn=alice,ou=users,BASE", "-s", "base"]),
    search(&["-b", "cn=\\61lice,ou=users,BASE", "-s", "base"]),
    search(&["-b", "2.5.4.3=alice,ou=users,BASE", "-s", "base"]),
    search(&["-b", "uid=alice,ou=users,BASE", "-s", "base"]),
    search(&["-b", "cn=nobody-at-all,ou=users,BASE"]),
    search(&["-b", "ou=nowhere,BASE"]),
    search(&["-b", "dc=example,dc=org"]),
    search(&["-b", "this is no DN"]),
];

/// Filters (RFC 4511, section 4.5.1.7; RFC 4526).
const FILTERS: &[Request] = &[
    search(&["-b", "BASE", "(cn=ALICE)", "cn"]),
    search(&["-b", "BASE", "(cn= alice )", "cn"]),
    search(&["-b", "BASE", "(cn=al*)", "cn"]),
    search(&["-b", "BASE", "(cn=*ICE)", "cn"]),
    search(&["-b", "BASE", "(cn=a*i*e)", "cn"]),
    search(&["-b", "BASE", "(cn=*)", "cn"]),
    search(&["-b", "BASE", "(cn=\\61lice)", "cn"]),
    search(&["-b", "BASE", "(cn=\\2a)", "cn"]),
    search(&["-b", "BASE", "(commonName=alice)", "cn"]),
    search(&["-b", "BASE", "(2.5.4.3=alice)", "cn"]),
    search(&["-b", "BASE", "(!(cn=alice))", "cn"]),
    search(&["-b", "BASE", "(&(objectClass=person)(|(cn=alice)(cn=bob)))", "cn"]),
    search(&["-b", "BASE", "(&(objectClass=person)(!(cn=alice)))", "cn"]),
    search(&["-b", "BASE", "(&)", "1.1"]),
    search(&["-b", "BASE", "(|)", "1.1"]),
    search(&["-b", "BASE", "(!(&))", "1.1"]),
    search(&["-b", "BASE", "(objectClass=INETORGPERSON)", "1.1"]),
    search(&["-b", "BASE", "(objectClass=2.16.840.1.113730.3.2.2)", "1.1"]),
    search(&["-b", "BASE", "(objectClass=no-such-class)", "1.1"]),
    search(&["-b", "BASE", "(uidNumber>=0)", "1.1"]),
    search(&["-b", "BASE", "(!(uidNumber>=0))", "1.1"]),
    search(&["-b", "BASE", "(uidNumber<=2003)", "1.1"]),
    search(&["-b", "BASE", "(uidNumber=02003)", "1.1"]),
    search(&["-b", "BASE", "(uidNumber=many)", "1.1"]),
    search(&["-b", "BASE", "(cn>=b)", "1.1"]),
    search(&["-b", "BASE", "(cn~=alice)", "1.1"]),
    search(&["-b", "BASE", "(mail=*@EXAMPLE.ORG)", "1.1"]),
    search(&["-b", "BASE", "(homeDirectory=/HOME/alice)", "1.1"]),
    search(&["-b", "BASE", "(no-such-attribute=1)", "1.1"]),
    search(&["-b", "BASE", "(!(no-such-attribute=1))", "1.1"]),
    search(&["-b", "BASE", "(no-such-attribute=*)", "1.1"]),
    search(&["-b", "BASE", "(|(no-such-attribute=1)(cn=alice))", "1.1"]),
    search(&["-b", "BASE", "(&(no-such-attribute=1)(cn=alice))", "1.1"]),
    search(&["-b", "BASE", "(member=cn=alice,ou=users,BASE)", "1.1"]),
    search(&["-b", "BASE", "(member=CN=Alice, OU=users, BASE)", "1.1"]),
    search(&["-b", "BASE", "(member=cn=nobody-at-all,ou=users,BASE)", "1.1"]),
    search(&["-b", "BASE", "(member=this is no DN)", "1.1"]),
    search(&["-b", "BASE", "(!(member=this is no DN))", "1.1"]),
    search(&["-b", "BASE", "(memberOf=cn=netbox-users,ou=groups,BASE)", "1.1"]),
    search(&["-b", "BASE", "(memberOf=cn=no-such-group,ou=groups,BASE)", "1.1"]),
    search(&["-b", "BASE", "(memberUid=alice)", "1.1"]),
    search(&["-b", "BASE", "(cn:caseExactMatch:=alice)", "1.1"]),
    search(&["-b", "BASE", "(cn:caseExactMatch:=ALICE)", "1.1"]),
    search(&["-b", "BASE", "(cn:2.5.13.2:=ALICE)", "1.1"]),
    search(&["-b", "BASE", "(ou:dn:=users)", "1.1"]),
    search(&["-b", "BASE", "(cn:no-such-rule:=alice)", "1.1"]),
    search(&["-b", "BASE", "(userPassword=*)", "1.1"]),
];

/// Which attributes come back, and how many entries.
const SELECTIONS: &[Request] = &[
    search(&["-b", "BASE", "(cn=alice)", "cn", "mail"]),
    search(&["-b", "BASE", "(cn=alice)", "CN", "MAIL", "mail"]),
    search(&["-b", "BASE", "(cn=alice)", "2.5.4.3"]),
    search(&["-b", "BASE", "(cn=alice)", "commonName"]),
    search(&["-b", "BASE", "(cn=alice)", "1.1"]),
    search(&["-b", "BASE", "(cn=alice)", "1.1", "cn"]),
    search(&["-b", "BASE", "(cn=alice)", "*"]),
    search(&["-b", "BASE", "(cn=alice)", "*", "no-such-attribute"]),
    search(&["-b", "BASE", "(cn=alice)", "cn;lang-de"]),
    search(&["-b", "BASE", "(cn=alice)", "name"]),
    search(&["-b", "BASE", "(cn=alice)", "entryDN", "hasSubordinates", "structuralObjectClass", "subschemaSubentry"]),
    search(&["-b", "BASE", "-s", "base", "(objectClass=*)", "entryDN", "hasSubordinates"]),
    search(&["-b", "BASE", "-A", "(cn=alice)"]),
    search(&["-b", "BASE", "-A", "(cn=alice)", "mail", "memberOf"]),
    search(&["-b", "BASE", "-z", "1", "(cn=alice)", "1.1"]),
    search(&["-b", "BASE", "-z", "1000", "(objectClass=person)", "1.1"]),
    search(&["-b", "BASE", "-l", "10", "(objectClass=person)", "1.1"]),
    search(&["-b", "BASE", "-E", "pr=1/noprompt", "(objectClass=person)", "1.1"]),
    search(&["-b", "BASE", "-E", "!pr=2/noprompt", "(objectClass=*)", "cn"]),
    search(&["-b", "BASE", "-E", "!1.2.3.4.5", "(cn=alice)"]),
    search(&["-b", "BASE", "-E", "1.2.3.4.5", "(cn=alice)"]),
    search(&["-b", "BASE", "-M", "(cn=alice)", "1.1"]),
];

/// Everything that is not a search.
const OTHERS: &[Request] = &[
    compare(&["cn=netbox-users,ou=groups,BASE", "member:cn=alice,ou=users,BASE"]),
    compare(&["cn=netbox-users,ou=groups,BASE", "member:CN=ALICE, ou=Users,BASE"]),
    compare(&["cn=netbox-users,ou=groups,BASE", "member:cn=carol,ou=users,BASE"]),
    compare(&["cn=netbox-users,ou=groups,BASE", "member:this is no DN"]),
    compare(&["cn=no-such-group,ou=groups,BASE", "member:cn=alice,ou=users,BASE"]),
    compare(&["cn=alice,ou=users,BASE", "uniqueMember:cn=alice,ou=users,BASE"]),
    compare(&["cn=alice,ou=users,BASE", "no-such-attribute:1"]),
    compare(&["cn=alice,ou=users,BASE", "mail:ALICE@example.org"]),
    compare(&["cn=alice,ou=users,BASE", "uidNumber:0"]),
    compare(&["this is no DN", "cn:alice"]),
    Request { tool: "ldapexop", arguments: &["1.2.3.4.5"] },
    Request { tool: "ldapdelete", arguments: &["cn=alice,ou=users,BASE"] },
    Request { tool: "ldapmodrdn", arguments: &["cn=alice,ou=users,BASE", "cn=alicia"] },
];

/// Who binds how (RFC 4513, section 5.1).
const BINDS: [(&str, &str); 9] = [
    ("cn=alice,ou=users,BASE", PASSWORD),
    ("CN=Alice, OU=users,BASE", PASSWORD),
    ("cn=alice,ou=users,BASE", "wrong"),
    ("cn=nobody-at-all,ou=users,BASE", PASSWORD),
    ("cn=netbox-users,ou=groups,BASE", PASSWORD),
    ("ou=users,BASE", PASSWORD),
    ("cn=alice,dc=example,dc=org", PASSWORD),
    ("this is no DN", PASSWORD),
    ("cn=alice,ou=users,BASE", ""),
];

/// Alice is in both groups, Bob in one; the second group is a member of the first.
async fn doorward() -> Result<(Doorward, Directory)> {
    let doorward = Doorward::start_with_ldap().await?;
    for (username, name) in [("alice", "Alice Example"), ("bob", "Bob van den Berg"), ("carol", "Carol")] {
        doorward.add_user(username, name)?;
    }
    doorward.add_group("netbox-admins", &["alice"])?;
    doorward.add_group("netbox-users", &["alice", "bob"])?;
    doorward.add_group("nobody, \"really\" + <nobody>", &[])?;
    let (directory, _) = Directory::added_to(&doorward, "sssd", "linux", &[])?;
    doorward.settle().await;
    Ok((doorward, directory))
}

fn told(text: &str, base: &str) -> String {
    text.replace("BASE", base)
}

fn ask(tools: &Tools, base: &str, request: &Request) -> Result<Answer> {
    let arguments: Vec<_> = request.arguments.iter().map(|argument| told(argument, base)).collect();
    let mut arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let is_search = request.tool == "ldapsearch";
    if is_search {
        arguments.splice(0..0, ["-LLL", "-o", "ldif-wrap=no"]);
    }
    let service = (tools.directory().bind_dn.as_str(), tools.directory().bind_password.as_str());
    let ran = tools.openldap_plainly(request.tool, service, &arguments)?;
    let lines: Vec<_> = ran.stdout.lines().map(translated_back).collect();
    let entries = if is_search { entries(&lines.join("\n")) } else { BTreeMap::new() };
    // The exit code is the result code, but for this tool, which prints it.
    let code = if request.tool == "ldapexop" { printed_code(&ran.stderr) } else { ran.code };
    Ok(Answer { code, entries: normalized(entries), text: format!("{}{}", ran.stdout, ran.stderr) })
}

/// The number in `ldap_parse_result: Protocol error (2)`.
fn printed_code(text: &str) -> Option<i32> {
    let (_, rest) = text.lines().next()?.rsplit_once('(')?;
    rest.strip_suffix(')')?.parse().ok()
}

/// Without what only one server can have: the names of attributes in lower case, and no stored passwords.
fn normalized(entries: BTreeMap<String, Attributes>) -> BTreeMap<String, Attributes> {
    let entry = |attributes: Attributes| {
        let kept = attributes.into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("userPassword"));
        kept.map(|(name, values)| (name.to_lowercase(), values.iter().map(|value| escaped(value)).collect())).collect()
    };
    entries.into_iter().map(|(dn, attributes)| (escaped(&dn).to_lowercase(), entry(attributes))).collect()
}

/// RFC 4514 has two ways to write special characters; slapd uses the one with digits.
fn escaped(text: &str) -> String {
    let pairs = [("\\2C", "\\,"), ("\\22", "\\\""), ("\\2B", "\\+"), ("\\3C", "\\<"), ("\\3E", "\\>")];
    pairs.into_iter().fold(text.to_owned(), |text, (digits, character)| text.replace(digits, character))
}

/// The code, and the values that the other answer has not.
fn shown(answer: &Answer, other: &Answer) -> String {
    let values = |answer: &Answer| -> BTreeSet<String> {
        let entries = answer.entries.iter().flat_map(|(dn, attributes)| {
            let values = attributes
                .iter()
                .flat_map(move |(name, values)| values.iter().map(move |value| format!("{dn}: {name}: {value}")));
            values.chain([dn.clone()])
        });
        entries.collect()
    };
    let own: Vec<String> = values(answer).difference(&values(other)).cloned().collect();
    let text = if answer.entries.is_empty() { answer.text.as_str() } else { "" };
    format!("{:?} {text}\n   {}", answer.code, own.join("\n   "))
}

#[derive(Debug)]
struct Difference {
    request: String,
    ours: String,
    theirs: String,
}

fn differences(ours: &Tools, theirs: &Tools, base: &str) -> Result<Vec<Difference>> {
    let mut found = Vec::new();
    for request in [TREE, FILTERS, SELECTIONS, OTHERS].into_iter().flatten() {
        let (our, their) = (ask(ours, base, request)?, ask(theirs, base, request)?);
        if (our.code, &our.entries) != (their.code, &their.entries) {
            let request = format!("{} {}", request.tool, request.arguments.join(" "));
            found.push(Difference { request, ours: shown(&our, &their), theirs: shown(&their, &our) });
        }
    }
    for (dn, password) in BINDS {
        let bind = |tools: &Tools| tools.openldap_plainly("ldapwhoami", (&told(dn, base), password), &[]);
        let (our, their) = (bind(ours)?, bind(theirs)?);
        if (our.code, our.stdout.to_lowercase()) != (their.code, their.stdout.to_lowercase()) {
            let request =
                if password.is_empty() { format!("bind {dn} without password") } else { format!("bind {dn}") };
            found.push(Difference { request, ours: format!("{our:?}"), theirs: format!("{their:?}") });
        }
    }
    Ok(found)
}

/// Which entries come before the limit is the server's choice, so they are only counted.
fn limited(tools: &Tools) -> Result<(Option<i32>, usize)> {
    let (directory, limit) = (tools.directory(), ["-LLL", "-z", "2", "-b"]);
    let arguments = [&limit[..], &[&directory.base, "(objectClass=person)", "1.1"]].concat();
    let service = (directory.bind_dn.as_str(), directory.bind_password.as_str());
    let ran = tools.openldap_plainly("ldapsearch", service, &arguments)?;
    Ok((ran.code, entries(&ran.stdout).len()))
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_differ_from_slapds_only_where_they_are_meant_to() -> Result<()> {
    let (_doorward, directory) = doorward().await?;
    let ours = Tools::start(&directory).await?;
    let tree = ours.search("(objectClass=*)", &["*"])?;
    let slapd = Slapd::start(&directory.base, &directory.bind_dn, &translated(&tree)).await?;
    let theirs = Tools::start(&slapd.directory).await?;

    let found = differences(&ours, &theirs, &directory.base)?;
    let unexpected: Vec<_> = found
        .iter()
        .filter(|difference| DIFFERENCES.iter().all(|(request, _)| *request != difference.request))
        .map(|difference| {
            format!("== {}\n-- Doorward: {}\n-- slapd: {}", difference.request, difference.ours, difference.theirs)
        })
        .collect();
    ensure!(unexpected.is_empty(), "{} unexpected differences\n{}", unexpected.len(), unexpected.join("\n"));
    assert_eq!((limited(&ours)?, limited(&theirs)?), ((Some(4), 2), (Some(4), 2)));
    for (request, _) in DIFFERENCES {
        assert!(found.iter().any(|difference| difference.request == request), "no difference any more: {request}");
    }
    Ok(())
}
