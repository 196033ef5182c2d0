//! What the gateway is held against: nginx as a proxy that asks nobody, and the library's layer with its bare route.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::{
    SERVER_CORE, ceiling_plan,
    process::{Server, free_port, pinned},
};
use crate::plan::Plan;

/// Where nginx is, if it is installed.
pub(crate) fn nginx_program() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&paths).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("nginx")).find(|program| program.is_file())
}

/// Starts nginx in one process before the application at `upstream`; its files go into `folder`.
pub(crate) async fn nginx(program: &Path, upstream: SocketAddr, folder: &Path) -> Result<(Server, Plan)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let home = folder.join("nginx");
    std::fs::create_dir(&home)?;
    let file = home.join("nginx.conf");
    std::fs::write(&file, nginx_file(address, upstream)).context("cannot write nginx's configuration")?;
    let mut command = pinned(SERVER_CORE, program);
    command.arg("-p").arg(&home).arg("-c").arg(&file).arg("-e").arg(home.join("errors"));
    started(&mut command, address).await
}

/// As fast as nginx proxies in one process: no log, and connections that are never closed.
fn nginx_file(address: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "daemon off; master_process off; worker_processes 1; pid nginx.pid;
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 1000000000; tcp_nodelay on;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  upstream application {{ server {upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen {address};
    location / {{
      proxy_pass http://application; proxy_http_version 1.1; proxy_set_header Connection \"\";
    }}
  }}
}}
"
    )
}

/// Starts an axum route, behind the library's layer or bare.
pub(crate) async fn route(is_guarded: bool) -> Result<(Server, Plan)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let mut command = pinned(SERVER_CORE, &std::env::current_exe()?);
    command.args(["route", "--listen", &address.to_string()]);
    if is_guarded {
        command.arg("--guarded");
    }
    started(&mut command, address).await
}

async fn started(command: &mut Command, address: SocketAddr) -> Result<(Server, Plan)> {
    let server = Server::start(command, address).await?;
    let plan = ceiling_plan(address, server.pid());
    Ok((server, plan))
}
