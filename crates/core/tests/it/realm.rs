//! A realm and its database belong to one master key.

use std::sync::Arc;

use doorward_core::{
    db::Db,
    env::{Env, no_fetch},
    outcome::{Error, Result},
    realm::{self, Parts, Realm},
    settings::Settings,
    vault::Vault,
};
use doorward_world::{Fresh, ISSUER, World, both_engines, run::BEGINNING, run::Fixture as _};

async fn open(db: Db, master: [u8; 32]) -> Result<Arc<Realm>> {
    let env = Env::fixed(BEGINNING, 1, no_fetch());
    let vault = Vault::new(&master)?;
    let issuer = ISSUER.to_owned();
    Realm::open(Parts { issuer, db, env, vault, settings: Settings::default(), mail_transport: None }).await
}

both_engines! {
    async fn another_master_key_does_not_open_it(place: Fresh) {
        let db = Db::make(&place).await;
        assert_eq!(realm::master_key(&db).await.unwrap(), None);
        let ours = open(db.clone(), [1; 32]).await.unwrap();
        assert_eq!(realm::master_key(&db).await.unwrap().as_deref(), Some(ours.vault.id()));
        let Err(Error::Fault(told)) = open(db.clone(), [2; 32]).await else { panic!("it opened") };
        let told = told.to_string();
        let other = Vault::new(&[2; 32]).unwrap();
        for word in [ours.vault.id(), other.id(), "backup", "database.url"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert!(open(db, [1; 32]).await.is_ok(), "the right one still does");
    }

    async fn two_first_starts_at_once_agree_on_one_key(place: Fresh) {
        let db = Db::make(&place).await;
        let (one, two) = tokio::join!(open(db.clone(), [1; 32]), open(db.clone(), [2; 32]));
        assert!(one.is_ok() != two.is_ok(), "one of them has it");
    }

    async fn it_is_not_ready_while_a_signing_key_cannot_be_opened(world: World) {
        world.realm.check().await.unwrap();
        world
            .realm
            .db
            .write("break", (), |tx, ()| {
                Box::pin(async move {
                    // As a key that another node made under another master key.
                    tx.exec("UPDATE signing_keys SET id = 'key_00000000000000000000000000' WHERE alg = 'ES256'", &[])
                        .await?;
                    tx.raise_changes().await
                })
            })
            .await
            .unwrap();
        assert!(world.realm.check().await.is_err());
    }
}
