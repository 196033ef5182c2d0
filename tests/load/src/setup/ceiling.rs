//! The ceiling server as a load target.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
};

use anyhow::Result;

use super::{
    CLIENT_CORE, SERVER_CORE,
    process::{Server, free_port, pinned},
};
use crate::{
    ceiling::{CLIENTS, PASSWORD, SECRET, TOKEN},
    plan::{Client, Clients, Guarded, Person, Plan},
};

/// Whether the ceiling stores a row per issuance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    Ideal,
    Durable,
}

/// Starts the ceiling; its database goes into `folder`.
pub(crate) async fn ceiling(durability: Durability, folder: &Path) -> Result<(Server, Plan)> {
    let port = free_port()?;
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let mut command = program(SERVER_CORE, port)?;
    if durability == Durability::Durable {
        command.arg("--durable").arg(folder.join("ceiling.db"));
    }
    let server = Server::start(&mut command, address).await?;
    let plan = plan(address, server.pid());
    Ok((server, plan))
}

/// Starts a ceiling as the application behind gateways, on the core that drives.
pub(crate) async fn upstream() -> Result<Server> {
    let port = free_port()?;
    Server::start(&mut program(CLIENT_CORE, port)?, (Ipv4Addr::LOCALHOST, port).into()).await
}

fn program(core: usize, port: u16) -> Result<Command> {
    let mut command = pinned(core, &std::env::current_exe()?);
    command.args(["ceiling", "--listen", &format!("127.0.0.1:{port}")]);
    Ok(command)
}

/// What the ceiling holds, wherever it runs.
pub(crate) fn plan(address: SocketAddr, pid: u32) -> Plan {
    let [machine_es256, machine_rs256, web_rs256, web_es256, web_none] =
        CLIENTS.each_ref().map(|client| Client {
            id: client.id.to_owned(),
            secret: SECRET.to_owned(),
            scope: "openid email".to_owned(),
            resource: None,
        });
    Plan {
        address,
        origin: format!("http://{address}"),
        pid,
        sign_in: "/sign-in".to_owned(),
        redirect_uri: "http://127.0.0.1:9/callback".to_owned(),
        clients: Clients { machine_es256, machine_rs256, web_rs256, web_es256, web_none },
        people: vec![Person { email: "one@example.test".to_owned(), password: PASSWORD.to_owned() }],
        guarded: Guarded::by(TOKEN),
    }
}
