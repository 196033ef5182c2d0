//! Pushed authorization requests (RFC 9126).

use serde::{Deserialize, Serialize};

use crate::{
    authorize::{self, Parsed},
    form::Params,
    oauth_error::Problem,
    secret::{Kind, Opaque},
};

/// What a pushed request's name begins with.
pub const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// Reads a pushed request: as at the authorization endpoint, but it cannot point to another one.
pub fn parse(params: &Params) -> Parsed {
    let mut parsed = authorize::parse(params);
    if parsed.request.request_uri.take().is_some() {
        parsed.problems.push(Problem::invalid("request_uri", "cannot be pushed"));
    }
    parsed
}

/// The `request_uri` of a pushed request.
pub fn request_uri(name: &Opaque) -> String {
    format!("{PREFIX}{}", name.expose())
}

/// The name inside a `request_uri` of ours.
pub fn parse_request_uri(text: &str) -> Option<Opaque> {
    Opaque::parse(Kind::Pushed, text.strip_prefix(PREFIX)?)
}

/// The answer, sent with status 201.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedResponse {
    /// The name to use at the authorization endpoint, once.
    pub request_uri: String,
    /// Its life in seconds.
    pub expires_in: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let name = Opaque::new(Kind::Pushed, &[3; 32]);
        assert_eq!(parse_request_uri(&request_uri(&name)), Some(name.clone()));
        let code = Opaque::new(Kind::Code, &[3; 32]);
        for other in ["", PREFIX, name.expose(), "https://app.example/request.jwt", &request_uri(&code)] {
            assert_eq!(parse_request_uri(other), None, "{other}");
        }
    }

    #[test]
    fn a_pushed_request_cannot_point_elsewhere() {
        let params = |text: &str| Params::parse(text.as_bytes(), 1000).unwrap();
        assert_eq!(parse(&params("client_id=a")).problems, []);
        let parsed = parse(&params("client_id=a&request_uri=https://a.example"));
        assert_eq!(parsed.problems, [Problem::invalid("request_uri", "cannot be pushed")]);
        assert_eq!(parsed.request.request_uri, None);
    }
}
