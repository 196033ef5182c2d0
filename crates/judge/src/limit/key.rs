//! Who shares a counter.

use std::net::IpAddr;

use ipnet::Ipv6Net;
use serde::Deserialize;

use crate::{claims::Identity, principal::Principal};

/// For whom together a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The account, application or lineage of service tokens, whatever token it shows.
    #[default]
    Identity,
    /// The address (IPv6: its /64).
    #[serde(alias = "ip")]
    Address,
    /// The application that it came through.
    Client,
    /// The organisation.
    #[serde(alias = "organization")]
    Organisation,
    /// The agent that acts.
    Agent,
    /// Everybody.
    Route,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Identity, Self::Address, Self::Client, Self::Organisation, Self::Agent, Self::Route];

    /// As a rule has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Address => "address",
            Self::Client => "client",
            Self::Organisation => "organisation",
            Self::Agent => "agent",
            Self::Route => "route",
        }
    }

    /// What a request is counted under. Who has none of what is asked for counts as the identity that it is,
    /// and who is nobody by the address: no limit is escaped by saying less.
    pub fn of(self, principal: Option<&Principal>, address: IpAddr) -> (Self, String) {
        let by_address = || (Self::Address, network(address));
        let Some(Identity { subject, client_id, organization, agent_id, issuer, .. }) =
            principal.map(|principal| &principal.identity).filter(|identity| !identity.subject.is_empty())
        else {
            return if self == Self::Route { (self, String::new()) } else { by_address() };
        };
        // Two issuers may call two people by one name.
        let whole = |name: &String| match issuer {
            Some(issuer) => format!("{name}@{issuer}"),
            None => name.clone(),
        };
        let named = match self {
            Self::Address => return by_address(),
            Self::Route => return (self, String::new()),
            Self::Identity => None,
            Self::Client => client_id.as_ref(),
            Self::Organisation => organization.as_ref(),
            Self::Agent => agent_id.as_ref(),
        };
        named.map_or_else(|| (Self::Identity, whole(subject)), |name| (self, whole(name)))
    }
}

/// An address as it is counted: of IPv6 the /64, since that is what one customer has.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => match Ipv6Net::new(address, 64) {
            Ok(network) => network.trunc().to_string(),
            Err(_) => address.to_string(),
        },
    }
}
