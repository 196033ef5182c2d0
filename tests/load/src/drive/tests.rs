use std::{net::TcpListener, rc::Rc, thread};

use clap::ValueEnum as _;
use tokio::task::LocalSet;

use super::{
    Scenario,
    gateway::Questions,
    scenario::{Ground, Worker},
};
use crate::{ceiling, route, setup::ceiling_plan};

/// A ceiling that lives as long as the test program.
fn ground(durable: Option<std::path::PathBuf>) -> Rc<Ground> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let plan = ceiling_plan(listener.local_addr().unwrap(), std::process::id());
    thread::spawn(move || ceiling::serve(listener, durable.as_deref()));
    Rc::new(Ground::new(plan))
}

async fn every_scenario(ground: Rc<Ground>) {
    for scenario in Scenario::value_variants() {
        let questions = Questions::of(2, 3);
        let ground = Rc::new(Ground::new(ground.plan.clone()).asking(questions));
        let mut worker = Worker::prepare(*scenario, ground.clone(), 0).await.unwrap();
        for _ in 0..3 {
            worker.operation().await.unwrap_or_else(|error| panic!("{}: {error:#}", scenario.name()));
        }
    }
}

#[tokio::test]
async fn every_scenario_repeats_against_the_ceiling() {
    LocalSet::new().run_until(every_scenario(ground(None))).await;
}

#[tokio::test]
async fn every_scenario_repeats_against_the_durable_ceiling() {
    let folder = tempfile::tempdir().unwrap();
    LocalSet::new().run_until(every_scenario(ground(Some(folder.path().join("ceiling.db"))))).await;
}

#[tokio::test]
async fn a_route_is_guarded_by_the_layer_or_by_nothing() {
    for (is_guarded, without_token) in [(true, false), (false, true)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let plan = ceiling_plan(listener.local_addr().unwrap(), std::process::id());
        thread::spawn(move || route::serve(listener, is_guarded));
        let (known, mut other) = (Rc::new(Ground::new(plan.clone())), plan);
        other.guarded.token = "another-token-of-nobody-here".to_owned();
        let other = Rc::new(Ground::new(other));
        LocalSet::new()
            .run_until(async {
                let mut worker = Worker::prepare(Scenario::Layer, known, 0).await.unwrap();
                worker.operation().await.unwrap();
                let mut worker = Worker::prepare(Scenario::Layer, other, 0).await.unwrap();
                assert_eq!(worker.operation().await.is_ok(), without_token);
            })
            .await;
    }
}

#[tokio::test]
async fn an_answer_that_is_not_expected_is_an_error() {
    let ground = ground(None);
    let mut plan = ground.plan.clone();
    plan.people[0].password = "wrong".to_owned();
    plan.clients.machine_es256.secret = "wrong".to_owned();
    let ground = Rc::new(Ground::new(plan));
    LocalSet::new()
        .run_until(async {
            for scenario in [Scenario::SignIn, Scenario::ClientCredentialsEs256] {
                let mut worker = Worker::prepare(scenario, ground.clone(), 0).await.unwrap();
                let error = worker.operation().await.unwrap_err();
                assert!(format!("{error:#}").contains("401"), "{error:#}");
            }
        })
        .await;
}
