"""Any key and value survive being written as Java writes a properties file; no text breaks the reader."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.broker.config.properties import parse_properties
from ottla.core.model.settings.kinds import InvalidSetting

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


def written(text: str) -> str:
    """As `java.util.Properties.store` escapes, with everything beyond ASCII as code units of UTF-16."""
    units = memoryview(text.encode("utf-16-le")).cast("H")
    return "".join(
        chr(unit) if chr(unit).isascii() and chr(unit).isalnum() else f"\\u{unit:04x}" for unit in units
    )


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(TEXTS, TEXTS, max_size=5), st.sampled_from(["=", ":", " = ", " : ", "\t=\\\n   "]))
def test_what_java_writes_is_read(pairs: dict[str, str], divider: str) -> None:
    text = "".join(f"{written(key)}{divider}{written(value)}\n" for key, value in pairs.items())
    assert parse_properties(text) == pairs


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab=: \t\\u#!\n\r0f"), max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        found = parse_properties(text)
    except InvalidSetting as error:
        assert str(error).startswith("line ")
    else:
        assert all("\n" not in key or "\\n" in text for key in found)
