"""What is sent where a client would send something sensible: by the place that it is sent in."""

from typing import Any, Final

DEEP: Final = b"W1tbW1tb" * 500  # a token whose header is lists in lists
LANGUAGES: Final = (
    *(b"sm", b"fj", b"xx", b"x-default", b"en-XX", b"i-klingon", b"und", b"*", b"en--US", b"-", b"en_GB"),
    *(b"de;q=x", b"de;q=nan", b"de;q=1e999", b"de;q=-1", b"\xff\xfe", b"zh-Hant-TW-u-ca-chinese", b"en-u-x"),
    *(b"de-1901-CH", b"a" * 8_000, b",".join(b"l%d" % number for number in range(900)), b";", b"de;de;q=;"),
)
HOSTS: Final = (
    *(b"", b"a b", b"..", b"a..b", b"[", b"[::1", b"[::1]:x", b"[zz]", b":", b":80", b"x:99999999", b"x:-1"),
    *(b"x" * 300, b"\xff\xfe", b"xn--\xff", b"xn--a", b"http://x/y", b"%00", b"a,b", b"a@b", b"a\tb", b"-"),
    *(b"x:" + b"9" * 5_000, b"\xc3\xa9.example", b"evil.example/admin", b"?", b"#", b"'\"<>"),
)
CREDENTIALS: Final = (
    *(b"Basic YTpi", b"Basic", b"Bearer", b"Bearer ", b"Bearer x", b"Bearer ..", b"bearer \xe2\x80\xa6"),
    *(b"\xff", b"Digest a=b", b"", b"Bearer " + b"a" * 8_000, b"Bearer " + b"." * 4_000, b"Bearer a b c"),
    *(b"Bearer " + DEEP + b".e30.x", b"Bearer e30.e30.e30", b"Bearer bnVsbA.bnVsbA.", b"Bearer W10.W10.W10"),
    *(b"Bearer eyJhbGciOiJub25lIn0.e30.", b"Negotiate \x80\x80", b"Bearer %00.%00.%00"),
)
LENGTHS: Final = (
    *(b"-1", b"+5", b"5, 5", b"0x10", b"1_0", b" ", b"", b"\xb2", b"\xd9\xa3", b"1.5", b"1e3", b"9" * 4_000),
    *(b"9" * 5_000, b"18446744073709551616", b"00000000000000000002", b"99999", b"3"),
)
CODINGS: Final = (
    *(
        b"chunked",
        b"Chunked ",
        b"chunked, chunked",
        b"gzip, chunked",
        b"identity",
        b"xchunked",
        b"chunked;q=1",
    ),
    *(b"\xff", b"", b"chunked, identity", b"gzip", b"\x0bchunked"),
)
CHUNKS: Final = (
    *(
        b"-1\r\n\r\n",
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\r\n",
        b"2\r\n{}0\r\n\r\n",
        b"f" * 40 + b"\r\n{}\r\n",
    ),
    *(
        b"2;a\rb\r\n{}\r\n0\r\n\r\n",
        b"2\n{}\n0\n\n",
        b"0\r\nHost: x\r\n\r\n",
        b"0\r\nX\r\n\r\n",
        b"",
        b"\r\n",
    ),
    *(b"2\r\n{}\r\n0\r\n\r\n", b"9" * 5_000, b" 2 \r\n{}\r\n0\r\n\r\n", b"0\r\nA: \x00\r\n\r\n"),
)
DATES: Final = (
    *(b"Thu, 01 Jan 99999999999 00:00:00 GMT", b"Thu, 99 Foo 2026 99:99:99 GMT", b"0", b"-1", b"\xff", b""),
    *(
        b"Thu, 01 Jan 0000 00:00:00 GMT",
        b"Fri, 31 Dec 9999 23:59:59 -9999",
        b"Thu, 01 Jan 2026 00:00:00 +999999",
    ),
)
TAGS: Final = (b"*", b'"', b'W/"x"', b"W/", b'"a","b', b"\xff", b'"' + b"x" * 7_000, b",,,", b"")
RANGES: Final = (
    *(b"bytes=0-0", b"bytes=-1", b"bytes=5-1", b"bytes=0-" + b"9" * 5_000, b"bytes=" + b"0-1," * 1_500),
    *(
        b"bytes=",
        b"bytes",
        b"x=0-1",
        b"bytes=a-b",
        b"bytes=--1",
        b"bytes=\xb2-",
        b"",
        b"bytes=99999999999999999999-",
    ),
)
COOKIES: Final = (
    *(
        b"fs_access=\xff",
        b"fs_access=" + b"x" * 7_000,
        b'fs_access="',
        b"fs_access=" + DEEP + b".e30.x",
        b"=",
    ),
    *(
        b"fs_language=../../etc",
        b"fs_language=\xff",
        b"fs_access; fs_access; =;;",
        b"\x80=\x80",
        b"a=b;" * 1_500,
    ),
    *(
        b"fs_access=eyJhbGciOiJub25lIn0.e30.; fs_csrf=x",
        b"fs_refresh=x; fs_refresh_csrf=y",
        b'a="\\777"; b="\\',
    ),
)
KINDS: Final = (
    *(
        b"application/json",
        b"application/json; charset=\xff",
        b"application/json; charset=utf-7",
        b"text/plain",
    ),
    *(
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b"multipart/form-data; boundary=" + b"x" * 300,
    ),
    *(b"application/x-www-form-urlencoded; charset=nowhere", b"\xff/\xff", b";", b"a/b/c", b"*/*"),
)
BODIES: Final = (
    *(b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"[" * 3_000, b'{"a":' * 2_000, b'{"\\ud800":1}', b"\x00"),
    *(b'{"quantity":' + b"9" * 400 + b"}", b"language=de&next=%ff%00//", b"--x\r\n\r\n", b"a=%zz&" * 300),
    *(b"next=//evil.example&language=de", b"next=/%E2%80%A6%0d%0aX:y", b"{}", b"", b"email=a%00b"),
)
WORDS: Final = (
    *(b"%00", b"%ff", b"%ed%a0%80", b"%C0%80", b"%", b"%zz", b"9" * 400, b"-1", b"0", b"null", b"%E2%80%A6"),
    *(
        b"x" * 300,
        b"..%2f..%2f",
        b"'%22%3C",
        b"%0d%0aX:%20y",
        b"%F0%9F%92%A5",
        b"[]",
        b"{}",
        b"1e999",
        b"NaN",
    ),
    *(b"", b"WzFd", b"W251bGxd", b"%2e%2e", b"00000000-0000-0000-0000-000000000000", b"9999-99-99T99:99:99Z"),
    *(b"Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ", b"//", b"..", b"%5c", b"a%00b%40example.com", b"%E0%B8%81" * 60),
)
PARAMETERS: Final = (
    *(
        b"limit",
        b"cursor",
        b"sale_id",
        b"status",
        b"kind",
        b"state",
        b"next",
        b"email",
        b"q",
        b"search",
        b"user_id",
    ),
    *(b"from", b"until", b"action", b"who", b"admin_id", b"ids", b"sale", b"order", b"page", b"%ff", b""),
)
MONEY: Final = {"amount_minor": 500, "currency": "USD"}
SENSIBLE: Final[dict[str, Any]] = {  # what a field is, where it is not what is odd
    "email": "oracle@example.com",
    "password": "long enough, and no word",
    "name": "Thing",
    "image_url": "/x",
    "allocation": 5,
    "quantity": 1,
    "units": 1,
    "per_shopper_limit": 1,
    "hold_seconds": 60,
    "method": "card",
    "price": MONEY,
    "list_price": MONEY,
    "opens_at": "2026-01-01T00:00:00Z",
    "closes_at": "2099-01-01T00:00:00Z",
}
VALUES: Final[tuple[Any, ...]] = (
    *(
        None,
        True,
        0,
        -1,
        2**31,
        2**63,
        2**64,
        10**30,
        1.5,
        1e308,
        "",
        " ",
        "\x00",
        "a\x00b",
        "x" * 5_000,
        "é" * 300,
    ),
    *(
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
    ),
    *(
        "2199-12-31T23:59:59.999999999Z",
        "https://[::1",
        "https://x:99999999/",
        "https://x/" + "a" * 3_000,
        "//x",
    ),
    *(
        "a@b..c",
        "a@" + "b" * 250 + ".com",
        "a@\xfc.example",
        '"a b"@x.example',
        "\U0001f4a5",
        "\u202e",
        "1e5",
        "+1",
    ),
    *([], [1], [[]], {}, {"a": 1}, {"amount_minor": 10**12, "currency": "JPY"}, {**MONEY, "currency": "ZZZ"}),
    *(
        {"order": "draw", "rate_per_second": 10**9, "max_open_holds": 0},
        {"order": "x"},
        "%",
        "'",
        "\\",
        "\u0663",
    ),
)
METHODS: Final = (
    b"GET",
    b"HEAD",
    b"OPTIONS",
    b"TRACE",
    b"PUT",
    b"POST",
    b"PATCH",
    b"DELETE",
    b"PROPFIND",
    b"FOO",
)
BROKEN_LINES: Final = (  # what is no request at all
    *(
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
    ),
    *(
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET * HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"X" * 300 + b" / HTTP/1.1\r\n\r\n",
    ),
    *(
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA B: c\r\n\r\n",
    ),
    *(
        b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\n:\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
    ),
    *(
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 300 + b"\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"b" * 9_000 + b"\r\n\r\n",
    ),
    *(
        b"CONNECT x:80 HTTP/1.1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"GET x HTTP/1.1\r\n\r\n",
    ),
    *(
        b"GET http://evil.example HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET //admin HTTP/1.1\r\n\r\n",
    ),
)
