//! Scripts: clients that ask for tokens without anybody at a browser.

use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_core::{application::ApplicationProfile, grant_type::GrantType, provider::ProviderProfile};
use doorward_server::snapshot::Client;
use std::sync::Arc;

use super::{OAuthClient, TestApp, TokenAnswer};

pub(crate) const TOKEN: &str = "/application/o/token/";
pub(crate) const CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");

impl TestApp {
    /// An application that scripts may use.
    pub(crate) async fn script_application(
        &self,
        slug: &str,
        change: impl FnOnce(&mut ApplicationProfile, &mut ProviderProfile),
    ) -> Arc<Client> {
        self.application_with(slug, |application, provider| {
            provider.grant_types.extend([GrantType::ClientCredentials, GrantType::Password]);
            change(application, provider);
        })
        .await
    }
}

impl OAuthClient {
    /// Asks for tokens for the client itself.
    pub(crate) async fn for_itself(&self, scope: &str) -> TokenAnswer {
        self.token(&[CREDENTIALS, ("scope", scope)]).await
    }

    /// Asks for tokens for a user by their app password, without the client secret.
    pub(crate) async fn by_app_password(&self, username: &str, password: &str, scope: &str) -> TokenAnswer {
        let fields = [
            CREDENTIALS,
            ("client_id", self.client_id.as_str()),
            ("username", username),
            ("password", password),
            ("scope", scope),
        ];
        self.send(TOKEN, None, &fields).await
    }

    /// The same with both in place of the client secret.
    pub(crate) async fn by_encoded_app_password(&self, username: &str, password: &str) -> TokenAnswer {
        let secret = STANDARD.encode(format!("{username}:{password}"));
        let fields = [CREDENTIALS, ("client_id", self.client_id.as_str()), ("client_secret", &secret)];
        self.send(TOKEN, None, &fields).await
    }

    /// Sends a form with HTTP Basic.
    pub(crate) async fn basic(&self, path: &str, fields: &[(&str, &str)]) -> TokenAnswer {
        let basic = STANDARD.encode(format!("{}:{}", self.client_id, self.secret));
        self.send(path, Some(&format!("Basic {basic}")), fields).await
    }

    pub(crate) async fn introspect(&self, token: &str) -> serde_json::Value {
        let answer = self.basic("/application/o/introspect/", &[("token", token)]).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.json
    }

    pub(crate) async fn revoke(&self, token: &str) -> TokenAnswer {
        self.basic("/application/o/revoke/", &[("token", token)]).await
    }
}
