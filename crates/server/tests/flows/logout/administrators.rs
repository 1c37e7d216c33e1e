//! Administrators end sessions: one, or all that somebody has.

use super::{Scene, is_signed_in, said};
use crate::on_both;
use doorward_core::id::SessionId;
use doorward_server::{directory::sessions, error::OperationError};

on_both! {
    /// All or nobody's else: the applications are told of each session, and other people stay signed in.
    async fn all_sessions_of_a_user_are_ended_together(app) {
        let scene = Scene::new(app).await;
        let (inside, actor) = (scene.app.app.clone(), scene.app.actor());
        let alice = scene.app.user("alice", &[]).await;
        scene.app.user("bob", &[]).await;
        let (mut first, ..) = scene.arrives("alice").await;
        let (mut second, ..) = scene.arrives("alice").await;
        let (mut other, ..) = scene.arrives("bob").await;
        assert_eq!(sessions::end_all(&inside, &actor, alice.id).await.unwrap(), 2);
        assert_eq!(scene.waiting().await.len(), 2);
        while scene.step().await > 0 {}
        assert_eq!(scene.receiver.told().len(), 2);
        assert!(!is_signed_in(&mut first, &scene.client).await && !is_signed_in(&mut second, &scene.client).await);
        assert!(is_signed_in(&mut other, &scene.client).await);
        assert_eq!(said(&inside, "ended all 2 sessions of alice").await.len(), 1);
        assert_eq!(sessions::end_all(&inside, &actor, alice.id).await.unwrap(), 0);
        assert_eq!(said(&inside, "of alice").await.len(), 1, "nothing is said where nothing was done");
    }

    /// Of those who end the same sessions at once, each session is one's: applications are told once.
    async fn sessions_end_once(app) {
        let scene = Scene::new(app).await;
        let (inside, actor) = (scene.app.app.clone(), scene.app.actor());
        let alice = scene.app.user("alice", &[]).await;
        for _ in 0..3 {
            scene.arrives("alice").await;
        }
        let races = (0..10).map(|_| sessions::end_all(&inside, &actor, alice.id));
        let ended: usize = futures::future::join_all(races).await.into_iter().map(Result::unwrap).sum();
        assert_eq!((ended, scene.waiting().await.len()), (3, 3));
    }

    /// Somebody else's session is none of this user's, and one that has ended by itself is no more.
    async fn a_session_is_ended_only_as_its_users(app) {
        let scene = Scene::new(app).await;
        let (inside, actor) = (scene.app.app.clone(), scene.app.actor());
        let alice = scene.app.user("alice", &[]).await;
        let bob = scene.app.user("bob", &[]).await;
        let (mut browser, ..) = scene.arrives("alice").await;
        let session = sessions::of_user(&inside, alice.id).await.unwrap().remove(0);
        assert_eq!(sessions::find(&inside, session.id).await.unwrap().user, alice.id);
        for (user, id) in [(bob.id, session.id), (alice.id, SessionId::new(&scene.app.clock))] {
            let refused = sessions::end(&inside, &actor, user, id).await;
            assert!(matches!(refused, Err(OperationError::NotFound { .. })), "{refused:?}");
        }
        assert!(is_signed_in(&mut browser, &scene.client).await);
        scene.passes(session.expires_at.duration_since(scene.app.clock.now()).as_secs() + 1);
        assert!(sessions::find(&inside, session.id).await.is_err());
    }
}
