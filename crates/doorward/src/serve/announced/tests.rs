use super::*;

const LIMIT: Duration = Duration::from_millis(200);

/// Version 2 with this command, family and rest.
fn two(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, family], &length, rest].concat()
}

async fn read(sent: &[u8], proxy: &str) -> Result<(String, Vec<u8>), Unsound> {
    let mut stream = sent;
    let client = client(&mut stream, proxy.parse().unwrap(), LIMIT).await?;
    Ok((client.to_string(), stream.to_vec()))
}

#[tokio::test]
async fn a_proxy_says_whose_connection_it_is() {
    let four = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0, 80];
    let six: [u8; 36] = std::array::from_fn(|place| match place {
        0 => 0x20,
        1 => 1,
        15 | 31 => 7,
        _ => 0,
    });
    let mapped: [u8; 36] = std::array::from_fn(|place| match place {
        10 | 11 => 0xff,
        12..16 => 9,
        _ => 0,
    });
    let more = [4, 0, 3, 1, 2, 3, 5, 0, 0];
    for (sent, expect) in [
        (b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\r\n".to_vec(), "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 ::1 0 65535\r\n".to_vec(), "2001:db8::7"),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n".to_vec(), "192.0.2.7"),
        (b"PROXY TCP6 ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n".to_vec(), "malformed"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "0.0.0.0"),
        (b"PROXY UNKNOWN whatever it says\r\n".to_vec(), "0.0.0.0"),
        (two(0x21, 0x11, &four), "192.0.2.7"),
        (two(0x21, 0x11, &[&four[..], &more].concat()), "192.0.2.7"),
        (two(0x21, 0x21, &six), "2001::7"),
        (two(0x21, 0x21, &mapped), "9.9.9.9"),
        (two(0x21, 0x31, &[0; 216]), "0.0.0.0"),
        (two(0x21, 0x00, &[]), "0.0.0.0"),
        (two(0x20, 0x00, &[]), "0.0.0.0"),
        (two(0x20, 0x11, &four), "0.0.0.0"),
    ] {
        let request = [&sent[..], b"GET / HTTP/1.1\r\n"].concat();
        let read = read(&request, "10.0.0.1").await;
        let shown = String::from_utf8_lossy(&sent);
        match expect {
            "malformed" => assert_eq!(read, Err(Unsound::Malformed), "{shown:?}"),
            _ => assert_eq!(read, Ok((expect.to_owned(), b"GET / HTTP/1.1\r\n".to_vec())), "{shown:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_no_header_is_refused() {
    let four = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0, 80];
    for sent in [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 10.0.0.1 12345\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 80 1\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7  10.0.0.1 12345 80\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 10.0.0.1 012345 80\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 10.0.0.1 +1 80\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1 65536\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.777 10.0.0.1 1 2\r\n".to_vec(),
        b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n".to_vec(),
        b"PROXY TCP6 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
        b"PROXY UDP4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
        b"PROXY UNKNOWNS 1 2 3 4\r\n".to_vec(),
        b"proxy tcp4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
        [&b"PROXY UNKNOWN "[..], &[b'x'; 200], b"\r\n"].concat(),
        two(0x22, 0x11, &four),
        two(0x11, 0x11, &four),
        two(0x21, 0x12, &four),
        two(0x21, 0x41, &four),
        two(0x21, 0x11, &four[..11]),
        two(0x21, 0x21, &four),
        two(0x21, 0x31, &four),
        two(0x21, 0x11, &[&four[..], &[4, 0, 9, 1]].concat()),
        two(0x21, 0x11, &[&four[..], &[4]].concat()),
        two(0x21, 0x11, &[0; 5000]),
    ] {
        let read = read(&sent, "10.0.0.1").await;
        assert_eq!(read, Err(Unsound::Malformed), "{:?}", String::from_utf8_lossy(&sent));
    }
    for sent in [&b""[..], b"PROXY TCP4 1", b"PROXY TCP4 192.0.2.7 10.0", &two(0x21, 0x11, &four)[..20]] {
        assert_eq!(read(sent, "10.0.0.1").await, Err(Unsound::Missing), "{sent:?}");
    }
}

#[tokio::test]
async fn this_machine_is_named_by_itself_alone() {
    let sent = b"PROXY TCP4 127.0.0.1 10.0.0.1 1 2\r\n";
    for (proxy, expect) in [("10.0.0.1", "0.0.0.0"), ("127.0.0.1", "127.0.0.1"), ("::1", "127.0.0.1")] {
        assert_eq!(read(sent, proxy).await.unwrap().0, expect, "{proxy}");
    }
}

#[tokio::test]
async fn a_header_that_never_ends_is_not_waited_for() {
    let (mut ours, _theirs) = tokio::io::duplex(64);
    let waited = client(&mut ours, IpAddr::from([10, 0, 0, 1]), LIMIT).await;
    assert_eq!(waited, Err(Unsound::Missing));
}

#[test]
fn no_header_breaks_the_reader() {
    let four = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0, 80, 4, 0, 1, 7];
    let corpus: &[&[u8]] = &[b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\r\n", &two(0x21, 0x11, &four)];
    doorward_fuzz::fuzz("PROXY protocol", corpus, |input| {
        let mut stream = input;
        let read = futures_util::FutureExt::now_or_never(header(&mut stream));
        read.is_some_and(|read| read.is_ok_and(|client| client != UNKNOWN))
    });
}
