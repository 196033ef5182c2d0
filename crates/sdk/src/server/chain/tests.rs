use std::{net::IpAddr, sync::atomic::AtomicI64};

use doorward_judge::{CredentialKind, Identity};
use doorward_proto::secret::SecretText;
use futures_util::future::BoxFuture;

use super::*;
use crate::server::{Recognition, Scheme};

/// Knows the tokens that begin with a letter, and refuses those that end in `!`.
struct Letter {
    first: char,
    state: AtomicI64,
    asked: AtomicUsize,
    used: AtomicUsize,
}

impl Letter {
    fn new(letter: char) -> Arc<Self> {
        Arc::new(Self {
            first: letter,
            state: AtomicI64::new(0),
            asked: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Provider for Letter {
    fn name(&self) -> &'static str {
        "letter"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let token = credential.token().unwrap().expose();
            if !token.starts_with(self.first) {
                return Ok(None);
            }
            if token.ends_with('!') {
                return Err(Why::TokenRevoked.into());
            }
            let identity = Identity { subject: token.to_owned(), ..Identity::default() };
            Ok(Some(Principal::new(identity, CredentialKind::StaticToken)))
        })
    }

    fn used(&self, principal: &Principal, _: IpAddr, _: Time) {
        assert!(principal.identity.subject.starts_with(self.first));
        self.used.fetch_add(1, Ordering::Relaxed);
    }

    fn state(&self) -> i64 {
        self.state.load(Ordering::Relaxed)
    }
}

fn token(text: &str) -> Credential {
    Credential::Token { scheme: Scheme::Bearer, token: SecretText::from(text) }
}

async fn said(chain: &Chain, text: &str, second: i64) -> Result<String, Why> {
    let known = chain.recognise(&token(text), Time::from_seconds(second)).await;
    known.map(|known| known.principal.identity.subject.clone()).map_err(|refusal| refusal.why)
}

#[tokio::test]
async fn whoever_knows_a_credential_first_says_whose_it_is() {
    let (a, b) = (Letter::new('a'), Letter::new('b'));
    let chain = Chain::new(vec![a.clone(), b.clone()]);
    assert_eq!(said(&chain, "alice", 0).await, Ok("alice".to_owned()));
    assert_eq!(said(&chain, "bob", 0).await, Ok("bob".to_owned()));
    assert_eq!(said(&chain, "carol", 0).await, Err(Why::InvalidToken));
    assert_eq!(said(&chain, "alice!", 0).await, Err(Why::TokenRevoked));
    assert_eq!((a.asked(), b.asked()), (4, 2), "a refusal is nobody else's to overrule");
}

#[tokio::test]
async fn a_token_that_is_bound_to_no_key_has_no_proof() {
    let chain = Chain::new(vec![Letter::new('a')]);
    let bare = Credential::Token { scheme: Scheme::Dpop, token: SecretText::from("alice") };
    for _ in 0..2 {
        let refused = chain.recognise(&bare, Time::from_seconds(1)).await.unwrap_err();
        assert_eq!(refused.why, Why::InvalidToken);
    }
}

#[tokio::test]
async fn what_was_said_is_remembered_until_it_may_have_changed() {
    let a = Letter::new('a');
    let chain = Chain::new(vec![a.clone()]);
    for (second, asked) in [(100, 1), (100, 1), (129, 1), (130, 2), (99, 3), (99, 3)] {
        assert_eq!(said(&chain, "alice", second).await, Ok("alice".to_owned()));
        assert_eq!(a.asked(), asked, "at {second}");
    }
    a.state.store(1, Ordering::Relaxed);
    said(&chain, "alice", 99).await.unwrap();
    assert_eq!(a.asked(), 4);
    for _ in 0..3 {
        said(&chain, "alice!", 99).await.unwrap_err();
    }
    assert_eq!(a.asked(), 7, "refusals are not remembered");
}

#[tokio::test]
async fn uses_are_told_to_whoever_knows_the_credential_remembered_or_not() {
    let (a, b) = (Letter::new('a'), Letter::new('b'));
    let chain = Chain::new(vec![a.clone(), b.clone()]);
    for _ in 0..3 {
        let known = chain.recognise(&token("bob"), Time::from_seconds(1)).await.unwrap();
        chain.note_use(&known, IpAddr::from([192, 0, 2, 7]), Time::from_seconds(1));
    }
    assert_eq!((a.used.load(Ordering::Relaxed), b.used.load(Ordering::Relaxed), b.asked()), (0, 3, 1));
}

#[tokio::test]
async fn memory_is_bounded() {
    let a = Letter::new('a');
    let chain = Chain::new(vec![a]);
    for number in 0..CAPACITY + 10 {
        said(&chain, &format!("a{number}"), 0).await.unwrap();
    }
    assert!(chain.entries.len() <= CAPACITY);
}
