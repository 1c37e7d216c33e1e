//! oidcc-frontchannel-rp-initiated-logout-certification-test-plan.

crate::list::modules! { "oidcc-frontchannel-rp-initiated-logout-certification-test-plan", Code, Default:
    oidcc_frontchannel_logout_discovery_endpoint_verification
    oidcc_frontchannel_rp_initiated_logout
}
