//! Something between two servers that can be slow, answer nonsense, or be gone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// How it behaves towards new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Everything passes.
    Through,
    /// Everything passes, each connection after a while.
    Slow(Duration),
    /// Every request is answered so.
    Answers(u16),
    /// Connections end at once.
    Gone,
}

/// A relay to a port on this machine.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    mood: Arc<Mutex<Mood>>,
}

impl Relay {
    /// One that lets everything pass.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn to(upstream: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let mood = Arc::new(Mutex::new(Mood::Through));
        let kept = mood.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mood = *kept.lock().unwrap_or_else(PoisonError::into_inner);
                tokio::spawn(async move { serve(client, upstream, mood).await });
            }
        });
        Ok(Self { port, mood })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Behaves so from now on.
    pub fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }
}

async fn serve(mut client: TcpStream, upstream: u16, mood: Mood) {
    match mood {
        Mood::Gone => return,
        Mood::Answers(status) => {
            let _ = client.read(&mut [0; 4096]).await;
            let answer = format!("HTTP/1.1 {status} Unwell\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}");
            let _ = client.write_all(answer.as_bytes()).await;
            return;
        }
        Mood::Slow(time) => tokio::time::sleep(time).await,
        Mood::Through => {}
    }
    if let Ok(mut server) = TcpStream::connect(("127.0.0.1", upstream)).await {
        // One request a connection, so that a change of mood is felt at once.
        let _ = tokio::time::timeout(Duration::from_secs(60), copy_bidirectional(&mut client, &mut server)).await;
    }
}
