"""Text to value and back, by Java's rules."""

from __future__ import annotations

import pytest

from ottla.core.model.settings.kinds import (
    DOUBLE_MAX,
    InvalidSetting,
    Kind,
    Password,
    java_double,
    parse,
    shown,
    text_of,
)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.INT, " 5 ", 5),
        (Kind.INT, "+5", 5),
        (Kind.INT, "-2147483648", -(2**31)),
        (Kind.LONG, "9223372036854775807", 2**63 - 1),
        (Kind.SHORT, "007", 7),
        (Kind.BOOLEAN, "TRUE", True),
        (Kind.BOOLEAN, " false", False),
        (Kind.DOUBLE, "0.5", 0.5),
        (Kind.DOUBLE, "1e7", 1e7),
        (Kind.DOUBLE, ".5f", 0.5),
        (Kind.DOUBLE, "-Infinity", float("-inf")),
        (Kind.LIST, "a , b,c", ("a", "b", "c")),
        (Kind.LIST, "  ", ()),
        (Kind.LIST, "a,,b", ("a", "", "b")),
        (Kind.STRING, " x ", "x"),
        (Kind.PASSWORD, " x", Password("x")),
    ],
)
def test_a_text_becomes_a_value(kind: Kind, text: str, value: object) -> None:
    assert parse("name", kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        (Kind.INT, "2147483648", "Not a number of type INT"),
        (Kind.INT, "1_000", "Not a number of type INT"),
        (Kind.INT, "٣", "Not a number of type INT"),
        (Kind.INT, "1.0", "Not a number of type INT"),
        (Kind.LONG, "9" * 5000, "Not a number of type LONG"),
        (Kind.SHORT, "32768", "Not a number of type SHORT"),
        (Kind.DOUBLE, "1,5", "Not a number of type DOUBLE"),
        (Kind.DOUBLE, "1_0.5", "Not a number of type DOUBLE"),
        (Kind.BOOLEAN, "yes", "Expected value to be either true or false"),
    ],
)
def test_a_wrong_text_is_refused_with_its_name(kind: Kind, text: str, why: str) -> None:
    with pytest.raises(InvalidSetting) as raised:
        parse("some.name", kind, text)
    assert str(raised.value) == f"Invalid value {text} for configuration some.name: {why}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (0.5, "0.5"),
        (1.0, "1.0"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (DOUBLE_MAX, "1.7976931348623157E308"),
        (-1e10, "-1.0E10"),
        (1e22, "1.0E22"),
        (float("inf"), "Infinity"),
        (float("nan"), "NaN"),
    ],
)
def test_doubles_print_as_java_prints_them(value: float, text: str) -> None:
    assert java_double(value) == text


def test_values_become_texts_again() -> None:
    assert text_of(("a", "b")) == "a,b"
    assert text_of(True) == "true"
    assert text_of(None) is None
    assert shown(("a", "b")) == "[a, b]"


def test_a_password_does_not_print_itself() -> None:
    secret = Password("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {shown(secret)}"
    assert text_of(secret) == "hunter2"
