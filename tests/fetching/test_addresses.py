"""One article has one address, whatever stands around it."""

from __future__ import annotations

import pytest

from memories.fetching import FetchError
from memories.fetching.addresses import canonical, parse


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://Example.COM:80/A/b", "http://example.com/A/b"),
        ("https://example.com:443", "https://example.com/"),
        ("https://example.com:8443/x", "https://example.com:8443/x"),
        ("https://example.com./x", "https://example.com/x"),
        ("https://example.com/x#part", "https://example.com/x"),
        ("https://example.com/#!/x", "https://example.com/#!/x"),
        ("https://example.com/a/../b/./c", "https://example.com/b/c"),
        ("https://example.com/%7euser/%c3%bc", "https://example.com/~user/%C3%BC"),
        ("https://example.com/ü b", "https://example.com/%C3%BC%20b"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://e.com/?utm_source=a&utm_medium=b&id=1&fbclid=x", "https://e.com/?id=1"),
        ("https://e.com/?id=1&gclid=x&b=2&mc_cid=1&_ga=1&igshid=2", "https://e.com/?id=1&b=2"),
        ("https://e.com/?", "https://e.com/"),
        ("https://e.com/?b=2&a=1", "https://e.com/?b=2&a=1"),
        ("  https://e.com/x\n", "https://e.com/x"),
        ("http://[2606:4700:0::1]/", "http://[2606:4700::1]/"),
        ("http://0x8.8.8.8/", "http://8.8.8.8/"),
    ],
)
def test_canonical(url: str, expected: str) -> None:
    assert canonical(url) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(
    "kept", ["source", "ref", "session", "keyword", "id", "cid", "page", "q", "medium", "v", "t", "utm"]
)
def test_parameters_that_may_name_an_article_are_kept(kept: str) -> None:
    assert canonical(f"https://e.com/?{kept}=1") == f"https://e.com/?{kept}=1"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "javascript:alert(1)",
        "http://",
        "http://user:secret@example.com/",
        "http://exa mple.com/",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://[::1/",
        "http://-x.example/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 130 + "example/",
        "http://1.2.3.999/",
        "http://\ud800.example/",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(FetchError) as caught:
        parse(url)
    assert caught.value.code == "bad_address"
    assert "secret" not in str(caught.value)
