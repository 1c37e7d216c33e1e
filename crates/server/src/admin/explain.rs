//! `/if/admin/applications/<slug>/explain/`: what would happen if somebody signed in.

use axum::{extract::Path, response::Response};
use doorward_core::problem::Problems;
use serde_json::{Value, json};
use std::{collections::BTreeSet, net::IpAddr};

use super::{
    desk::{Desk, Page},
    fields,
};
use crate::{
    applications,
    error::{OperationError, OperationResult},
    explain::{AccessReport, Finding, Verdict, access, claims, claims::ClaimsReport, netbox_effect::Effect},
};

const PAGE: Page = Page { template: "admin_explain.html", nav: "applications" };

/// What is asked, as typed.
struct Question<'d> {
    user: &'d str,
    ip: &'d str,
    scopes: &'d str,
}

/// `GET /if/admin/applications/<slug>/explain/?user=…&ip=…&scopes=…`. Explaining changes nothing, so it needs no form.
pub(super) async fn show(desk: Desk, Path(slug): Path<String>) -> Response {
    let answer = page(&desk, &slug).await;
    desk.settle(answer)
}

async fn page(desk: &Desk, slug: &str) -> OperationResult<Response> {
    let entry = applications::find(&desk.app, slug)?;
    let question =
        Question { user: desk.query("user").trim(), ip: desk.query("ip").trim(), scopes: desk.query("scopes").trim() };
    let mut problems = Problems::default();
    let reports = answered(desk, slug, &question, &mut problems).await?;
    let profile = &entry.application.profile;
    let context = json!({
        "application": { "slug": profile.slug, "name": profile.name },
        "has_oauth": entry.oauth.is_some(),
        "form": { "user": question.user, "ip": question.ip, "scopes": question.scopes },
        "access": reports.as_ref().map(|(access, _)| access_context(access)),
        "claims": reports.as_ref().map(|(_, claims)| claims_context(claims)),
    });
    Ok(desk.form(PAGE, context, &problems))
}

/// Both reports, if somebody was asked about and everything could be read.
async fn answered(
    desk: &Desk,
    slug: &str,
    question: &Question<'_>,
    problems: &mut Problems,
) -> OperationResult<Option<(AccessReport, ClaimsReport)>> {
    if question.user.is_empty() {
        return Ok(None);
    }
    let address: Option<IpAddr> = match question.ip {
        "" => None,
        text => text.parse().ok(),
    };
    if address.is_none() && !question.ip.is_empty() {
        let text = question.ip;
        problems.add("ip", format!("\"{text}\" is not an address; write it like 192.0.2.7 or 2001:db8::7."));
    }
    let scopes: BTreeSet<String> =
        question.scopes.split([' ', ',']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    let scopes = (!scopes.is_empty()).then_some(&scopes);
    let reports = async {
        let access = access::explain(&desk.app, slug, question.user, address).await?;
        Ok((access, claims::explain(&desk.app, slug, question.user, scopes).await?))
    };
    match reports.await {
        Ok(reports) => Ok(Some(reports).filter(|_| problems.0.is_empty())),
        Err(OperationError::NotFound { kind: "user", .. }) => {
            problems.add("user", format!("Nobody has the username \"{}\".", question.user));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn access_context(report: &AccessReport) -> Value {
    let route = |route: &crate::explain::Route| {
        let steps = route.steps.iter().map(|step| {
            json!({ "rule": fields::capital(step.rule), "state": step_state(step.finding), "word": step.finding.word(), "text": fields::sentence(&step.text) })
        });
        json!({
            "method": route.method.as_str(),
            "label": route.method.label(),
            "state": state(route.verdict),
            "word": fields::capital(route.verdict.word()),
            "steps": steps.collect::<Vec<_>>(),
        })
    };
    json!({
        "summary": report.summary,
        "state": state(report.verdict),
        "routes": report.routes.iter().map(route).collect::<Vec<_>>(),
    })
}

fn state(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "ok",
        Verdict::Depends => "warn",
        Verdict::Denied => "bad",
    }
}

fn step_state(finding: Finding) -> &'static str {
    match finding {
        Finding::Yes => "ok",
        Finding::Depends => "warn",
        Finding::No => "bad",
        Finding::Note => "off",
    }
}

fn claims_context(report: &ClaimsReport) -> Value {
    let oidc = report.oidc.as_ref().map(|oidc| {
        json!({
            "scopes": oidc.scopes,
            "ignored_scopes": oidc.ignored_scopes,
            "failure": oidc.failure.as_ref().map(fields::sentence),
            "id_token": fields::pretty(&oidc.id_token),
            "access_token": fields::pretty(&oidc.access_token),
            "userinfo": fields::pretty(&oidc.userinfo),
        })
    });
    let ldap = report.ldap.as_ref().map(|shown| {
        let lines = shown.attributes.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        let lines: String = lines.map(|(name, value)| format!("{name}: {value}\n")).collect();
        format!("dn: {}\n{lines}", shown.dn)
    });
    let proxy = report.proxy.as_ref().map(|shown| {
        let lines: String = shown.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        json!({ "headers": lines, "left_out": shown.left_out, "refusal": shown.refusal.as_ref().map(fields::sentence) })
    });
    let push = report
        .netbox
        .connector
        .as_ref()
        .map(|push| json!({ "account": push.account, "changes": push.changes, "warning": push.warning }));
    json!({
        "oidc": oidc,
        "ldap": ldap,
        "proxy": proxy,
        "netbox": report.netbox.effects.iter().map(netbox).collect::<Vec<_>>(),
        "push": push,
        "unasked": report.netbox.unasked.as_ref().map(fields::sentence),
    })
}

fn netbox(effect: &Effect) -> Value {
    let groups = &effect.groups;
    json!({
        "label": effect.method.label(),
        "account": fields::sentence(&effect.account_text),
        "fields": effect.fields,
        "groups": {
            "added": groups.added,
            "removed": groups.removed,
            "kept": groups.kept,
            "untouched": groups.untouched,
            "ignored": groups.ignored,
            "text": fields::sentence(&groups.text),
        },
        "superuser": {
            "change": effect.superuser.change,
            "before": effect.superuser.before,
            "why": fields::sentence(&effect.superuser.why),
        },
        "warnings": effect.warnings.iter().map(fields::sentence).collect::<Vec<_>>(),
    })
}
