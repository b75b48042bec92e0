"""The tables of a comparison, from values that were never measured."""

from __future__ import annotations

from pathlib import Path

from benchmarks.__main__ import PAGE, page_with
from benchmarks.cases import CASES
from benchmarks.cases import THEMES as ALL_THEMES
from benchmarks.figures import Figure, Values
from benchmarks.results import Failure, Results, as_markdown, as_text, tables
from benchmarks.stage import Case, Stage


def never(stage: Stage) -> Values:
    raise AssertionError("nothing is measured here")


RATE, WAIT, BUSY = (
    Figure("rate", "rate", "records/s", 1.5),
    Figure("wait", "wait", "ms", 0.5, less=True),
    Figure("busy", "· node busy", "cores"),
)
FAST = Case("fast", "Speed", (RATE, BUSY), never, seconds=1)
SOON = Case("soon", "Time", (WAIT,), never, seconds=1)
THEMES = ("Time", "Speed")


def results(*titles: str) -> Results:
    names = {"Ottla": "ottla", "Ottla, compiled": "compiled", "Apache Kafka": "apache"}
    return Results({names[title]: title for title in titles}, {"cores": 2})


def test_tables_by_theme_with_ratio_goal_and_floor() -> None:
    both = results("Ottla", "Apache Kafka")
    for rate in (100.0, 300.0, 200.0):
        both.add("ottla", {"rate": rate, "busy": 0.5})
    both.add("apache", {"rate": 100.0, "busy": 1.5, "wait": 4.0})
    both.add("ottla", {"wait": 3.0})
    both.add("floor", {"rate": 400.0, "wait": 1.0})
    assert tables(both, [FAST, SOON], THEMES) == {
        "Time": [
            ["", "unit", "Ottla", "Apache Kafka", "ratio", "goal", "floor"],
            ["wait", "ms", "3.00", "4.00", "0.75× open", "≤ 0.5×", "1.00"],
        ],
        "Speed": [
            ["", "unit", "Ottla", "Apache Kafka", "ratio", "goal", "floor"],
            ["rate", "records/s", "200", "100", "2.00× met", "≥ 1.5×", "400 (50%)"],
            ["· node busy", "cores", "0.50", "1.50", "", "", ""],
        ],
    }


def test_another_ottla_has_a_column_and_a_ratio_of_its_own() -> None:
    three = results("Ottla", "Ottla, compiled", "Apache Kafka")
    three.add("ottla", {"rate": 100.0})
    three.add("compiled", {"rate": 200.0})
    three.add("apache", {"rate": 100.0})
    (head, row) = tables(three, [FAST], THEMES)["Speed"]
    assert head == [
        "",
        "unit",
        "Ottla",
        "Ottla, compiled",
        "Apache Kafka",
        "ratio",
        "ratio, Ottla, compiled",
        "goal",
        "floor",
    ]
    assert row == ["rate", "records/s", "100", "200", "100", "1.00× open", "2.00× met", "≥ 1.5×", ""]


def test_a_case_that_failed_is_shown_as_failed_beside_the_others() -> None:
    both = results("Ottla", "Apache Kafka")
    both.add("apache", {"wait": 4.0, "rate": 1.0})
    both.failures.append(Failure("ottla", "soon", 1, "the generator failed"))
    shown = tables(both, [FAST, SOON], THEMES)
    assert shown["Time"][1] == ["wait", "ms", "failed", "4.00", "–", "≤ 0.5×", ""]
    assert shown["Speed"][1][2] == "–", "what was not measured has not failed"


def test_what_nobody_measured_has_no_row() -> None:
    assert tables(results("Ottla"), [FAST, SOON], THEMES) == {}
    assert as_text({}) == "nothing was measured"


def test_text_and_markdown_hold_the_same_cells() -> None:
    alone = results("Ottla", "Apache Kafka")
    alone.add("ottla", {"rate": 1234.0, "wait": 1.5})
    shown = tables(alone, [FAST, SOON], THEMES)
    assert as_text(shown).splitlines() == [
        "Time   unit       Ottla  Apache Kafka  ratio  goal    floor",
        "wait   ms          1.50             –      –  ≤ 0.5×",
        "",
        "Speed  unit       Ottla  Apache Kafka  ratio  goal    floor",
        "rate   records/s  1,234             –      –  ≥ 1.5×",
    ]
    assert as_markdown(shown) == (
        "### Time\n\n"
        "|  | unit | Ottla | Apache Kafka | ratio | goal | floor |\n"
        "| --- | --- | --: | --: | --: | --- | --: |\n"
        "| wait | ms | 1.50 | – | – | ≤ 0.5× |  |\n\n"
        "### Speed\n\n"
        "|  | unit | Ottla | Apache Kafka | ratio | goal | floor |\n"
        "| --- | --- | --: | --: | --: | --- | --: |\n"
        "| rate | records/s | 1,234 | – | – | ≥ 1.5× |  |"
    )


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = results("Ottla", "Apache Kafka")
    written.add("ottla", {"rate": 1.5})
    written.failures.append(Failure("apache", "soon", 2, "it hung up"))
    written.write(tmp_path / "kept.json")
    assert Results.read(tmp_path / "kept.json") == written


def test_the_floor_alone_has_rows_too() -> None:
    floor = Results({}, {})
    floor.add("floor", {"rate": 400.0})
    assert tables(floor, [FAST], THEMES)["Speed"][1] == ["rate", "records/s", "–", "≥ 1.5×", "400"]


def test_the_page_keeps_what_is_around_its_tables() -> None:
    on = {
        "rounds": 3,
        "date": "2026-01-02",
        "cores": 2,
        "busy_cores_before": 0.04,
        "system": "Linux 6",
        "python": "3.11.7",
        "apache_kafka": "4.3.0",
    }
    page = PAGE.read_text()
    new = page_with(page, "### A theme", on)
    assert page_with(new, "### A theme", on) == new
    assert (new[:200], new[-2000:]) == (page[:200], page[-2000:])
    assert "Medians of 3 rounds on 2026-01-02" in new
    assert new.count("### A theme") == 1


def test_every_figure_has_a_name_of_its_own_and_every_case_a_theme() -> None:
    names = [figure.name for case in CASES.values() for figure in case.figures]
    assert len(names) == len(set(names))
    assert {case.theme for case in CASES.values()} == set(ALL_THEMES)
