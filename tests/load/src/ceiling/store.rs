//! Credentials and tokens in one map under a read-write lock, looked up by SHA-256.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;

use super::sign::Alg;

pub(super) type Key = [u8; 32];

/// A client the server knows from the start.
pub(crate) struct Client {
    pub(crate) id: &'static str,
    pub(crate) access: Alg,
    /// How an ID token is signed, and whether there is one on refresh.
    pub(crate) id_token: Option<Alg>,
}

/// The clients, one for each way of signing.
pub(crate) const CLIENTS: [Client; 5] = [
    Client { id: "machine-es256", access: Alg::Es256, id_token: None },
    Client { id: "machine-rs256", access: Alg::Rs256, id_token: None },
    Client { id: "web-rs256", access: Alg::Es256, id_token: Some(Alg::Rs256) },
    Client { id: "web-es256", access: Alg::Es256, id_token: Some(Alg::Es256) },
    Client { id: "web-none", access: Alg::Es256, id_token: None },
];
/// The secret of every client.
pub(crate) const SECRET: &str = "ceiling-secret";
/// A long-lived credential.
pub(crate) const TOKEN: &str = "ceiling-token-of-one-machine";
/// The password of the only person.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// What a credential stands for.
#[derive(Clone, Copy)]
pub(super) enum Entry {
    Client(&'static Client),
    Access {
        client: &'static Client,
        expires: i64,
    },
    Refresh {
        client: &'static Client,
    },
    Code {
        client: &'static Client,
        challenge: Key,
    },
    Session,
    /// A credential that has been looked at, and its holder's place among the clients.
    Seen {
        client: &'static Client,
        expires: i64,
    },
}

pub(super) struct Store(RwLock<HashMap<Key, Entry>>);

impl Store {
    pub(super) fn new() -> Self {
        let clients = CLIENTS.iter().map(|client| (key(&basic(client.id)), Entry::Client(client)));
        let [machine, ..] = &CLIENTS;
        let token = (key(TOKEN), Entry::Seen { client: machine, expires: i64::MAX });
        Self(RwLock::new(clients.chain([token]).collect()))
    }

    pub(super) fn find(&self, key: &Key) -> Option<Entry> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    pub(super) fn insert(&self, key: Key, entry: Entry) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, entry);
    }

    /// Takes out what may be used once.
    pub(super) fn consume(&self, key: &Key) -> Option<Entry> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key)
    }
}

/// A client's credential as it travels in `Authorization: Basic`.
fn basic(id: &str) -> String {
    data_encoding::BASE64.encode(format!("{id}:{SECRET}").as_bytes())
}

pub(super) fn key(credential: &str) -> Key {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, credential.as_bytes()).as_ref());
    key
}

/// A new secret and the key it is found under.
pub(super) fn secret() -> (String, Key) {
    let mut random = [0; 32];
    // aws-lc-rs fails here only when the system has no randomness; a zero secret harms nobody on loopback.
    let _ = aws_lc_rs::rand::fill(&mut random);
    let text = BASE64URL_NOPAD.encode(&random);
    let key = key(&text);
    (text, key)
}
