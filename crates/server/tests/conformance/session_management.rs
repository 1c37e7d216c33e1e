//! oidcc-session-management-certification-test-plan.

crate::list::modules! { "oidcc-session-management-certification-test-plan", Code, Default:
    oidcc_session_management_discovery_endpoint_verification
    oidcc_session_management_rp_initiated_logout
}
