//! A power cut under load: whatever was acknowledged is there afterwards, and the database and the
//! audit trail say that they are whole.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use doorward_e2e::{
    Options, Server,
    program::{BOOTSTRAP, block_on, client},
};
use serde_json::{Value, json};

/// Requests in flight.
const CALLERS: usize = 12;
/// Acknowledged writes before the plug is pulled.
const ENOUGH: usize = 150;

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let mut server = Server::start(Options::default());
    let acknowledged = block_on(load_until_enough(&mut server));
    assert!(acknowledged.len() >= ENOUGH, "only {} writes were acknowledged", acknowledged.len());
    server.kill_and_restart();

    let missing = block_on(async {
        let client = client();
        let mut missing = Vec::new();
        for id in &acknowledged {
            let url = format!("{}/api/v1/users/{id}", server.issuer);
            let answer = client.get(&url).bearer_auth(BOOTSTRAP).send().await.expect("an answer");
            if !answer.status().is_success() {
                missing.push(format!("{id}: {}", answer.status()));
            }
        }
        missing
    });
    assert!(missing.is_empty(), "acknowledged and gone: {missing:?}");
    for command in [["db", "verify"], ["audit", "verify"]] {
        let done = server.command(&command);
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        let complained = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{command:?}: {said}{complained}");
    }
}

/// Creates people from several callers; kills the server when enough were acknowledged, with requests
/// still in flight.
async fn load_until_enough(server: &mut Server) -> Vec<String> {
    let done = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut callers = Vec::new();
    for caller in 0..CALLERS {
        let (done, acknowledged) = (Arc::clone(&done), Arc::clone(&acknowledged));
        let url = format!("{}/api/v1/users", server.issuer);
        callers.push(tokio::spawn(async move {
            let client = client();
            for number in 0.. {
                if done.load(Ordering::Acquire) {
                    break;
                }
                let user =
                    json!({"email": format!("crash{caller}.{number}@example.com"), "email_verified": true});
                let sent = client
                    .post(&url)
                    .bearer_auth(BOOTSTRAP)
                    .header("content-type", "application/json")
                    .body(user.to_string())
                    .send()
                    .await;
                let Ok(answer) = sent else { break };
                let status = answer.status();
                let Ok(text) = answer.text().await else { break };
                assert_eq!(status, 201, "{text}");
                let made: Value = serde_json::from_str(&text).expect("JSON");
                let id = made["id"].as_str().expect("an id").to_owned();
                acknowledged.lock().expect("the list").push(id);
            }
        }));
    }
    loop {
        let count = acknowledged.lock().expect("the list").len();
        if count >= ENOUGH || callers.iter().all(tokio::task::JoinHandle::is_finished) {
            break;
        }
        tokio::task::yield_now().await;
    }
    server.kill();
    done.store(true, Ordering::Release);
    for caller in callers {
        caller.await.expect("a caller saw only acknowledgements and a broken connection");
    }
    Arc::try_unwrap(acknowledged).expect("all callers are done").into_inner().expect("the list")
}
