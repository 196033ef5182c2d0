//! Forms as browsers send them, and what no browser sends.

use super::{MultipartError, Part, is_multipart, parse};

const KIND: &str = "multipart/form-data; boundary=----WebKitFormBoundaryx1";

fn field(text: &str) -> String {
    text.replace('\n', "\r\n").replace("--B", "------WebKitFormBoundaryx1")
}

#[test]
fn fields_and_files_are_told_apart() {
    let body = field(
        "--B\nContent-Disposition: form-data; name=\"name\"\n\nAcme --Bx ü\n--B\n\
         content-disposition: form-data; name=\"logo\"; filename=\"a;b.png\"\nContent-Type: image/png\n\n\
         \u{89}PNG\n\n--B\nContent-Disposition: form-data; name=\"none\"; filename=\"\"\n\n\n--B--\n",
    )
    .replace("Acme ------WebKitFormBoundaryx1x", "Acme --x");
    let parts = parse(KIND, body.as_bytes()).unwrap();
    let name = |part: &Part<'_>| (part.name.clone(), part.is_file);
    let names: Vec<_> = parts.iter().map(name).collect();
    assert_eq!(names, [("name".to_owned(), false), ("logo".to_owned(), true), ("none".to_owned(), true)]);
    assert_eq!(parts[0].text(), Ok("Acme --x ü"));
    assert_eq!(parts[1].bytes, "\u{89}PNG\r\n".as_bytes(), "what a file ends with is its own");
    assert_eq!(parts[2].bytes, b"");
    assert_eq!(parse("multipart/form-data;boundary=\"a b\"", b"--a b--"), Ok(Vec::new()));
}

#[test]
fn what_no_browser_sends_is_refused() {
    let one = "--B\nContent-Disposition: form-data; name=\"a\"\n\n1\n--B--";
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
        (KIND, "--B\nContent-Disposition: attachment; name=\"a\"\n\n1\n--B--".to_owned()),
        (KIND, "--B\nContent-Disposition: form-data; name=\"a\n\n1\n--B--".to_owned()),
        (KIND, "--B\nContent-Type: text/plain\n\n1\n--B--".to_owned()),
        (
            KIND,
            format!("--B\nX: {}\nContent-Disposition: form-data; name=\"a\"\n\n1\n--B--", "x".repeat(3000)),
        ),
        (KIND, format!("{}--B--", "--B\nContent-Disposition: form-data; name=\"a\"\n\n1\n".repeat(65))),
    ] {
        assert_eq!(parse(kind, field(&body).as_bytes()), Err(MultipartError), "{kind} {body}");
    }
    let (head, end) = (field("--B\nContent-Disposition: form-data; name=\"a\"\n\n"), field("--B--"));
    let body = [head.as_bytes(), b"\xff\r\n", end.as_bytes()].concat();
    let parts = parse(KIND, &body).unwrap();
    assert_eq!(parts[0].text(), Err(MultipartError));
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
