//! What the server answers over HTTP: the API, the pages, and what is refused before either.

mod api_audit;
mod api_clients;
mod api_docs;
mod api_keys;
mod api_kit;
mod api_me;
mod api_orcheo;
mod api_ratelimits;
mod api_service_tokens;
mod api_users;
mod attack_api;
mod cors;
mod fuzz;
mod malformed;
mod matrix;
mod pages;
mod pages_authorize;
mod pages_errors;
mod pages_keys;
mod pages_kit;
mod pages_sign_out;
mod pages_whom;
mod references;
mod refusals;
mod resources;
mod unfit;
