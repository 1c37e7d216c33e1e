//! A few people as LDIF, for a directory that is not Doorward.

use super::Directory;

/// Alice is in both groups, Bob in one, Carol and the service in none; written in the form that [`super::slapd::translated`] takes.
#[must_use]
pub fn ldif(base: &str) -> String {
    let groups = [("netbox-admins", 4001, vec!["alice"]), ("netbox-users", 4002, vec!["alice", "bob"])];
    let mut entries =
        vec![container(base, "domain", "dc"), container(&format!("ou=users,{base}"), "nsContainer", "ou")];
    entries.push(container(&format!("ou=groups,{base}"), "nsContainer", "ou"));
    for (name, number) in [("alice", 2002), ("bob", 2003), ("carol", 2004), ("service", 2005)] {
        let of = groups.iter().filter(|(.., members)| members.contains(&name));
        let of = of.map(|(group, ..)| format!("memberOf: cn={group},ou=groups,{base}\n")).collect::<String>();
        entries.push(format!("{}{of}", person(base, name, number)));
    }
    entries.extend(groups.iter().map(|(name, number, members)| group(base, name, *number, members)));
    entries.join("\n")
}

fn container(dn: &str, class: &str, attribute: &str) -> String {
    let name = dn.split(['=', ',']).nth(1).unwrap_or_default();
    format!("dn: {dn}\nobjectClass: top\nobjectClass: {class}\n{attribute}: {name}\n")
}

fn group(base: &str, name: &str, number: u32, members: &[&str]) -> String {
    // slapadd takes the values of one attribute only side by side.
    let of = |attribute: &str| {
        members.iter().map(|member| format!("{attribute}: cn={member},ou=users,{base}\n")).collect::<String>()
    };
    let dns = of("member") + of("uniqueMember").as_str();
    let uids = members.iter().map(|member| format!("memberUid: {member}\n")).collect::<String>();
    format!(
        "dn: cn={name},ou=groups,{base}\nobjectClass: group\nobjectClass: groupOfUniqueNames\nobjectClass: groupOfNames
objectClass: goauthentik.io/ldap/group\nobjectClass: posixGroup\ncn: {name}\nsAMAccountName: {name}\ngidNumber: {number}
ak-superuser: false\n{dns}{uids}"
    )
}

fn person(base: &str, name: &str, number: u32) -> String {
    format!(
        "dn: cn={name},ou=users,{base}\nobjectClass: top\nobjectClass: person\nobjectClass: organizationalPerson
objectClass: inetOrgPerson\nobjectClass: user\nobjectClass: posixAccount\nobjectClass: goauthentik.io/ldap/user
cn: {name}\nsAMAccountName: {name}\nuid: {name}\nname: {name}\ndisplayName: {name}\nsn: Example\ngivenName: {name}
mail: {name}@example.org\nuidNumber: {number}\ngidNumber: {number}\nhomeDirectory: /home/{name}\nloginShell: /bin/bash
ak-active: TRUE\nak-superuser: FALSE\n"
    )
}

/// Settings of SSSD for a directory.
#[must_use]
pub fn sssd(directory: &Directory) -> String {
    format!(
        "[sssd]\nconfig_file_version = 2\nservices = nss, pam\ndomains = doorward\n
[domain/doorward]\nid_provider = ldap\nauth_provider = ldap\nchpass_provider = ldap\nldap_uri = {url}
ldap_id_use_start_tls = true\nldap_tls_cacert = {CERTIFICATE}\nldap_schema = rfc2307bis\nldap_search_base = {base}
ldap_user_search_base = ou=users,{base}\nldap_group_search_base = ou=groups,{base}\nldap_default_bind_dn = {dn}
ldap_default_authtok = {password}\nldap_user_object_class = posixAccount\nldap_group_object_class = posixGroup\n",
        url = directory.url(),
        base = directory.base,
        dn = directory.bind_dn,
        password = directory.bind_password,
        CERTIFICATE = super::logins::CERTIFICATE,
    )
}

/// Settings of nslcd for a directory.
#[must_use]
pub fn nslcd(directory: &Directory) -> String {
    format!(
        "uid nslcd\ngid nslcd\nuri {url}\nbase {base}\nbinddn {dn}\nbindpw {password}\nssl start_tls\ntls_reqcert demand
tls_cacertfile {CERTIFICATE}\nbase passwd ou=users,{base}\nbase shadow ou=users,{base}\nbase group ou=groups,{base}
filter passwd (objectClass=posixAccount)\nfilter group (objectClass=posixGroup)\n",
        url = directory.url(),
        base = directory.base,
        dn = directory.bind_dn,
        password = directory.bind_password,
        CERTIFICATE = super::logins::CERTIFICATE,
    )
}

/// Settings of Dovecot 2.3 for a directory.
#[must_use]
pub fn dovecot(directory: &Directory) -> String {
    format!(
        "uris = {url}\ntls = yes\ntls_ca_cert_file = {CERTIFICATE}\ntls_require_cert = demand\ndn = {dn}\ndnpass = {password}
auth_bind = yes\nbase = ou=users,{base}\nscope = subtree\npass_filter = (&(objectClass=posixAccount)(uid=%u))
pass_attrs = uid=user\nuser_filter = (&(objectClass=posixAccount)(uid=%u))
user_attrs = homeDirectory=home,uidNumber=uid,gidNumber=gid\n",
        url = directory.url(),
        base = directory.base,
        dn = directory.bind_dn,
        password = directory.bind_password,
        CERTIFICATE = super::logins::CERTIFICATE,
    )
}

/// FreeRADIUS's `mods-enabled/ldap` for a directory.
#[must_use]
pub fn freeradius(directory: &Directory) -> String {
    format!(
        "ldap {{
    server = '{url}'
    identity = '{dn}'
    password = '{password}'
    base_dn = '{base}'
    user_dn = \"LDAP-UserDn\"
    user {{
        base_dn = \"ou=users,${{..base_dn}}\"
        filter = \"(uid=%{{%{{Stripped-User-Name}}:-%{{User-Name}}}})\"
    }}
    group {{
        base_dn = \"ou=groups,${{..base_dn}}\"
        filter = '(objectClass=groupOfNames)'
        membership_attribute = 'memberOf'
    }}
    tls {{
        start_tls = yes
        ca_file = '{CERTIFICATE}'
        require_cert = 'demand'
    }}
    pool {{
        start = 1
        min = 1
        max = 4
        spare = 1
    }}
}}
",
        url = directory.url(),
        base = directory.base,
        dn = directory.bind_dn,
        password = directory.bind_password,
        CERTIFICATE = super::logins::CERTIFICATE,
    )
}

/// What a virtual server of FreeRADIUS does to check passwords against the directory and to tell who is in a group.
pub const FREERADIUS_SECTIONS: &str = "
authorize {
    ldap
    if ((ok || updated) && User-Password) {
        update control {
            &Auth-Type := LDAP
        }
    }
}
authenticate {
    Auth-Type LDAP {
        ldap
    }
}
post-auth {
    if (&LDAP-Group == \"netbox-admins\") {
        update reply {
            &Filter-Id := \"netbox-admins\"
        }
    }
}
";
