use super::*;
use crate::config::{Environment, Loaded, Sources};

fn told(settings: &[(&str, &str)]) -> (u32, u32, u64) {
    let flags = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let loaded = Loaded::read(&Sources { file: None, flags }, &Environment::default()).unwrap();
    let FailureLimits { address, identity, interval } = failures(&loaded.config);
    (address, identity, interval.as_secs())
}

#[test]
fn what_is_not_said_depends_on_who_reaches_the_server() {
    let public = ("public_url", "https://id.example");
    let near = ("listen", "127.0.0.1:8080");
    for (settings, expect) in [
        (&[][..], (0, 0, 60)),
        (&[("listen", "0.0.0.0:8080")], (20, 10, 60)),
        (&[public, near, ("trusted_proxies", "127.0.0.1/32")], (20, 10, 60)),
        // Everybody has the proxy's address.
        (&[public, near], (0, 10, 60)),
        (&[public, near, ("auth.rate_limit_ip", "7")], (7, 10, 60)),
        (&[("auth.rate_limit_ip", "10"), ("auth.rate_limit_identity", "5")], (10, 5, 60)),
        (
            &[("listen", "0.0.0.0:80"), ("auth.rate_limit_ip", "0"), ("auth.rate_limit_identity", "0")],
            (0, 0, 60),
        ),
        (&[("auth.rate_limit_interval", "90")], (0, 0, 90)),
    ] {
        assert_eq!(told(settings), expect, "{settings:?}");
    }
}
