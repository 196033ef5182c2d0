//! Forms as browsers send them, and what no browser sends.

use bytes::Bytes;

use super::{Malformed, fields_and_file, is_multipart};

const KIND: &str = "multipart/form-data; boundary=----WebKitFormBoundaryx1";

fn form(text: &str) -> Bytes {
    text.replace('\n', "\r\n").replace("--B", "------WebKitFormBoundaryx1").into()
}

#[tokio::test]
async fn fields_and_files_are_told_apart() {
    let body = form(
        "--B\nContent-Disposition: form-data; name=\"name\"\n\nAcme --x ü\n--B\n\
         content-disposition: form-data; name=\"logo\"; filename=\"a;b.png\"\nContent-Type: image/png\n\n\
         \u{89}PNG\n\n--B\nContent-Disposition: form-data; name=\"none\"; filename=\"\"\n\n\n--B--\n",
    );
    let (fields, file) = fields_and_file(KIND, body).await.unwrap();
    assert_eq!(fields, "name=Acme+--x+%C3%BC");
    assert_eq!(file.as_deref(), Some("\u{89}PNG\r\n".as_bytes()), "what a file ends with is its own");
    let nothing =
        fields_and_file("multipart/form-data;boundary=\"a b\"", Bytes::from_static(b"--a b--")).await;
    assert_eq!(nothing, Ok((String::new(), None)));
}

#[tokio::test]
async fn what_no_browser_sends_is_refused() {
    let one = "--B\nContent-Disposition: form-data; name=\"a\"\n\n1\n--B--";
    let file = "--B\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\n\n1\n";
    for (kind, body) in [
        ("text/plain", one.to_owned()),
        ("multipart/form-data", one.to_owned()),
        ("multipart/form-data; boundary=", one.to_owned()),
        ("multipart/form-data; boundary=\"a\nb\"", one.to_owned()),
        (KIND, String::new()),
        (KIND, "--B".to_owned()),
        (KIND, format!("x\n{one}")),
        (KIND, "--B\nContent-Disposition: form-data; name=\"a\"\n\n1".to_owned()),
        (KIND, "--B\nContent-Disposition: form-data; name=\"a\"\n1\n--B--".to_owned()),
        (KIND, "--B\nContent-Disposition: form-data\n\n1\n--B--".to_owned()),
        (KIND, "--B\nContent-Disposition: form-data; name=\"\"\n\n1\n--B--".to_owned()),
        (KIND, "--B\nContent-Disposition: attachment; name=\"a\"\n\n1\n--B--".to_owned()),
        (KIND, "--B\nContent-Type: text/plain\n\n1\n--B--".to_owned()),
        (KIND, "--B\nContent-Disposition: form-data; name=\"a\"\n\n1\0\n--B--".to_owned()),
        (KIND, format!("{file}{file}--B--")),
        (
            KIND,
            format!("--B\nX: {}\nContent-Disposition: form-data; name=\"a\"\n\n1\n--B--", "x".repeat(3000)),
        ),
        (KIND, format!("{}--B--", "--B\nContent-Disposition: form-data; name=\"a\"\n\n1\n".repeat(65))),
    ] {
        assert_eq!(fields_and_file(kind, form(&body)).await, Err(Malformed), "{kind} {body}");
    }
    for (length, is_taken) in [(70, true), (71, false)] {
        let long = "x".repeat(length);
        let body = one.replace('\n', "\r\n").replace("--B", &format!("--{long}"));
        let taken = fields_and_file(&format!("multipart/form-data; boundary={long}"), body.into()).await;
        assert_eq!(taken.is_ok(), is_taken, "a boundary of {length}");
    }
    let (head, end) = (form("--B\nContent-Disposition: form-data; name=\"a\"\n\n"), form("--B--"));
    let body = [&head[..], b"\xff\r\n", &end].concat();
    assert_eq!(fields_and_file(KIND, body.into()).await, Err(Malformed), "no text");
}

#[test]
fn the_kind_is_told_by_its_first_word() {
    for (kind, is) in [
        ("multipart/form-data; boundary=x", true),
        ("Multipart/Form-Data", true),
        ("multipart/form-datax", false),
        ("application/x-www-form-urlencoded", false),
    ] {
        assert_eq!(is_multipart(kind), is, "{kind}");
    }
}
