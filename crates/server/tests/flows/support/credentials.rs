//! Service accounts, app passwords, authenticator apps, and what the log says.

use doorward_core::{
    app_password::AppPassword,
    authenticator::Authenticator,
    id::ApplicationId,
    secret::Secret,
    user::{User, UserProfile, UserType},
};
use doorward_protocols::totp;
use doorward_server::{
    auth::basic::{Basic, SignInError},
    directory::{
        app_passwords::{self, NewAppPassword},
        users,
    },
    events,
};
use doorward_store as store;

use super::TestApp;

impl TestApp {
    pub(crate) async fn app_password(
        &self,
        user: &User,
        application: Option<ApplicationId>,
    ) -> (AppPassword, Secret<String>) {
        let new = NewAppPassword { user: user.id, name: "laptop".into(), application, expires_at: None };
        app_passwords::create(&self.app, &self.actor(), new).await.unwrap()
    }

    pub(crate) async fn robot(&self) -> User {
        let robot = self.user("robot", &[]).await;
        let profile = UserProfile { user_type: UserType::ServiceAccount, ..robot.profile.clone() };
        users::update(&self.app, &self.actor(), robot.id, profile, None).await.unwrap();
        robot
    }

    /// Sets an authenticator app up and returns its secret.
    pub(crate) async fn authenticator(&self, user: &User) -> Secret<Vec<u8>> {
        let secret = totp::new_secret();
        let kept =
            Authenticator { user: user.id, secret: secret.clone(), confirmed_at: self.clock.now(), last_step: 0 };
        let cipher = self.app.cipher.clone();
        let insert = self
            .app
            .db
            .write(move |tx| Box::pin(async move { store::authenticator::insert(tx, &cipher, &kept).await }));
        assert!(insert.await.unwrap());
        secret
    }

    pub(crate) fn code(&self, secret: &Secret<Vec<u8>>) -> String {
        totp::code(secret, self.clock.now()).unwrap()
    }

    pub(crate) async fn texts(&self) -> Vec<String> {
        events::newest(&self.app, 100).await.unwrap().into_iter().map(|event| event.text).collect()
    }

    /// What the log says about a refusal.
    pub(crate) async fn reason(&self, result: &Result<Basic, SignInError>) -> String {
        let reference = result.as_ref().unwrap_err().reference().unwrap();
        events::by_reference(&self.app, reference).await.unwrap().pop().unwrap().text
    }

    pub(crate) async fn hash_of(&self, user: &User) -> String {
        let id = user.id;
        self.app.db.read(move |tx| Box::pin(store::credential::find(tx, id))).await.unwrap().unwrap()
    }
}
