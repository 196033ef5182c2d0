//! Against a mail server on loopback that speaks just enough SMTP to take or refuse a mail.

use doorward_proto::{id::Id, time::Time};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::*;

fn mail() -> OutgoingMail {
    OutgoingMail {
        id: Id::new(Time::from_seconds(1_900_000_000), [7; 10]),
        from: "Doorward <no-reply@id.example>".to_owned(),
        to: "alice@example.org".to_owned(),
        subject: "Bestätigen Sie".to_owned(),
        text: "Hello".to_owned(),
        html: "<p>Hello</p>".to_owned(),
        logo: None,
        headers: vec![("List-Unsubscribe", "<https://id.example/unsubscribe?token=x>".to_owned())],
    }
}

/// Takes one mail; answers what it was told. `recipient` is the answer to RCPT.
async fn sink(listener: TcpListener, extensions: &'static str, recipient: &'static str) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut heard = String::new();
    answer(&mut stream, "220 sink").await;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap() == 0 {
            return heard;
        }
        heard.push_str(&line);
        let reply = match line.get(..4).unwrap_or_default() {
            "EHLO" => extensions,
            "RCPT" => recipient,
            "AUTH" => "235 welcome",
            "DATA" => {
                answer(&mut stream, "354 go on").await;
                let mut body = Vec::new();
                while !body.ends_with(b"\r\n.\r\n") {
                    body.push(stream.read_u8().await.unwrap());
                }
                heard.push_str(&String::from_utf8(body).unwrap());
                "250 taken"
            }
            "QUIT" => return heard,
            _ => "250 ok",
        };
        answer(&mut stream, reply).await;
        if reply.starts_with("550") {
            return heard;
        }
    }
}

async fn answer(stream: &mut BufReader<TcpStream>, text: &str) {
    stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await.unwrap();
}

async fn deliver(
    options: &str,
    extensions: &'static str,
    recipient: &'static str,
) -> (std::result::Result<(), SendFailure>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://user:p%40ss@{}{options}", listener.local_addr().unwrap());
    let sink = tokio::spawn(sink(listener, extensions, recipient));
    let transport = transport(&SecretText::new(url), "Doorward <no-reply@id.example>", "https://id.example");
    let outcome = (transport.unwrap())(mail()).await;
    (outcome, sink.await.unwrap())
}

#[tokio::test]
async fn a_mail_is_handed_over_as_text_and_html() {
    let (outcome, heard) = deliver("", "250-sink\r\n250 AUTH PLAIN", "250 ok").await;
    outcome.unwrap();
    let expected = [
        "AUTH PLAIN AHVzZXIAcEBzcw==",
        "RCPT TO:<alice@example.org>",
        "Auto-Submitted: auto-generated",
        "List-Unsubscribe: <https://id.example/unsubscribe?token=x>",
        "@id.example>",
        "text/plain; charset=utf-8",
        "text/html; charset=utf-8",
        "Subject: =?utf-8?",
    ];
    for part in expected {
        assert!(heard.contains(part), "{part} is missing in {heard}");
    }
}

/// A logo travels with the mail: nothing is loaded when it is read.
#[test]
fn a_logo_stands_beside_the_html() {
    let bytes = include_bytes!("../../../../tests/data/pictures/logo.png");
    let logo = Some(Picture::read(bytes).unwrap());
    let html = "<img src=\"cid:logo\">".to_owned();
    let message = write("id.example", OutgoingMail { logo, html, ..mail() }).unwrap();
    let written = String::from_utf8(message.formatted()).unwrap();
    for part in [
        "multipart/alternative",
        "multipart/related",
        "Content-ID: <logo>",
        "image/png",
        "Content-Disposition: inline",
    ] {
        assert!(written.contains(part), "{part} is missing in {written}");
    }
}

#[tokio::test]
async fn a_refused_recipient_is_final_and_a_full_mailbox_is_not() {
    let (outcome, _) = deliver("", "250-sink\r\n250 AUTH PLAIN", "550 no such mailbox").await;
    assert!(outcome.unwrap_err().is_final);
    let (outcome, _) = deliver("", "250-sink\r\n250 AUTH PLAIN", "452 later").await;
    assert!(!outcome.unwrap_err().is_final);
}

#[tokio::test]
async fn without_starttls_nothing_is_said_to_a_server_that_must_offer_it() {
    let (outcome, heard) = deliver("?tls=required", "250-sink\r\n250 AUTH PLAIN", "250 ok").await;
    assert!(!outcome.unwrap_err().is_final);
    assert!(!heard.contains("AUTH PLAIN") && !heard.contains("MAIL FROM"), "{heard}");
}

#[test]
fn an_address_that_is_unsafe_or_unknown_is_refused() {
    let refused = [
        "http://mail.example",
        "smtp://user@mail.example",
        "smtp://user:hush@mail.example?tls=none",
        "smtps://mail.example?tls=none",
        "smtp://mail.example?tsl=none",
        "mail.example",
    ];
    for url in refused {
        let Err(error) = Server::read(&url.into()) else { panic!("{url} was taken") };
        assert!(!format!("{error:#}").contains("hush"), "{error:#}");
    }
    let protection = |url: &str| Server::read(&url.into()).unwrap().protection;
    assert_eq!(protection("smtp://mail.example"), Protection::StartTls);
    assert_eq!(protection("smtps://mail.example"), Protection::Tls);
    assert_eq!(protection("smtp://localhost:1025"), Protection::IfOffered);
    assert_eq!(protection("smtp://[::1]:1025"), Protection::IfOffered);
    assert_eq!(protection("smtp://mail.example?tls=none"), Protection::Nothing);
}
