//! oidcc-hybrid-certification-test-plan.

/// What the plan runs for all three response types, and what for some of them. The form post version shares it.
macro_rules! hybrid {
    ($plan:literal, $mode:ident) => {
        pub(crate) mod code_id_token {
            crate::hybrid::all!($plan, CodeIdToken, $mode,
                oidcc_response_type_missing
                oidcc_ensure_request_without_nonce_fails
                oidcc_alternate_happy_flow
                oidcc_ensure_request_with_valid_pkce_succeeds);
        }

        pub(crate) mod code_token {
            crate::hybrid::all!($plan, CodeToken, $mode,
                oidcc_ensure_request_without_nonce_succeeds_for_code_flow);
        }

        pub(crate) mod code_id_token_token {
            crate::hybrid::all!($plan, CodeIdTokenToken, $mode,
                oidcc_ensure_request_without_nonce_fails);
        }
    };
}
pub(crate) use hybrid;

macro_rules! all {
    ($plan:literal, $response_type:ident, $mode:ident, $($more:ident)*) => {
        crate::list::modules! { $plan, $response_type, $mode:
            $($more)*
            oidcc_server
            oidcc_idtoken_signature
            oidcc_userinfo_get
            oidcc_userinfo_post_header
            oidcc_userinfo_post_body
            oidcc_scope_profile
            oidcc_scope_email
            oidcc_scope_address
            oidcc_scope_phone
            oidcc_scope_all
            oidcc_display_page
            oidcc_display_popup
            oidcc_prompt_login
            oidcc_prompt_none_not_logged_in
            oidcc_prompt_none_logged_in
            oidcc_max_age_1
            oidcc_max_age_10000
            oidcc_ensure_request_with_unknown_parameter_succeeds
            oidcc_id_token_hint
            oidcc_login_hint
            oidcc_ui_locales
            oidcc_claims_locales
            oidcc_ensure_request_with_acr_values_succeeds
            oidcc_codereuse
            oidcc_codereuse_30seconds
            oidcc_ensure_registered_redirect_uri
            oidcc_server_client_secret_post
            oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported
            oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported
            oidcc_claims_essential
            oidcc_ensure_request_object_with_redirect_uri
            oidcc_refresh_token
        }
    };
}
pub(crate) use all;

hybrid!("oidcc-hybrid-certification-test-plan", Default);
