//! oidcc-config-certification-test-plan.

crate::list::modules! { "oidcc-config-certification-test-plan", Code, Default:
    oidcc_discovery_endpoint_verification
}
