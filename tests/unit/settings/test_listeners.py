"""Listeners, addresses and voters as settings write them."""

from __future__ import annotations

import pytest

from ottla.core.model.settings.addresses import HostPort, Voter, bootstrap_server, host_port, voter
from ottla.core.model.settings.kinds import InvalidSetting
from ottla.core.model.settings.listeners import Listener, parse_listeners, protocol_map

DEFAULT = "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT"
PLAIN = {"PLAINTEXT": "PLAINTEXT", "INTERNAL": "PLAINTEXT", "SSL": "SSL"}


def test_listeners_have_a_name_an_interface_and_a_port() -> None:
    found = parse_listeners(("plaintext://:9092", "INTERNAL://[::1]:9094"), PLAIN)
    assert found == [
        Listener("PLAINTEXT", "PLAINTEXT", "", 9092),
        Listener("INTERNAL", "PLAINTEXT", "::1", 9094),
    ]
    assert [str(one) for one in found] == ["PLAINTEXT://:9092", "INTERNAL://[::1]:9094"]


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        (("PLAINTEXT:9092",), "Unable to parse PLAINTEXT:9092 to a broker endpoint"),
        (("PLAINTEXT://:99999",), "Unable to parse PLAINTEXT://:99999 to a broker endpoint"),
        (("FOO://:1",), "No security protocol defined for listener FOO"),
        (("PLAINTEXT://:1", "PLAINTEXT://:2"), "Each listener must have a different name"),
        (("PLAINTEXT://:1", "INTERNAL://:1"), "Each listener must have a different port"),
        (("PLAINTEXT://1.2.3.4:1", "INTERNAL://1.2.3.5:1"), "one needs to be IPv4 and the other IPv6"),
    ],
)
def test_wrong_listeners_are_refused(entries: tuple[str, ...], why: str) -> None:
    with pytest.raises(InvalidSetting, match="Error creating broker listeners from") as raised:
        parse_listeners(entries, PLAIN)
    assert why in str(raised.value)


def test_two_listeners_share_a_port_on_ipv4_and_ipv6() -> None:
    assert len(parse_listeners(("PLAINTEXT://127.0.0.1:1", "INTERNAL://[::1]:1"), PLAIN)) == 2


def test_advertised_listeners_may_share_a_port() -> None:
    assert len(parse_listeners(("PLAINTEXT://a:1", "INTERNAL://b:1"), PLAIN, ports=False)) == 2


def test_a_controller_listener_is_plain_text_when_nobody_says_otherwise() -> None:
    found = protocol_map(DEFAULT, ("CONTROLLER",), ("PLAINTEXT://:1", "CONTROLLER://:2"), given=False)
    assert found["CONTROLLER"] == "PLAINTEXT"
    assert "CONTROLLER" not in protocol_map(DEFAULT, ("CONTROLLER",), ("SSL://:1",), given=False)
    assert "CONTROLLER" not in protocol_map(DEFAULT, ("CONTROLLER",), (), given=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [("A:FOO", "Invalid security protocol `FOO`"), ("PLAINTEXT", "is not NAME:PROTOCOL")],
)
def test_a_wrong_protocol_map_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidSetting, match=why):
        protocol_map(text, (), (), given=True)


def test_voters_and_bootstrap_servers() -> None:
    assert voter("3@[::1]:9093") == Voter(3, "::1", 9093)
    assert bootstrap_server("localhost:9093") == HostPort("localhost", 9093)
    assert str(HostPort("::1", 5)) == "[::1]:5"
    assert host_port("localhost") is None
    assert host_port("localhost:70000") is None


@pytest.mark.parametrize("text", ["localhost:9093", "1@localhost", "x@localhost:9093", "1@a@b:9093", "1@:x"])
def test_wrong_voters_are_refused(text: str) -> None:
    with pytest.raises(InvalidSetting):
        voter(text)
