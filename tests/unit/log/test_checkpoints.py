"""The small text files."""

from __future__ import annotations

import pytest

from ottla.core.log.checkpoints import (
    MetaProperties,
    format_clean_shutdown,
    format_meta_properties,
    format_offsets,
    format_partition_metadata,
    parse_clean_shutdown,
    parse_epochs,
    parse_meta_properties,
    parse_offsets,
    parse_partition_metadata,
)
from ottla.core.model.ids import uuid_parse

ID = uuid_parse("UB07kmAcQi-Q0G-st0Sumw")


def test_offsets() -> None:
    offsets = {("orders", 0): 12, ("a.b-c", 7): 2**62}
    assert format_offsets(offsets) == f"0\n2\norders 0 12\na.b-c 7 {2**62}\n"
    assert parse_offsets(format_offsets(offsets)) == offsets
    assert parse_offsets("") == {}, "Kafka's cleaner leaves an empty file until it has something to say"


@pytest.mark.parametrize("text", ["1\n0\n", "0\nx\n", "0\n2\na 0 1\n", "0\n1\na 0\n", "0\n1\na x 1\n", "0\n"])
def test_damaged_checkpoints_are_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"checkpoint|literal"):
        parse_offsets(text)
    with pytest.raises(ValueError, match=r"checkpoint|literal"):
        parse_epochs(text.replace("a 0 1", "1"))


def test_partition_metadata_is_byte_for_byte_kafkas() -> None:
    text = "version: 0\ntopic_id: UB07kmAcQi-Q0G-st0Sumw"
    assert format_partition_metadata(ID) == text
    assert parse_partition_metadata(text) == ID
    for broken in (
        "",
        "version: 1\ntopic_id: UB07kmAcQi-Q0G-st0Sumw",
        "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA",
    ):
        with pytest.raises(ValueError, match=r"partition\.metadata"):
            parse_partition_metadata(broken)


def test_clean_shutdown() -> None:
    assert format_clean_shutdown(12) == '{"version":0,"brokerEpoch":12}'
    assert parse_clean_shutdown('{"version":0,"brokerEpoch":12}') == 12
    assert parse_clean_shutdown("") == -1
    with pytest.raises(ValueError, match="clean shutdown"):
        parse_clean_shutdown("{")


def test_meta_properties() -> None:
    kafkas = "#\n#Sun Nov 22 22:28:41 UTC 2026\nnode.id=1\ndirectory.id=UB07kmAcQi-Q0G-st0Sumw\nversion=1\ncluster.id=abc\n"
    properties = MetaProperties(1, "abc", 1, ID)
    assert parse_meta_properties(kafkas) == properties
    assert parse_meta_properties(format_meta_properties(properties)) == properties
    assert parse_meta_properties("version=0\nbroker.id=3\n") == MetaProperties(0, None, 3, None)
    for broken in ("version=2\n", "version=1\nnode.id=x\n", "version=1\ndirectory.id=short\n"):
        with pytest.raises(ValueError, match=r"meta\.properties"):
            parse_meta_properties(broken)
