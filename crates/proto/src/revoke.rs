//! Revocation (RFC 7009): the request. The answer is empty, for unknown tokens too.

use crate::{form::Params, introspect::TokenTypeHint, oauth_error::Problem, secret::SecretText};

/// The longest request that is read.
pub const MAX_BYTES: usize = 64 * 1024;

/// A token to be ended.
#[derive(Debug, Clone)]
pub struct RevocationRequest {
    /// The token.
    pub token: SecretText,
    /// What the caller believes it to be; an unknown hint is none.
    pub token_type_hint: Option<TokenTypeHint>,
}

impl RevocationRequest {
    /// Reads a request.
    pub fn parse(params: &Params) -> Result<Self, Problem> {
        let token = params.required("token")?.into();
        let hint = params.one("token_type_hint")?;
        Ok(Self { token, token_type_hint: hint.and_then(TokenTypeHint::from_wire) })
    }
}
