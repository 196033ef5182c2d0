use http::HeaderValue;

use super::*;

#[test]
fn documents_do_not_lead_into_the_network_of_their_reader() {
    let cases = [
        ("https://id.example.com/keys", true, true),
        ("https://10.0.0.7/keys", true, false),
        ("https://[fd00::1]/keys", true, false),
        ("http://localhost:8080/keys", true, false),
        ("http://127.0.0.1:8080/keys", true, false),
        ("https://127.0.0.1/keys", true, false),
        ("http://id.example.com/keys", false, false),
        ("http://10.0.0.7/keys", false, false),
    ];
    for (url, by_operator, by_document) in cases {
        let target: Uri = url.parse().unwrap();
        assert_eq!(check(&target, NamedBy::Operator).is_ok(), by_operator, "{url}");
        assert_eq!(check(&target, NamedBy::Document).is_ok(), by_document, "{url}");
    }
}

#[derive(serde::Deserialize)]
struct Corpus {
    urls: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    url: String,
    #[serde(default)]
    resolves_to: Vec<std::net::IpAddr>,
    client: String,
    operator: String,
}

/// What the server of this library refuses as it is written, or for what it resolves to, is refused here as well.
#[test]
fn the_corpus_is_refused_here_too() {
    let corpus = include_str!("../../../../vectors/attacks/ssrf.json");
    let corpus: Corpus = serde_json::from_str(corpus).unwrap();
    for Case { url, resolves_to, client, operator } in corpus.urls {
        let is_refused = |named_by| match url.parse::<Uri>() {
            Ok(target) => check(&target, named_by).is_err(),
            Err(_) => true,
        };
        let leads_home = resolves_to.iter().any(|address| !is_public(*address));
        if client != "asked" {
            assert!(is_refused(NamedBy::Document) || leads_home, "{url}");
        }
        if operator != "asked" && !operator.contains("resolves to") {
            assert!(is_refused(NamedBy::Operator), "{url}");
        }
    }
}

#[tokio::test]
async fn what_a_document_names_is_read_from_public_addresses_only() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let http = Arc::new(crate::exchange::Hyper::new().unwrap());
    // What resolvers of this machine make of it.
    for host in ["localhost", "127.1", "2130706433", "0x7f000001", "127.0.0.1", "[::ffff:127.0.0.1]"] {
        let request = Request::get(format!("http://{host}:{port}/keys")).body(Vec::new()).unwrap();
        let why = http.send_public(request).await.unwrap_err().to_string();
        assert!(why.contains("is no public address"), "{host}: {why}");
    }
    let web = Web::new(http);
    for host in ["localhost", "localhost.", "127.1", "2130706433", "0x7f000001", "10.0.0.1"] {
        let url = format!("https://{host}:{port}/keys");
        assert!(web.get(&url, NamedBy::Document, Duration::from_secs(30)).await.is_err(), "{host}");
    }
    let came = listener.accept().map_err(|error| error.kind());
    assert_eq!(came.err(), Some(std::io::ErrorKind::WouldBlock));
}

#[tokio::test]
async fn nobody_is_waited_for_longer_than_was_said() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let request = Request::get(format!("http://{}/", silent.local_addr().unwrap()));
    let mut request = request.body(Vec::new()).unwrap();
    request.extensions_mut().insert(Within(Duration::from_millis(100)));
    // Not by its own time, which would be a minute.
    let http = crate::exchange::Hyper::new().unwrap().within(Duration::from_mins(1));
    let answer = tokio::time::timeout(Duration::from_secs(30), http.send(request)).await;
    assert!(answer.unwrap().unwrap_err().to_string().contains("in time"));
}

#[test]
fn answers_say_how_long_they_may_be_kept() {
    let cases = [
        ("public, max-age=60", Some(60)),
        ("max-age=\"60\"", Some(60)),
        ("no-cache", Some(0)),
        ("public", None),
        ("max-age=soon", None),
    ];
    for (control, expected) in cases {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
        assert_eq!(max_age(&headers), expected.map(Duration::from_secs), "{control}");
    }
}

#[test]
fn one_client_is_made_for_the_authorities_of_a_file_until_it_holds_others() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    fs::write(&first, "a").unwrap();
    fs::write(&second, "a").unwrap();
    let made = std::cell::Cell::new(0);
    let clients: Clients<i32> = Clients::default();
    let of = |ca_file: Option<&PathBuf>| {
        let access = Access { ca_file: ca_file.cloned(), token_file: None };
        clients.of(&access, |authorities| {
            made.set(made.get() + 1);
            if authorities == b"none" { Err("no authority".to_owned()) } else { Ok(made.get()) }
        })
    };
    assert_eq!(of(None), Ok(None));
    for _ in 0..3 {
        assert_eq!((of(Some(&first)), of(Some(&second))), (Ok(Some(1)), Ok(Some(2))));
    }
    fs::write(&first, "b").unwrap();
    assert_eq!(
        (of(Some(&first)), of(Some(&first)), of(Some(&second))),
        (Ok(Some(3)), Ok(Some(3)), Ok(Some(2)))
    );
    fs::write(&first, "none").unwrap();
    assert_eq!(of(Some(&first)), Err("no authority".to_owned()));
    fs::remove_file(&first).unwrap();
    assert!(of(Some(&first)).is_err());
    assert_eq!(made.get(), 4);
}
