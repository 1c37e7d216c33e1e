//! Whether the application answers at its address, and is what it is taken for.

use crate::doctor::{
    evidence::{ApplicationEnd, Evidence, Fetched},
    finding::Finding,
};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let house = &evidence.house;
    let Some(ApplicationEnd { front: Fetched { url, outcome }, netbox, .. }) = &evidence.end else {
        findings.push(
            Finding::skipped(
                "application-address",
                "Doorward does not know the application's address, so that only its own side was checked",
            )
            .change("a terminal", format!("doorward app edit {} --launch-url https://…", house.slug)),
        );
        return;
    };
    let name = &house.name;
    let address = format!("doorward app edit {} --launch-url https://…", house.slug);
    findings.push(match outcome {
        Err(error) => Finding::problem("application-unreachable", format!("{name} does not answer at its address"))
            .seen(format!("GET {url}: {error}"))
            .change(format!("the machine of {name}"), "start it; look at its log, and at what stands in front of it"),
        Ok(seen) if seen.status >= 500 => {
            Finding::problem("application-error", format!("{name} answers with an error of its own"))
                .seen(format!("GET {url} answered {}", seen.status))
                .change(
                    format!("the machine of {name}"),
                    "look at its log: the proxy answers, but what is behind it does not work",
                )
        }
        Ok(seen) if house.is_netbox && netbox.is_none() && evidence.proxy.is_none() => Finding::problem(
            "application-foreign",
            "At the address of NetBox something answers that is not NetBox's login page",
        )
        .seen(format!("GET {url} answered {}, {}", seen.status, seen.content_type))
        .change("the web server at that address", "pass every request on to NetBox")
        .change(
            "a terminal, if the address is mistyped",
            format!("doorward app add netbox --slug {}-2 --url https://…", house.slug),
        ),
        Ok(seen) if seen.status >= 400 && !house.is_netbox => {
            Finding::note("application-refuses", format!("{name} refuses the address where its tile leads"))
                .seen(format!("GET {url} answered {}", seen.status))
                .change("a terminal", address)
        }
        Ok(seen) => Finding::ok("application", format!("{name} answers at its address"))
            .seen(format!("GET {url} answered {}", seen.status)),
    });
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{found, named};
    use super::*;
    use crate::{doctor::finding::Severity, outbound::OutboundError};

    fn front(evidence: &mut Evidence, status: u16) {
        evidence.end.as_mut().unwrap().front.outcome.as_mut().unwrap().status = status;
    }

    #[test]
    fn silence_errors_and_strangers_are_told_apart() {
        let gone = |e: &mut Evidence| {
            let end = e.end.as_mut().unwrap();
            let error = OutboundError::Connect { authority: "netbox.example.org:443".into(), reason: "refused".into() };
            (end.front.outcome, end.netbox, end.skew) = (Err(error), None, None);
        };
        assert_eq!(named(gone), ("application-unreachable", Severity::Problem));
        let broken = |e: &mut Evidence| {
            front(e, 502);
            e.end.as_mut().unwrap().netbox = None;
        };
        assert_eq!(named(broken), ("application-error", Severity::Problem));
        assert_eq!(named(|e| e.end.as_mut().unwrap().netbox = None), ("application-foreign", Severity::Problem));
    }

    #[test]
    fn what_is_not_netbox_need_not_look_like_it() {
        let wiki = |e: &mut Evidence, status| {
            e.house.is_netbox = false;
            e.end.as_mut().unwrap().netbox = None;
            front(e, status);
        };
        assert_eq!(found("application", |e| wiki(e, 302)).severity, Severity::Ok);
        assert_eq!(found("application-refuses", |e| wiki(e, 404)).severity, Severity::Note);
        assert_eq!(found("application-address", |e| e.end = None).severity, Severity::Skipped);
    }
}
