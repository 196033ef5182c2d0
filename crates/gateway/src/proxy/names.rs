//! Which addresses the names of applications have, looked at before anybody connects: whoever may make a route
//! has no request sent to where a cloud tells this machine its own secrets, whatever name it is given. Only the
//! configuration can mean such a place, by its address.

use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
    vec,
};

use doorward_sdk::fetch::is_nobodys;
use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// Resolves names as the machine does, and refuses one as soon as any of its addresses is nobody's.
#[derive(Debug, Clone, Default)]
pub(super) struct Names;

impl Service<Name> for Names {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            admit(name.as_str(), found)
        })
    }
}

fn admit(name: &str, found: Vec<SocketAddr>) -> io::Result<vec::IntoIter<SocketAddr>> {
    match found.iter().find(|address| is_nobodys(address.ip())) {
        Some(address) => {
            let what = format!("{name} is {}, where no application can be", address.ip());
            Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
        }
        None => Ok(found.into_iter()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_an_address_of_nobody_is_not_connected_to() {
        for (addresses, expect) in [
            (&["127.0.0.1:0", "[::1]:0"][..], true),
            (&["10.0.0.1:0"], true),
            (&["169.254.169.254:0"], false),
            (&["10.0.0.1:0", "169.254.169.254:0"], false),
            (&["[::ffff:169.254.169.254]:0"], false),
            (&["[fd00:ec2::254]:0"], false),
            (&["0.0.0.0:0"], false),
        ] {
            let found = addresses.iter().map(|address| address.parse().unwrap()).collect();
            assert_eq!(admit("application", found).is_ok(), expect, "{addresses:?}");
        }
    }

    #[tokio::test]
    async fn this_machine_is_found_by_its_name() {
        let found = Names.call("localhost".parse().unwrap()).await.unwrap();
        assert!(found.into_iter().all(|address| address.ip().is_loopback()));
    }
}
