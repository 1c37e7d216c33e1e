//! Password hashes: Argon2id for what is new, Django's PBKDF2 for what was brought along.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::pbkdf2;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use doorward_core::{random, secret::Secret};
use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// Memory of one hash: 19 MiB, in KiB (OWASP's first choice for Argon2id with two passes).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Most memory, passes and lanes that an imported hash may ask for.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
const PASSES_MAX: u32 = 20;
const LANES_MAX: u32 = 16;
/// Most PBKDF2 iterations that an imported hash may ask for.
const ITERATIONS_MAX: u32 = 10_000_000;
/// Longest password, in bytes.
pub const PASSWORD_MAX: usize = 1024;

/// Hashes passwords on threads of their own, as many at once as there are processors, in memory that is used again.
#[derive(Clone)]
pub struct Hasher {
    turns: Arc<Semaphore>,
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
    runs: Arc<AtomicU64>,
}

/// What a password turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Right.
    Right,
    /// Right, and this stronger hash should be kept instead.
    RightRehashed(String),
    /// Wrong.
    Wrong,
}

impl Hasher {
    /// A hasher for this machine.
    pub fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self { turns: Arc::new(Semaphore::new(processors)), memory: Arc::default(), runs: Arc::default() }
    }

    /// Hashes a new password as a PHC string.
    pub async fn hash(&self, password: Secret<String>) -> String {
        self.run(move |memory| argon2id(password.expose().as_bytes(), &random::bytes::<16>(), memory)).await
    }

    /// Checks a password. Without a hash (an unknown user, or one without a password) the same work is done for nothing.
    pub async fn verify(&self, password: Secret<String>, hash: Option<String>) -> Verdict {
        self.run(move |memory| {
            let bytes = password.expose().as_bytes();
            match hash {
                None => {
                    argon2id(bytes, &[0; 16], memory);
                    Verdict::Wrong
                }
                Some(hash) if hash.starts_with("pbkdf2_sha256$") => verify_django(bytes, &hash, memory),
                Some(hash) => verify_argon2(bytes, &hash, memory),
            }
        })
        .await
    }

    /// How many times it hashed or checked so far. Refusals must not differ in it.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static) -> T {
        // The semaphore is never closed.
        let turn = self.turns.clone().acquire_owned().await;
        self.runs.fetch_add(1, Ordering::Relaxed);
        let pool = self.memory.clone();
        let task = tokio::task::spawn_blocking(move || {
            let idle = pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut memory = idle.unwrap_or_default();
            let result = work(&mut memory);
            pool.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
            drop(turn);
            result
        });
        match task.await {
            Ok(result) => result,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

fn raw_argon2(
    password: &[u8],
    salt: &[u8],
    out: &mut [u8],
    (memory_kib, passes, lanes): (u32, u32, u32),
    memory: &mut Vec<Block>,
) -> Option<()> {
    let params = Params::new(memory_kib, passes, lanes, Some(out.len())).ok()?;
    memory.resize(memory.len().max(params.block_count()), Block::default());
    let blocks = memory.get_mut(..params.block_count())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into_with_memory(password, salt, out, blocks).ok()
}

fn argon2id(password: &[u8], salt: &[u8], memory: &mut Vec<Block>) -> String {
    let mut out = [0; 32];
    if raw_argon2(password, salt, &mut out, (MEMORY_KIB, PASSES, LANES), memory).is_none() {
        // Constant parameters that a test proves good; only a lack of memory is left.
        std::process::abort();
    }
    let (salt, out) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(out));
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${out}")
}

/// What stands in a PHC string of Argon2id.
struct Phc {
    cost: (u32, u32, u32),
    salt: Vec<u8>,
    hash: Vec<u8>,
}

fn parse_phc(text: &str) -> Option<Phc> {
    let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
    let mut costs = parts.next()?.split(',');
    let mut cost = |name: &str| costs.next()?.strip_prefix(name)?.strip_prefix('=')?.parse::<u32>().ok();
    let cost = (cost("m")?, cost("t")?, cost("p")?);
    let salt = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    let hash = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    let bearable = cost.0 <= MEMORY_KIB_MAX && cost.1 <= PASSES_MAX && cost.2 <= LANES_MAX;
    (parts.next().is_none() && bearable && (16..=64).contains(&hash.len())).then_some(Phc { cost, salt, hash })
}

fn verify_argon2(password: &[u8], hash: &str, memory: &mut Vec<Block>) -> Verdict {
    let Some(phc) = parse_phc(hash) else { return Verdict::Wrong };
    let mut out = vec![0; phc.hash.len()];
    if raw_argon2(password, &phc.salt, &mut out, phc.cost, memory).is_none() {
        return Verdict::Wrong;
    }
    let is_right: bool = out.ct_eq(&phc.hash).into();
    match is_right {
        false => Verdict::Wrong,
        true if phc.cost == (MEMORY_KIB, PASSES, LANES) => Verdict::Right,
        true => Verdict::RightRehashed(argon2id(password, &random::bytes::<16>(), memory)),
    }
}

/// Django's format: `pbkdf2_sha256$<iterations>$<salt>$<base64>`.
fn verify_django(password: &[u8], hash: &str, memory: &mut Vec<Block>) -> Verdict {
    match django_matches(password, hash) {
        Some(true) => Verdict::RightRehashed(argon2id(password, &random::bytes::<16>(), memory)),
        _ => Verdict::Wrong,
    }
}

fn django_matches(password: &[u8], hash: &str) -> Option<bool> {
    let mut parts = hash.strip_prefix("pbkdf2_sha256$")?.split('$');
    let iterations: u32 = parts.next()?.parse().ok()?;
    let salt = parts.next()?;
    let expected = STANDARD.decode(parts.next()?).ok()?;
    let iterations = NonZeroU32::new(iterations).filter(|count| count.get() <= ITERATIONS_MAX)?;
    if parts.next().is_some() || expected.len() != 32 {
        return None;
    }
    Some(pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt.as_bytes(), password, &expected).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether a text is a hash that [`Hasher::verify`] understands.
    fn is_known_hash(hash: &str) -> bool {
        parse_phc(hash).is_some() || django_matches(b"", hash).is_some()
    }

    const DJANGO: &str = "pbkdf2_sha256$1000$saltsaltsalt$";

    fn django(password: &str) -> String {
        let mut out = [0; 32];
        let iterations = NonZeroU32::new(1000).unwrap();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, b"saltsaltsalt", password.as_bytes(), &mut out);
        format!("{DJANGO}{}", STANDARD.encode(out))
    }

    #[tokio::test]
    async fn new_hashes_verify_and_wrong_passwords_do_not() {
        let hasher = Hasher::new();
        let hash = hasher.hash("correct horse".into()).await;
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(hasher.verify("correct horse".into(), Some(hash.clone())).await, Verdict::Right);
        assert_eq!(hasher.verify("wrong horse".into(), Some(hash)).await, Verdict::Wrong);
        assert_eq!(hasher.verify("anything".into(), None).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn djangos_hashes_are_taken_and_made_stronger() {
        let hasher = Hasher::new();
        let Verdict::RightRehashed(stronger) = hasher.verify("pw".into(), Some(django("pw"))).await else {
            panic!("not rehashed")
        };
        assert_eq!(hasher.verify("pw".into(), Some(stronger)).await, Verdict::Right);
        assert_eq!(hasher.verify("no".into(), Some(django("pw"))).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn cheaper_argon2_hashes_are_made_stronger() {
        let mut out = [0; 32];
        raw_argon2(b"pw", b"saltsalt", &mut out, (8192, 1, 1), &mut Vec::new()).unwrap();
        let hash = format!(
            "$argon2id$v=19$m=8192,t=1,p=1${}${}",
            STANDARD_NO_PAD.encode(b"saltsalt"),
            STANDARD_NO_PAD.encode(out)
        );
        assert!(matches!(Hasher::new().verify("pw".into(), Some(hash)).await, Verdict::RightRehashed(_)));
    }

    #[test]
    fn hashes_that_would_cost_too_much_are_refused() {
        assert!(!is_known_hash("$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA"));
        assert!(!is_known_hash(&format!("pbkdf2_sha256$99999999$salt${}", STANDARD.encode([0; 32]))));
        assert!(!is_known_hash("pbkdf2_sha256$0$salt$AAAA"));
        assert!(!is_known_hash("md5$x$y"));
    }

    proptest! {
        #[test]
        fn no_hash_panics(hash in "(\\$argon2id\\$v=19\\$|pbkdf2_sha256\\$)?[ -~]{0,60}") {
            let _ = parse_phc(&hash);
            if !hash.starts_with("pbkdf2_sha256$1") { let _ = is_known_hash(&hash); }
        }
    }
}
