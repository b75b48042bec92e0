"""What `ottla topic analyze` makes of batches."""

from __future__ import annotations

import pytest

from ottla.cli.topic.analysis import Analysis, Seen, Sizes, row_of
from ottla.cli.topic.distinct import EXACT_MAX, Distinct
from ottla.client.fetched import Fetched, visible_batches
from ottla.core.records.build import build
from ottla.core.records.compression import Codec
from ottla.core.records.record import Record

START = 1_700_000_000_000


def fetched(partition: int, records: list[Record], codec: Codec = Codec.NONE, first: int = 0) -> Fetched:
    data = memoryview(build(records, codec=codec))
    batches, following = visible_batches(data, first, None, check_crcs=True)
    return Fetched("orders", partition, batches, following, following, following, 0, first_offset=first)


def test_a_topic_is_summed_up() -> None:
    analysis = Analysis()
    for number in range(3):
        analysis.partitions[number] = Seen()
    records = [
        Record(0, START, b"ann", b"x" * 97, [("h", b"1")]),
        Record(1, START + 2_000, b"bob", None),
        Record(2, START + 1_000, None, b"y" * 500),
    ]
    analysis.add(fetched(0, records), 3)
    analysis.add(fetched(1, [Record(0, START + 4_000, b"ann", b"z" * 1_000)], Codec.GZIP), 1)
    row = row_of("orders", analysis)
    assert (row["records"], row["batches"], row["bytes_of_records"]) == (4, 2, 100 + 3 + 500 + 1_003)
    assert (row["without_key"], row["distinct_keys"], row["tombstones"], row["with_headers"]) == (1, 2, 1, 1)
    assert row["compression"] == {"gzip": 1, "none": 1}
    assert row["compression_ratio"] > 1.5
    assert (row["seconds_spanned"], row["records_a_second"]) == (4.0, 1.0)
    assert row["oldest"] == "2023-11-14T22:13:20.000+00:00"
    assert row["skew"] == round(3 / (4 / 3), 2)
    assert row["largest_records"][:2] == [
        {"partition": 1, "offset": 0, "bytes": 1_003},
        {"partition": 0, "offset": 2, "bytes": 500},
    ]
    assert [(each["records"], each["largest_at_offset"]) for each in row["by_partition"]] == [
        (3, 2),
        (1, 0),
        (0, None),
    ]


def test_only_what_was_asked_for_is_counted() -> None:
    analysis = Analysis()
    records = [Record(number, START, b"k%d" % number, b"v") for number in range(10)]
    analysis.add(fetched(0, records, Codec.ZSTD, first=4), 7)
    row = row_of("orders", analysis)
    assert (row["records"], row["distinct_keys"]) == (3, 3)
    assert [each["offset"] for each in row["largest_records"]] == [4, 5, 6]


def test_nothing_is_no_division_by_nothing() -> None:
    analysis = Analysis()
    analysis.partitions[0] = Seen()
    row = row_of("orders", analysis)
    assert (row["records"], row["skew"], row["median_record"], row["oldest"]) == (0, None, None, None)


def test_a_time_that_no_calendar_has_is_shown_as_its_number() -> None:
    analysis = Analysis()
    analysis.add(fetched(0, [Record(0, 2**62, None, b"v")]), 1)
    assert row_of("orders", analysis)["youngest"] == str(2**62)


def test_percentiles_are_true_to_within_an_eighth() -> None:
    sizes = Sizes()
    for size in range(10_001):
        sizes.add(size)
    for percent in (1, 50, 99, 100):
        exact = percent * 100
        found = sizes.percentile(percent)
        assert found is not None
        assert exact <= found <= exact * 9 / 8 + 1


@pytest.mark.parametrize("many", [1, 1_000, EXACT_MAX])
def test_few_things_are_counted_exactly(many: int) -> None:
    distinct = Distinct()
    for _ in range(2):
        for number in range(many):
            distinct.add(b"%d" % number)
    assert (distinct.count, distinct.is_exact) == (many, True)


@pytest.mark.parametrize("many", [EXACT_MAX + 1, 40_000, 120_000])
def test_many_things_are_estimated(many: int) -> None:
    distinct = Distinct()
    for number in range(many):
        distinct.add(b"%d" % number)
    assert not distinct.is_exact
    assert abs(distinct.count - many) < many * 0.025
