//! One reference for one request: what a person is told is found in the log and in the audit trail.

use crate::api_kit;
use std::{
    io,
    sync::{Arc, Mutex},
};

use crate::api_kit::Server;
use doorward_core::audit::{self, Filter};
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::Value as Json;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn all(&self) -> Vec<Json> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn traceparent() -> String {
    format!("00-{TRACE}-00f067aa0ba902b7-01")
}

both_engines! {
    /// Something of ours is broken: the answer says no more than a reference, under which the log has it.
    async fn a_fault_is_logged_under_the_reference_that_is_told(world: World) {
        let server = Server::new(world);
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone());
        let guard = tracing::subscriber::set_default(log.finish());
        server
            .world
            .realm
            .db
            .write("break", (), |tx, ()| Box::pin(async move { tx.exec("DROP TABLE mails", &[]).await }))
            .await
            .unwrap();
        let trace = traceparent();
        let bearer = format!("Bearer {}", api_kit::ROOT);
        let headers = [("authorization", bearer.as_str()), ("traceparent", &trace)];
        let answer = server.asks(Method::GET, "/api/v1/mail", None, &headers).await;
        drop(guard);
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", answer.text);
        let reference = answer.header("x-request-id");
        assert_eq!(answer.body["request_id"], reference);
        assert!(!answer.text.contains("mails"), "{}", answer.text);
        let lines = lines.all();
        let faults: Vec<_> = lines.iter().filter(|line| line["message"] == "fault").collect();
        assert_eq!(faults.len(), 1, "{lines:?}");
        assert_eq!(faults[0]["request_id"], reference);
        assert_eq!(faults[0]["trace_id"], TRACE);
        assert!(faults[0]["fault"].as_str().unwrap().contains("mails"), "{faults:?}");
    }

    /// The trace that a request belongs to is found by its events too.
    async fn events_know_the_trace_of_their_request(world: World) {
        let server = Server::new(world);
        let trace = traceparent();
        let headers = [("authorization", "Bearer nonsense"), ("traceparent", trace.as_str())];
        let answer = server.asks(Method::GET, "/oauth2/userinfo", None, &headers).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let filter = Filter { code: Some("oauth.refused".to_owned()), ..Filter::default() };
        let found = audit::list(&server.world.realm, filter, None, 10).await.unwrap();
        let event = serde_json::to_value(&found[0]).unwrap();
        assert_eq!(event["request_id"], answer.header("x-request-id"));
        assert_eq!(event["facts"]["trace_id"], TRACE, "{event}");
    }
}
