"""The operator's settings become the rules of a fetch."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from memories import fetching_rules


def test_without_settings_nothing_is_private_but_refused() -> None:
    rules = fetching_rules.rules()
    assert rules.ports == {80, 443}
    assert rules.allowed_private_hosts == frozenset()


def test_hosts_are_compared_in_one_form(settings: Settings) -> None:
    settings.MEMSTACK_PRIVATE_HOSTS = ["Wiki.Home.", " 10.0.0.5:8080", "[FD00::1]:81", "fileserver:80", ""]
    settings.MEMSTACK_FETCH_PORTS = ["80", " 8080 "]
    rules = fetching_rules.rules()
    assert rules.allowed_private_hosts == {"wiki.home", "10.0.0.5:8080", "[fd00::1]:81", "fileserver"}
    assert rules.ports == {80, 8080}


@pytest.mark.parametrize("wrong", ["wiki.home/x", "http://wiki.home", "*.home", "10.0.0.0/8", "a b", "user@wiki.home"])
def test_what_is_no_host(settings: Settings, wrong: str) -> None:
    settings.MEMSTACK_PRIVATE_HOSTS = [wrong]
    with pytest.raises(fetching_rules.BadRule):
        fetching_rules.rules()
