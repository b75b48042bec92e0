"""Clients side by side: which columns and rows there are, and what counts as reached."""

from __future__ import annotations

from itertools import pairwise

from benchmarks.clients.laps import Asked
from benchmarks.compared import Rival, Row, client_tables, reached
from benchmarks.figures import Figure
from benchmarks.results import Results, as_markdown, as_text, ratio_cell

OTHERS = {"aiokafka": "aiokafka", "confluent": "confluent-kafka"}
ROWS = (
    Row("produce_100", "produce", "records/s", 3, (Rival("aiokafka"),)),
    Row("columns_100", "columns", "records/s", 5, (Rival("confluent", "batches_100"),)),
    Row("import", "import", "ms"),
)


def results() -> Results:
    titles = {"ottla": "Ottla", "compiled": "Ottla, compiled", "apache": "Apache Kafka"}
    found = Results(titles, {})
    found.add(
        "compiled", {"produce_100:ottla": 100, "produce_100:ottla-compiled": 400, "produce_100:aiokafka": 100}
    )
    found.add("compiled", {"columns_100:ottla-compiled": 450, "batches_100:confluent": 100})
    found.add("apache", {"produce_100:ottla": 90, "produce_100:aiokafka": 10})
    return found


def test_a_table_for_each_node_and_a_column_for_each_client() -> None:
    shown = client_tables(results(), ROWS, OTHERS, "Clients")
    assert list(shown) == ["Clients on Ottla, compiled", "Clients on Apache Kafka"]
    head, produce, columns = shown["Clients on Ottla, compiled"]
    titles = ["ottla.client", "ottla.client, compiled", "aiokafka", "confluent-kafka"]
    assert head == ["", "unit", *titles, "goal", "reached"]
    assert produce == ["produce", "records/s", "100", "400", "100", "–", "≥ 3× aiokafka", "4.00× met"]
    assert columns[-2:] == ["≥ 5× confluent-kafka", "4.50× open"], (
        "the compiled build, by another row of the rival"
    )
    assert shown["Clients on Apache Kafka"][1][-1] == "9.00× met", (
        "plain Python, where nothing else was measured"
    )


def test_tables_of_different_widths_are_shown_together() -> None:
    shown = {"Wide": [["", "unit", "a", "b", "goal", "floor"], ["x", "s", "1", "2", "", ""]]}
    shown |= client_tables(results(), ROWS, OTHERS, "Clients")
    lines = as_text(shown).splitlines()
    assert len([line for line in lines if line]) == 2 + 3 + 2
    assert as_markdown(shown).count("###") == 3


def test_the_best_rival_counts() -> None:
    assert reached(3, 300.0, [50.0, 100.0]) == "3.00× met"
    assert reached(3, None, [50.0]) == reached(3, 300.0, []) == reached(None, 300.0, [50.0]) == ""


def test_a_limit_is_held_against_our_own_figure() -> None:
    figure = Figure("ready", "ready", "ms", less=True, limit=200)
    assert figure.shown_goal() == "≤ 200 ms"
    assert [ratio_cell(figure, ours, None) for ours in (199.0, 201.0)] == ["met", "open"]


def test_laps_that_warm_up_do_not_count() -> None:
    asked = Asked("", "", 100, records=5_000, warm=1_000, seconds=0.0, laps=3)
    counts = list(asked.rounds())
    assert counts == [1_000] * 5, "as short as asked for, never less than a call's worth"
    assert [count for count, _, _ in asked.measured] == [1_000] * 3
    assert asked.total == 5_000
    assert all(one == two for one, two in pairwise(asked.values))
