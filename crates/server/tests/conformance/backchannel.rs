//! oidcc-backchannel-rp-initiated-logout-certification-test-plan.

crate::list::modules! { "oidcc-backchannel-rp-initiated-logout-certification-test-plan", Code, Default:
    oidcc_backchannel_logout_discovery_endpoint_verification
    oidcc_backchannel_rp_initiated_logout
}
