//! The gate as proxies and machines meet it.

mod assertion;
mod certificates;
mod conformance;
mod envoy;
mod proxied;
mod signin;
mod validate;
