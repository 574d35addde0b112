"""Where a person may be sent after logging in."""

import pytest

from web.shop.paths import own_path


@pytest.mark.parametrize("path", ["/", "/orders", "/sales/1?x=1&y=2", "/a/b#c", "/sales/é"])
def test_a_path_of_our_own_is_taken_as_it_is(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "orders",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "\n//evil.example",
        " //evil.example",
        "/" + "a" * 600,
        "//[evil",
    ],
)
def test_anything_else_leads_home(path: str | None) -> None:
    assert own_path(path) == "/"
