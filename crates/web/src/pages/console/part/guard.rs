//! What puts something behind a reverse proxy that asks this server about each request.

use super::secret::Snippet;
use crate::pages::frame::Frame;

/// The block of the chapter on the gateway.
const NGINX: &str = include_str!("../../../../snippets/nginx.conf");

/// For what listens at `upstream` and is reached as `host`. The route demands what these lines of its table say.
pub fn snippets(frame: &Frame, (host, upstream): (&str, &str), demands: &str) -> [Snippet; 2] {
    let name = host.split('.').next().unwrap_or(host);
    let route = format!(
        "trusted_proxies = [\"127.0.0.1/32\"]\n\n[[gateway.routes]]\nname = \"{name}\"\nhosts = [\"{host}\"]{demands}"
    );
    let nginx = NGINX.replace("reports.example.com", host).replace("127.0.0.1:9000", upstream);
    [
        Snippet::new(frame, "route", ("apps-route", "apps-route-what"), &route),
        Snippet::new(frame, "nginx", ("apps-nginx", "apps-nginx-what"), nginx.trim_end()),
    ]
}
