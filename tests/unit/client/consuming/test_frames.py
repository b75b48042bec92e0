"""Columns as Arrow, pandas and Polars have them."""

from __future__ import annotations

from typing import Any

import pytest

from ottla.client.consuming.consumer import Consumer
from ottla.client.consuming.frames import NotInstalled
from ottla.client.consuming.handing import Batch
from ottla.core.records.build import build
from ottla.core.records.record import Record
from tests.unit.client.leader import Leader
from tests.unit.client.scripted import ScriptedWorld

WALL = 1_700_000_000_000
ROWS = [
    (b"k%d" % number if number % 3 else None, b"v" * number if number % 7 else None) for number in range(20)
]


def one_batch(**settings: Any) -> Batch:
    """What a consumer hands out of ROWS, from offset 2 on."""
    data = build([Record(slot, WALL + slot, key, value) for slot, (key, value) in enumerate(ROWS)])
    leader = Leader(ScriptedWorld(), [[data]])
    found: list[Batch] = []

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 2})
        async for batch in consumer.batches():
            found.append(batch)
            break

    leader.run(scenario, **settings)
    return found[0]


def test_arrow() -> None:
    pa = pytest.importorskip("pyarrow")
    table = one_batch().to_arrow()
    table.validate(full=True)
    assert table.schema.names == ["offset", "timestamp", "key", "value"]
    assert table.schema.types == [pa.int64(), pa.timestamp("ms", tz="UTC"), pa.binary(), pa.binary()]
    assert table.column("offset").to_pylist() == list(range(2, 20))
    assert table.column("timestamp").cast(pa.int64()).to_pylist() == [WALL + slot for slot in range(2, 20)]
    assert table.column("key").to_pylist() == [key for key, _ in ROWS[2:]]
    assert table.column("value").to_pylist() == [value for _, value in ROWS[2:]]


def test_what_a_deserializer_made_is_handed_over_as_it_is() -> None:
    pa = pytest.importorskip("pyarrow")
    table = one_batch(value_deserializer=len).to_arrow()
    assert table.schema.field("value").type == pa.int64()
    assert table.column("value").to_pylist() == [
        None if value is None else len(value) for _, value in ROWS[2:]
    ]


def test_pandas() -> None:
    pytest.importorskip("pandas")
    frame = one_batch().to_pandas()
    assert list(frame["offset"]) == list(range(2, 20))
    assert frame["timestamp"].iloc[0].timestamp() * 1000 == WALL + 2
    assert frame["value"].iloc[1] == b"vvv"
    assert frame["key"].isna().sum() == sum(key is None for key, _ in ROWS[2:])


def test_polars() -> None:
    pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    frame = one_batch().to_polars()
    assert frame["offset"].to_list() == list(range(2, 20))
    assert frame["value"].to_list() == [value for _, value in ROWS[2:]]


@pytest.mark.parametrize(
    ("call", "name"), [("to_arrow", "pyarrow"), ("to_pandas", "pandas"), ("to_polars", "polars")]
)
def test_a_library_that_is_missing_is_named(call: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(wanted: str) -> Any:
        raise ImportError(wanted)

    monkeypatch.setattr("ottla.client.consuming.frames.import_module", missing)
    with pytest.raises(NotInstalled) as raised:
        getattr(one_batch(), call)()
    assert raised.value.hint == f"pip install {name}"
