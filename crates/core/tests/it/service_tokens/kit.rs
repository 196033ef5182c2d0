//! What the scenarios of service tokens share.

use doorward_core::{
    outcome::{Code, Result},
    rights::Rights,
    service_tokens::{Key, NewToken, RotateAsk, WithSecret, create, rotate, verify},
};
use doorward_world::World;

pub(crate) fn all() -> Rights {
    Rights { scopes: vec!["admin:*".to_owned()], workspaces: None }
}

pub(crate) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

pub(crate) fn named(name: &str) -> NewToken {
    NewToken { name: Some(name.to_owned()), scopes: texts(&["workflows:read"]), ..NewToken::default() }
}

pub(crate) async fn made(world: &World, name: &str) -> WithSecret {
    create(&world.local(), named(name), &all()).await.unwrap()
}

pub(crate) fn key(world: &World, name: &str) -> Key {
    Key::read(&world.call(), name, None)
}

pub(crate) async fn rotated(world: &World, name: &str, overlap: u64) -> WithSecret {
    let ask = RotateAsk { overlap, ..RotateAsk::default() };
    rotate(&world.local(), key(world, name), ask, all()).await.unwrap()
}

pub(crate) fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().and_then(|error| error.code())
}

/// What presenting the secret now comes to.
pub(crate) async fn told(world: &World, made: &WithSecret) -> Option<Code> {
    code(verify(&world.call(), made.secret.expose()).await)
}
