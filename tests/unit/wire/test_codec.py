"""The codec on bytes written by hand."""

from __future__ import annotations

import traceback
from typing import Annotated

import pytest
from msgspec import field

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.codec import DecodeError, EncodeError, decode, decode_from, encode, encode_parts, source
from ottla.core.wire.declaration import (
    Body,
    In,
    Inflexible,
    Nullable,
    Records,
    Tag,
    float64,
    int8,
    int16,
    int32,
    int64,
    message,
    uint16,
)
from ottla.core.wire.primitives import MAX_ELEMENTS


class Point(Body):
    x: int8 = 0
    y: int8 = 0


@message("0-3", flexible="2+")
class Sample(Body):
    number: int16 = 0
    name: Annotated[str | None, Nullable("1+")] = ""
    late: Annotated[int32, In("1+")] = -1
    later: Annotated[int32, In("1+", ignorable=True)] = -1
    points: list[Point] = []
    tagged: Annotated[str | None, Tag(0, "2+")] = None
    point: Annotated[Point, Tag(5, "3+")] = field(default_factory=Point)


@message("0-1", flexible="1+")
class Batch(Body):
    first: int32 = 1
    records: Records | None = None
    last: int32 = 2


@message("0-1", flexible="1+")
class Optional(Body):
    point: Point | None = None
    tagged: Annotated[Point | None, Tag(0, "1+")] = None


@message("0-1", flexible="1+")
class Wide(Body):
    ids: list[Uuid] = []
    id: Uuid = ZERO_UUID
    words: list[str] = []
    raw: bytes = b""
    flag: bool = False
    port: uint16 = 0
    big: int64 = 0
    real: float64 = 0.0
    numbers: list[int32] = []
    client: Annotated[str | None, Inflexible] = None


@message("0")
class Small(Body):
    numbers: list[int8] = []


class Slice:
    """A stretch of a file that nobody reads here."""

    def __init__(self, size: int) -> None:
        self.size = size


def test_the_old_form_has_fixed_lengths() -> None:
    sample = Sample(number=258, name="né", points=[Point(1, -1)])
    written = bytes.fromhex("0102 0003 6ec3a9 00000001 01ff")
    assert encode(sample, 0) == written
    assert decode(Sample, written, 0) == sample


def test_the_flexible_form_has_varints_and_tags() -> None:
    sample = Sample(number=1, name=None, late=2, points=[Point(3, 4)], tagged="t", point=Point(5, 6))
    # number, null name, late, later, one point and its tags, then two tagged fields: number, size, value
    written = bytes.fromhex("0001 00 00000002 ffffffff 02 0304 00 02 00 02 0274 05 03 050600")
    assert encode(sample, 3) == written
    assert decode(Sample, written, 3) == sample


def test_a_tagged_field_at_its_default_is_not_written() -> None:
    assert encode(Sample(), 3).endswith(b"\x01\x00")
    assert decode(Sample, encode(Sample(), 3), 3) == Sample()


def test_a_value_without_a_place_is_refused_unless_it_may_be_dropped() -> None:
    with pytest.raises(EncodeError, match="late"):
        encode(Sample(late=5), 0)
    with pytest.raises(EncodeError, match="tagged"):
        encode(Sample(tagged=""), 1)
    with pytest.raises(EncodeError, match="point"):
        encode(Sample(point=Point(1, 1)), 2)
    assert encode(Sample(later=5), 0) == encode(Sample(), 0)


def test_null_is_refused_where_a_version_does_not_allow_it() -> None:
    with pytest.raises(EncodeError):
        encode(Sample(name=None), 0)
    with pytest.raises(DecodeError, match=r"Sample\.name is null"):
        decode(Sample, bytes.fromhex("0001 ffff 00000000"), 0)
    with pytest.raises(DecodeError, match=r"Sample\.points is null"):
        decode(Sample, bytes.fromhex("0001 0000 ffffffff"), 0)
    assert decode(Sample, encode(Sample(name=None), 1), 1).name is None


def test_an_optional_struct_follows_a_byte_that_says_whether_it_is_there() -> None:
    assert encode(Optional(), 0) == b"\xff"
    assert encode(Optional(point=Point(1, 2)), 0) == b"\x01\x01\x02"
    whole = Optional(point=Point(1, 2), tagged=Point(3, 4))
    written = bytes.fromhex("01 0102 00 01 00 04 01 0304 00")
    assert encode(whole, 1) == written
    assert decode(Optional, written, 1) == whole
    assert decode(Optional, bytes.fromhex("ff 01 00 01 00"), 1) == Optional()


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("count", [0, 1, 15, 16, 127, 300])
def test_every_type_comes_back(version: int, count: int) -> None:
    wide = Wide(
        ids=[Uuid(bytes([n % 256] * 16)) for n in range(count)],
        id=Uuid(b"0123456789abcdef"),
        words=["w" * n for n in range(count)],
        raw=bytes(count),
        flag=True,
        port=65535,
        big=-(2**63),
        real=1.5,
        numbers=list(range(-count, 0)),
        client="c" * count,
    )
    assert decode(Wide, encode(wide, version), version) == wide


def test_a_client_id_keeps_its_old_length_in_flexible_versions() -> None:
    assert encode(Wide(client="abc"), 1).endswith(b"\x00\x03abc\x00")


def test_unknown_tagged_fields_are_stepped_over() -> None:
    known = encode(Sample(tagged="t"), 3)
    assert known.endswith(bytes.fromhex("01 00 02 0274"))
    with_more = known[:-5] + bytes.fromhex("04 00 02 0274 07 01 ff 09 00 ac02 03 010203")
    assert decode(Sample, with_more, 3) == Sample(tagged="t")
    assert decode(Batch, encode(Batch(), 1)[:-1] + bytes.fromhex("01 03 02 ffff"), 1) == Batch()


@pytest.mark.parametrize(
    "tags",
    [
        "02 00 02 0261 00 02 0274",  # twice the same: the last one counts
        "02 07 00 00 02 0274",  # descending
        "01 00 03 0274",  # said to be larger than its value
        "01 00 01 0274",  # said to be smaller than its value
        "01 00 7f 0274",  # said to go beyond the end
    ],
)
def test_tagged_fields_are_taken_in_any_order_and_for_what_they_hold(tags: str) -> None:
    """Kafka looks neither at the order of the tags nor at the size of one that it knows."""
    assert decode(Sample, encode(Sample(), 3)[:-1] + bytes.fromhex(tags), 3) == Sample(tagged="t")


@pytest.mark.parametrize(
    "tags",
    [
        "01 07 7f 00",  # unknown, beyond the end
        "01",  # missing
        "ffffffff7f",  # a count beyond 32 bits
        "ffffffffff0f",  # a varint without end
    ],
)
def test_tagged_fields_that_are_not_there_are_refused(tags: str) -> None:
    with pytest.raises(DecodeError):
        decode(Sample, encode(Sample(), 3)[:-1] + bytes.fromhex(tags), 3)


def test_unknown_tags_may_come_twice() -> None:
    assert decode(Batch, encode(Batch(), 1)[:-1] + bytes.fromhex("02 07 00 07 00"), 1) == Batch()


@pytest.mark.parametrize("tags", ["01 07 7f 00", "01 07"])
def test_unknown_tags_are_checked_too(tags: str) -> None:
    with pytest.raises(DecodeError):
        decode(Batch, encode(Batch(), 1)[:-1] + bytes.fromhex(tags), 1)


def test_a_length_of_32_bits_is_null() -> None:
    """It is negative to Kafka, which reads lengths into a signed number."""
    plain = encode(Sample(tagged="t"), 3)
    assert plain.endswith(bytes.fromhex("01 00 02 0274"))
    no_tags = plain[:-5] + bytes.fromhex("ffffffff0f")
    assert decode(Sample, no_tags, 3) == Sample()


def test_records_are_views_and_ride_along_uncopied() -> None:
    payload = bytes(range(200))
    for version in (0, 1):
        parts = encode_parts(Batch(records=payload), version)
        assert len(parts) == 3
        assert parts[1] is payload
        written = encode(Batch(records=payload), version)
        assert b"".join(parts) == written  # type: ignore[arg-type]
        read = decode(Batch, written, version)
        assert isinstance(read.records, memoryview)
        assert read.records.obj is written
        assert read.records == payload


def test_a_slice_is_announced_with_its_size_and_left_alone() -> None:
    stretch = Slice(1 << 20)
    first, middle, last = encode_parts(Batch(records=stretch), 0)
    assert (first, last) == (b"\x00\x00\x00\x01\x00\x10\x00\x00", b"\x00\x00\x00\x02")
    assert middle is stretch
    with pytest.raises(EncodeError):
        encode(Batch(records=stretch), 0)


def test_no_records_and_empty_records_differ() -> None:
    assert encode_parts(Batch(), 0) == [bytes.fromhex("00000001 ffffffff 00000002")]
    assert decode(Batch, encode(Batch(), 0), 0).records is None
    assert decode(Batch, encode(Batch(records=b""), 0), 0).records == b""


def test_lengths_beyond_the_end_are_refused_before_anything_is_allocated() -> None:
    with pytest.raises(DecodeError, match=r"Batch\.records is longer than the 2 bytes left"):
        decode(Batch, bytes.fromhex("00000001 7fffffff 0000"), 0)
    with pytest.raises(DecodeError, match=r"Sample\.points announces 2147483647 elements"):
        decode(Sample, bytes.fromhex("0001 0000 7fffffff 0000"), 0)
    with pytest.raises(DecodeError, match=r"Wide\.ids announces 2147483647"):
        decode(Wide, bytes.fromhex("7fffffff 0000"), 0)
    with pytest.raises(DecodeError, match="ends early"):
        decode(Sample, b"\x00", 0)


def test_more_elements_than_a_message_may_hold_are_refused() -> None:
    many = MAX_ELEMENTS + 1
    with pytest.raises(DecodeError, match=r"Small\.numbers announces"):
        decode(Small, many.to_bytes(4, "big") + bytes(many), 0)
    frame = bytes.fromhex("0001 0000") + many.to_bytes(4, "big") + bytes(2 * many)
    with pytest.raises(DecodeError, match=r"Sample\.points announces"):
        decode(Sample, frame, 0)


def test_a_string_is_utf8_and_ends_where_an_int16_does() -> None:
    assert decode(Sample, bytes.fromhex("0001 0001 ff 00000000"), 0).name == "\ufffd"  # as Java reads it
    longest = Sample(name="x" * 32767)
    for version in (0, 2):
        assert decode(Sample, encode(longest, version), version) == longest
        with pytest.raises(EncodeError):
            encode(Sample(name="x" * 32768), version)
    with pytest.raises(DecodeError, match="32768 bytes is longer than 32767"):
        decode(Sample, bytes.fromhex("0001 818002") + bytes(40_000), 2)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (Sample(number=40_000), r"Sample\.number is 40000"),
        (Sample(number="1"), r"Sample\.number is '1'"),  # type: ignore[arg-type]
        (Sample(points=None), r"Sample\.points is None"),  # type: ignore[arg-type]
        (Sample(points=3), r"Sample\.points is 3, not a list"),  # type: ignore[arg-type]
        (Sample(points=[Point(), None]), r"Sample\.points\[1\] is None, not a Point"),  # type: ignore[list-item]
        (Sample(points=[Point(x=128)]), r"Sample\.points\[0\]\.x is 128"),
        (Sample(name=b"bytes"), r"Sample\.name is b'bytes', not a str"),  # type: ignore[arg-type]
        (Sample(name="\ud800"), r"Sample\.name is no string"),
        (Wide(id=Uuid(b"short")), r"Wide\.id must have 16 bytes"),
        (Wide(ids=[Uuid(b"short")]), r"Wide\.ids must have 16 bytes"),
        (Wide(numbers=[1, 2**31]), r"Wide\.numbers\[1\] is 2147483648"),
        (Wide(port=-1), r"Wide\.port is -1"),
        (Wide(raw="text"), r"Wide\.raw is 'text', not bytes"),  # type: ignore[arg-type]
        (Batch(records="text"), r"Batch\.records is 'text', not bytes"),  # type: ignore[arg-type]
    ],
)
def test_a_value_that_does_not_fit_is_named(wrong: Body, why: str) -> None:
    for write in (encode, encode_parts):
        with pytest.raises(EncodeError, match=why):
            write(wrong, 0)


def test_what_follows_a_message_is_an_error_or_the_callers() -> None:
    written = b"skip" + encode(Sample(number=3), 0) + b"rest"
    with pytest.raises(DecodeError, match="4 bytes too many"):
        decode(Sample, written, 0, 4)
    assert decode_from(Sample, written, 0, 4) == (Sample(number=3), len(written) - 4)


def test_a_version_that_is_not_declared_is_refused() -> None:
    with pytest.raises(EncodeError, match="has no version 4, only 0-3"):
        encode(Sample(), 4)
    with pytest.raises(DecodeError, match="has no version -1, only 0-3"):
        decode(Sample, b"", -1)


def test_what_was_emitted_can_be_read() -> None:
    text = source(Sample, 3)
    assert "def encode_Sample_v3(" in text
    assert "def decode_Sample_v3(" in text
    try:
        decode(Sample, b"", 3)
    except DecodeError as error:
        cause = error.__cause__ or error.__context__  # compiled, `raise from` names no cause
        assert cause is not None
        assert "unpack" in "".join(traceback.format_tb(cause.__traceback__))
