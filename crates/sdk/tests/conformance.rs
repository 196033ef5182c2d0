//! The vectors of the conformance kit, all of them, against the layer of this crate.

use std::{convert::Infallible, fs, path::Path};

use doorward_sdk::{
    Caller,
    conformance::{Answer, Door, Suite, seen},
    guard::ClientAddress,
    tower::GuardLayer,
};
use http::{Request, Response};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

/// The application of the kit.
async fn application(request: Request<()>) -> Result<Response<String>, Infallible> {
    let caller = request.extensions().get::<Caller>();
    Ok(Response::new(seen(caller.map(Caller::principal), request.headers()).to_string()))
}

#[tokio::test]
async fn every_vector_holds_for_the_layer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/http");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for file in files.iter().filter(|file| !file.ends_with("keys.json")) {
        let suite = Suite::read(&fs::read_to_string(file).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let layer = match suite.assertions().unwrap() {
            Some(assertions) => GuardLayer::behind_a_gateway(assertions),
            None => GuardLayer::new(suite.guard().unwrap()),
        };
        let service = ServiceBuilder::new().layer(layer).service(service_fn(application));
        for (case, mut request) in suite.requests(Door::Layer).unwrap() {
            request.extensions_mut().insert(ClientAddress(case.request.address));
            let (parts, body) = service.clone().oneshot(request).await.unwrap().into_parts();
            let answer =
                Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.into_bytes() };
            let differences = case.differences(&answer, suite.errors);
            wrong.extend(differences.iter().map(|it| format!("{}: {}: {it}", file.display(), case.name)));
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 150, "{count}");
}
