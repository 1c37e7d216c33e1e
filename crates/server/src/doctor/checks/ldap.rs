//! The LDAP side: whether the server answers where the application looks for it, and lets its account in.

use crate::doctor::{
    evidence::{Evidence, LdapEnd},
    finding::Finding,
    tls::Verdict,
};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let Some(ldap) = &evidence.ldap else { return };
    let slug = &evidence.house.slug;
    findings.push(match &ldap.account {
        None => {
            Finding::ok("ldap-account", "The account that reads the directory can sign in").seen("its app passwords")
        }
        Some(what) => Finding::problem("ldap-account-unusable", what)
            .seen("the searchers of the LDAP provider, and their app passwords")
            .change("a terminal, if there is none", format!("doorward app ldap password {slug}"))
            .change("a terminal, if it is disabled", "doorward user enable USERNAME"),
    });
    if let Some(doubt) = &ldap.doubt {
        findings.push(
            Finding::problem("ldap-not-listening", doubt)
                .seen(format!("the application's settings name {}", ldap.uri))
                .change("doorward.toml, then restart Doorward", "ldaps_listen = \"0.0.0.0:6636\"")
                .change(
                    "a terminal, if it is elsewhere",
                    format!("doorward app edit {slug} --ldap-uri ldaps://HOST:PORT"),
                ),
        );
    }
    findings.extend(answer(ldap));
    findings.extend(certificate(ldap));
}

fn answer(ldap: &LdapEnd) -> Option<Finding> {
    let seen = format!("a search for the root of {}", ldap.uri);
    Some(match ldap.naming_contexts.as_ref()? {
        Err(reason) => {
            Finding::problem("ldap-unreachable", "No LDAP server answers where the application looks for it")
                .seen(format!("{seen}: {reason}"))
                .change("doorward.toml, then restart Doorward", "ldap_listen = \"127.0.0.1:3389\"")
        }
        Ok(contexts) if contexts.iter().any(|context| context.eq_ignore_ascii_case(&ldap.base_dn)) => {
            Finding::ok("ldap", "The LDAP server answers and has the application's tree").seen(seen)
        }
        Ok(contexts) => {
            Finding::problem("ldap-other-server", "The LDAP server there does not have the application's tree")
                .seen(format!(
                    "{seen}: {}; the base DN is {}",
                    super::listed(contexts.iter().map(String::as_str)),
                    ldap.base_dn
                ))
                .change("the application's settings", "the address of Doorward's LDAP server")
        }
    })
}

fn certificate(ldap: &LdapEnd) -> Option<Finding> {
    let tls = ldap.tls.as_ref()?;
    let seen = format!("TLS with {}", tls.authority);
    Some(match &tls.here {
        Ok(Verdict::Trusted) => Finding::ok("ldap", "The LDAPS server answers with a certificate in order").seen(seen),
        Ok(Verdict::UnknownIssuer) => {
            Finding::note("ldap-certificate-private", "The LDAPS certificate is from a private authority: the application must be told to trust it")
                .seen(seen)
                .change("the application's settings", "the certificate's file (NetBox: OPT_X_TLS_CACERTFILE in ldap_config.py); Doorward's own is https-certificate.pem in its data directory")
        }
        Ok(verdict) => Finding::problem("ldap-certificate", format!("The LDAPS certificate is not in order: {}", said(verdict)))
            .seen(seen)
            .change("doorward.toml, then restart Doorward", "tls_certificate = \"…\"\ntls_private_key = \"…\""),
        Err(reason) => Finding::problem("ldap-unreachable", "No LDAPS server answers where the application looks for it")
            .seen(format!("{seen}: {reason}"))
            .change("doorward.toml, then restart Doorward", "ldaps_listen = \"0.0.0.0:6636\""),
    })
}

fn said(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Expired => "it has expired".to_owned(),
        Verdict::Early => "it is not valid yet".to_owned(),
        Verdict::WrongName(names) => format!("it is for {}", super::listed(names.iter().map(String::as_str))),
        Verdict::Refused(reason) => reason.clone(),
        Verdict::Trusted | Verdict::UnknownIssuer => "its authority is not known".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{named, trusted};
    use super::*;
    use crate::doctor::{finding::Severity, tls::TlsSeen};

    fn with(evidence: &mut Evidence, change: impl FnOnce(&mut LdapEnd)) {
        let base_dn = "dc=ldap,dc=example".to_owned();
        let naming_contexts = Some(Ok(vec![base_dn.to_uppercase()]));
        let mut ldap = LdapEnd { uri: "ldap://127.0.0.1:3389".into(), base_dn, naming_contexts, ..LdapEnd::default() };
        change(&mut ldap);
        evidence.ldap = Some(ldap);
    }

    #[test]
    fn every_fault_of_the_directory_is_named() {
        let problem = |id| (id, Severity::Problem);
        let broken = |change: fn(&mut LdapEnd)| named(|e| with(e, change));
        assert_eq!(broken(|ldap| ldap.account = Some("It has no password.".into())), problem("ldap-account-unusable"));
        assert_eq!(broken(|ldap| ldap.doubt = Some("Doorward does not listen.".into())), problem("ldap-not-listening"));
        assert_eq!(broken(|ldap| ldap.naming_contexts = Some(Err("refused".into()))), problem("ldap-unreachable"));
        assert_eq!(
            broken(|ldap| ldap.naming_contexts = Some(Ok(vec!["dc=other".into()]))),
            problem("ldap-other-server")
        );
        let tls = |here| named(|e| with(e, |ldap| ldap.tls = Some(TlsSeen { here, ..trusted("id:6636") })));
        assert_eq!(tls(Ok(Verdict::Expired)), problem("ldap-certificate"));
        assert_eq!(tls(Err("refused".into())), problem("ldap-unreachable"));
        assert_eq!(tls(Ok(Verdict::UnknownIssuer)), ("ldap-certificate-private", Severity::Note));
    }
}
