//! What travels between Doorward and the outside: identifiers, times, secrets, JOSE, and the wire
//! forms of OAuth 2.1 and OpenID Connect.
//!
//! Nothing here performs I/O, reads a clock, draws randomness or knows of SQL or HTTP servers: every
//! rule is a function of its arguments, so that the specifications can be tested as tables.

pub mod access_token;
pub mod assertion;
pub mod authorization_details;
pub mod authorize;
pub mod claims;
pub mod client_auth;
pub mod client_id;
pub mod dpop;
pub mod form;
pub mod id;
pub mod id_token;
pub mod introspect;
pub mod jose;
pub mod json;
pub mod logout_token;
pub mod metadata;
pub mod oauth_error;
pub mod par;
pub mod pkce;
pub mod rate;
pub mod redirect;
pub mod resource;
pub mod revoke;
pub mod scope;
pub mod secret;
pub mod time;
pub mod token;
pub mod trace;
pub mod userinfo;
pub mod zone;
