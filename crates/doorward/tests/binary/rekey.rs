//! `keys rekey`: another master key for a data folder in use, whenever it is cut short.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value as Json;

use crate::support::{Answer, Said, Server, doorward, run};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CLIENT: &str = r#"{"client_id":"app","name":"App","type":"confidential","first_party":true,
    "redirect_uris":["https://app.example/cb"],"scopes":["openid","offline_access"],
    "grant_types":["authorization_code","refresh_token","client_credentials"]}"#;
const USER: &str =
    r#"{"email":"ada@example.com","email_verified":true,"password":"plum orbit candle 93 gravel"}"#;

fn start(home: &Path) -> Server {
    Server::start(home, &["--set", "public_url=http://localhost:8080"])
}

fn rekey(home: &Path, more: &[&str]) -> Said {
    run(&mut doorward(home, &[&["keys", "rekey"], more].concat()))
}

fn json(answer: &Answer) -> Json {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"))
}

fn post(server: &Server, path: &str, body: &str) -> Json {
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n");
    let answer = server.ask_socket(&head, body);
    assert_eq!(answer.status, 201, "{answer:?}");
    json(&answer)
}

fn token(server: &Server, body: &str) -> Answer {
    let head = "POST /oauth2/token HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/x-www-form-urlencoded\r\n";
    server.ask(head, body)
}

/// A person at a browser.
struct Browser<'s> {
    server: &'s Server,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    /// One request, and whatever it leads to within the server; answers the last place and its page.
    fn go(&mut self, path: &str, form: &str) -> (String, Answer) {
        let (mut path, mut form) = (path.to_owned(), form.to_owned());
        for _ in 0..10 {
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let method = if form.is_empty() { "GET" } else { "POST" };
            let head = format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {}\r\n\
                 content-type: application/x-www-form-urlencoded\r\n",
                cookies.join("; ")
            );
            let answer = self.server.ask(&head, &form);
            let set = answer.cookies.split("; ").filter_map(|cookie| cookie.split_once('='));
            self.cookies.extend(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
            let Some(to) = answer.location.clone() else { return (path, answer) };
            let to = to.strip_prefix("http://localhost:8080").unwrap_or(&to).to_owned();
            if !to.starts_with('/') {
                return (to, answer);
            }
            (path, form) = (to, String::new());
        }
        panic!("too many redirects at {path}");
    }

    fn submit(&mut self, page: &Answer, action: &str, fields: &str) -> (String, Answer) {
        let cut = |text: &str, before: &str| -> String {
            let rest = text.split(before).nth(1).unwrap_or_else(|| panic!("{before} in {text}"));
            rest.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&")
        };
        let to = format!("{action}{}", cut(&page.body, &format!("action=\"{action}")));
        let field = page.body.split("name=\"form_token\"").nth(1).unwrap();
        let form = format!("form_token={}&{fields}", cut(field, "value=\""));
        self.go(&to, &form)
    }
}

/// A refresh token for Ada, who signs in for it, and her browser's cookies.
fn refresh_token(server: &Server, secret: &str) -> (String, BTreeMap<String, String>) {
    let mut browser = Browser { server, cookies: BTreeMap::new() };
    let ask = format!(
        "/oauth2/authorize?client_id=app&response_type=code&scope=openid+offline_access&state=s\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let (_, page) = browser.go(&ask, "");
    let (_, page) = browser.submit(&page, "/sign-in", "identifier=ada%40example.com");
    let password = "identifier=ada%40example.com&password=plum+orbit+candle+93+gravel";
    let (to, page) = browser.submit(&page, "/sign-in/password", password);
    let code = to.split("code=").nth(1).unwrap_or_else(|| panic!("{to} {page:?}")).split('&').next().unwrap();
    let body = format!(
        "grant_type=authorization_code&client_id=app&client_secret={secret}&code={code}\
         &redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_verifier={VERIFIER}"
    );
    let tokens = json(&token(server, &body));
    (tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned(), browser.cookies)
}

#[test]
fn what_was_issued_before_goes_on_and_the_former_key_does_not() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("doorward-data");
    let server = start(home.path());
    let secret = post(&server, "/api/v1/clients", CLIENT)["client_secret"].as_str().unwrap().to_owned();
    post(&server, "/api/v1/users", USER);
    let (refresh, cookies) = refresh_token(&server, &secret);
    let jwks = server.get("/.well-known/jwks.json").body;
    let refused = rekey(home.path(), &[]);
    assert!(refused.code == 1 && refused.err.contains("a server runs"), "{}", refused.err);
    assert!(server.stop().0.success());

    let former = std::fs::read(data.join("master.key")).unwrap();
    let said = rekey(home.path(), &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    let old = said.out.split("was replaced").next().unwrap().trim_start_matches("The master key ").trim();
    let old = data.join(format!("master.key.old-{old}"));
    assert_eq!(std::fs::read(&old).unwrap(), former, "{}", said.out);
    assert_ne!(std::fs::read(data.join("master.key")).unwrap(), former);

    let server = start(home.path());
    assert_eq!(server.get("/.well-known/jwks.json").body, jwks);
    let body = format!("grant_type=client_credentials&client_id=app&client_secret={secret}");
    assert_eq!(token(&server, &body).status, 200);
    let body =
        format!("grant_type=refresh_token&client_id=app&client_secret={secret}&refresh_token={refresh}");
    let tokens = json(&token(&server, &body));
    assert!(tokens["refresh_token"].is_string() && tokens["id_token"].is_string(), "{tokens}");
    let (_, account) = Browser { server: &server, cookies }.go("/account", "");
    assert!(account.body.contains("ada@example.com"), "still signed in: {account:?}");
    for command in [["audit", "verify"], ["db", "verify"]] {
        let said = run(&mut doorward(home.path(), &command));
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    }
    let doctor = run(&mut doorward(home.path(), &["doctor"])).out;
    assert!(doctor.contains("old-") && doctor.contains("backups of its time"), "{doctor}");
    assert!(server.stop().0.success());

    std::fs::copy(&old, data.join("master.key")).unwrap();
    let refused = run(&mut doorward(home.path(), &["serve", "--listen", "127.0.0.1:0"]));
    assert!(refused.code == 1 && refused.err.contains("was replaced at"), "{}", refused.err);
}

#[test]
fn cut_short_anywhere_it_leaves_one_key_that_works() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("doorward-data");
    let (key, next) = (data.join("master.key"), data.join("master.key.next"));
    let works = || {
        let server = start(home.path());
        assert_eq!(server.get("/readyz").status, 200);
        assert!(server.stop().0.success());
        let verified = run(&mut doorward(home.path(), &["db", "verify"]));
        assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
    };
    works();
    // The next key was being written, or was there before the database was given to it.
    for unfinished in ["half a k", &run(&mut doorward(home.path(), &["keys", "generate"])).out] {
        std::fs::write(&next, unfinished).unwrap();
        std::fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        works();
        assert!(next.exists(), "it is no start's to take away");
    }
    let before = std::fs::read(&key).unwrap();
    assert_eq!(rekey(home.path(), &["--forget-old"]).code, 0, "it begins anew");
    assert!(
        !next.exists()
            && std::fs::read_dir(&data)
                .unwrap()
                .flatten()
                .all(|it| { !it.file_name().to_string_lossy().contains("old") })
    );
    // The database was given to it, and its file was not in its place yet.
    let after = std::fs::read(&key).unwrap();
    std::fs::rename(&key, &next).unwrap();
    std::fs::write(&key, &before).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    works();
    assert!(!next.exists() && std::fs::read(&key).unwrap() == after);
}

/// Killed as soon as a file has come or gone, the work is at its end or not begun for whoever looks next.
#[test]
fn killed_at_any_step_it_leaves_one_key_that_works() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("doorward-data");
    assert!(start(home.path()).stop().0.success());
    let others = || -> Vec<String> {
        let names = std::fs::read_dir(&data)
            .unwrap()
            .flatten()
            .map(|it| it.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("master.key.")).collect()
    };
    let has = |end: &str| others().iter().any(|name| name.contains(end));
    let steps: [&dyn Fn() -> bool; 3] =
        [&|| has(".next"), &|| has(".old-"), &|| has(".old-") && !has(".next")];
    for step in steps {
        let mut command = doorward(home.path(), &["keys", "rekey"]);
        let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
        while !step() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for command in [["db", "verify"], ["audit", "verify"]] {
            let said = run(&mut doorward(home.path(), &command));
            assert_eq!(said.code, 0, "{}{}{:?}", said.out, said.err, others());
        }
        assert_eq!(rekey(home.path(), &[]).code, 0, "and it can be done again");
        assert!(!has(".next"));
        for name in others() {
            std::fs::remove_file(data.join(name)).unwrap();
        }
    }
}

#[test]
fn a_key_from_elsewhere_is_the_operators_to_replace() {
    let home = tempfile::tempdir().unwrap();
    let generate = || run(&mut doorward(home.path(), &["keys", "generate"])).out.trim().to_owned();
    let (first, second) = (generate(), generate());
    let with = |key: &str, args: &[&str]| {
        let mut command = doorward(home.path(), args);
        command.env("DOORWARD_MASTER_KEY", key);
        command
    };
    let serve = ["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json"];
    assert!(Server::spawn(home.path(), &mut with(&first, &serve)).stop().0.success());
    let said = run(&mut with(&first, &["keys", "rekey"]));
    assert!(said.code == 0 && said.out.contains("DOORWARD_MASTER_KEY"), "{}{}", said.out, said.err);
    let next = home.path().join("doorward-data/master.key.next");
    let refused = run(&mut with(&first, &serve));
    assert!(refused.code == 1 && refused.err.contains("master.key.next"), "{}", refused.err);
    let made = std::fs::read_to_string(&next).unwrap().trim().to_owned();
    assert!(Server::spawn(home.path(), &mut with(&made, &serve)).stop().0.success());
    let refused = run(&mut with(&made, &["keys", "rekey"]));
    assert!(refused.code == 1 && refused.err.contains("holds the master key in use"), "{}", refused.err);
    std::fs::remove_file(&next).unwrap();
    let file = home.path().join("second.key");
    std::fs::write(&file, &second).unwrap();
    let open = run(&mut with(&made, &["keys", "rekey", "--new-key-file", "second.key"]));
    assert!(open.code == 1 && open.err.contains("chmod 600"), "{}", open.err);
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let said = run(&mut with(&made, &["keys", "rekey", "--new-key-file", "second.key"]));
    assert!(said.code == 0 && said.out.contains("second.key") && !next.exists(), "{}{}", said.out, said.err);
    assert!(Server::spawn(home.path(), &mut with(&second, &serve)).stop().0.success());
    let again = run(&mut with(&second, &["keys", "rekey", "--new-key-file", "second.key"]));
    assert!(again.code == 1 && again.err.contains("is or was in use here"), "{}", again.err);
}
