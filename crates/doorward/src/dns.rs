//! Asking the DNS what a domain says of itself. Such questions are few, each by somebody who waits for it, so
//! nothing is kept: an operator who has just added a record is told what is there now.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use doorward_core::env::{Resolve, ResolveFailure};
use hickory_resolver::{
    Resolver, ResolverBuilder,
    config::{NameServerConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::RData,
};

/// One question waits this long for one answer, and is asked twice.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks this server; without one, those that the machine asks.
pub fn resolver(server: Option<SocketAddr>) -> Resolve {
    Arc::new(move |name| {
        Box::pin(async move {
            let found = txt(server, &name).await;
            found.map_err(|error| ResolveFailure(error.to_string()))
        })
    })
}

async fn txt(server: Option<SocketAddr>, name: &str) -> Result<Vec<String>, NetError> {
    let mut builder = builder(server)?;
    let options = builder.options_mut();
    (options.timeout, options.attempts, options.cache_size) = (PATIENCE, 2, 0);
    // With the dot at its end no search domain of the machine is appended.
    match builder.build()?.txt_lookup(format!("{name}.")).await {
        Ok(found) => Ok(found.answers().iter().filter_map(|record| text(&record.data)).collect()),
        Err(error) if error.is_no_records_found() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn builder(server: Option<SocketAddr>) -> Result<ResolverBuilder<TokioRuntimeProvider>, NetError> {
    let Some(server) = server else { return Resolver::builder_tokio() };
    let mut named = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut named.connections {
        connection.port = server.port();
    }
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![named]);
    Ok(Resolver::builder_with_config(config, TokioRuntimeProvider::default()))
}

/// A record's text; its parts belong together (RFC 7208 3.3).
fn text(data: &RData) -> Option<String> {
    match data {
        RData::TXT(text) => Some(text.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;

    /// A name server that answers every question with one TXT record, or with none.
    async fn stand_in(answer: Option<&'static [&'static str]>) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0_u8; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let asked = &buffer[..length];
                let end = 12 + asked[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
                let mut said = asked[..2].to_vec();
                let (flags, count) = if answer.is_some() { ([0x81, 0x80], 1) } else { ([0x81, 0x83], 0) };
                said.extend(flags);
                said.extend([0, 1, 0, count, 0, 0, 0, 0]);
                said.extend(&asked[12..end]);
                if let Some(parts) = answer {
                    let data: Vec<u8> = parts
                        .iter()
                        .flat_map(|part| [&[u8::try_from(part.len()).unwrap()], part.as_bytes()].concat())
                        .collect();
                    said.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0]);
                    said.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
                    said.extend(data);
                }
                socket.send_to(&said, from).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn records_are_told_as_they_stand_now() {
        let server = stand_in(Some(&["doorward-domain=0123", "4567"])).await;
        assert_eq!(
            resolver(Some(server))("_doorward.example.com".to_owned()).await.unwrap(),
            ["doorward-domain=01234567"]
        );
        let server = stand_in(None).await;
        assert!(resolver(Some(server))("_doorward.example.com".to_owned()).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_a_failure() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let gone = socket.local_addr().unwrap();
        drop(socket);
        assert!(resolver(Some(gone))("_doorward.example.com".to_owned()).await.is_err());
    }
}
