//! Asks a guarded API with a token of its own: `cargo run -p doorward-sdk --example calling -- URL RESOURCE`,
//! with `DOORWARD_ISSUER`, `CLIENT_ID`, and `CLIENT_SECRET` or `CLIENT_KEY` (PKCS#8 in PEM, ES256).

use std::{env, error::Error, io::Write as _, sync::Arc};

use doorward_proto::{jose::Alg, secret::SecretText};
use doorward_sdk::{
    client::{Authorized, ClientAuth, OAuthClient},
    exchange::{Http, Hyper},
};
use http::Request;

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "an example says in the environment what it is to do")]
async fn main() -> Result<(), Box<dyn Error>> {
    let [url, resource] = [1, 2].map(|place| env::args().nth(place).unwrap_or_default());
    let client_id = env::var("CLIENT_ID")?;
    let auth = match env::var("CLIENT_KEY") {
        Ok(pem) => ClientAuth::key_pem(client_id, Alg::ES256, (&SecretText::new(pem), None))?,
        Err(_) => ClientAuth::secret(client_id, SecretText::new(env::var("CLIENT_SECRET")?)),
    };

    let http: Arc<dyn Http> = Arc::new(Hyper::new()?);
    let client = OAuthClient::of_issuer(env::var("DOORWARD_ISSUER")?, auth, Arc::clone(&http));
    let source = client.scope("reports:read").resource(resource).client_credentials();
    let api = Authorized::new(http, source, &url)?;
    for _ in 0..2 {
        let answer = api.send(Request::get(&url).body(Vec::new())?).await?;
        let said = String::from_utf8_lossy(answer.body()).into_owned();
        writeln!(std::io::stdout(), "{} {said}", answer.status().as_u16())?;
    }
    Ok(())
}
