"""The metrics page as Prometheus reads it."""

from __future__ import annotations

from ottla.broker.monitoring.exposition import Page


def test_samples_of_a_name_stay_together() -> None:
    page = Page()
    page.counter("a_total", 1, {"topic": "x"}, "What a is.")
    page.gauge("b", 0.5)
    page.counter("a_total", 2, {"topic": "y"}, "What a is.")
    assert page.text() == (
        "# HELP a_total What a is.\n"
        "# TYPE a_total counter\n"
        'a_total{topic="x"} 1\n'
        'a_total{topic="y"} 2\n'
        "# TYPE b gauge\n"
        "b 0.5\n"
    )


def test_labels_are_escaped() -> None:
    page = Page()
    page.gauge("g", 1, {"path": 'a\\b"c\nd'})
    assert 'g{path="a\\\\b\\"c\\nd"} 1' in page.text()


def test_odd_numbers() -> None:
    page = Page()
    page.gauge("big", 12345678901234567)
    page.gauge("whole", 3.0)
    page.gauge("none", float("nan"))
    page.gauge("endless", float("inf"))
    assert page.text().splitlines()[1::2] == ["big 12345678901234567", "whole 3", "none NaN", "endless +Inf"]


def test_a_summary_is_one_family() -> None:
    page = Page()
    page.summary("t", {0.5: 1.0, 0.99: 2.5}, 3, 4.5, {"request": "Fetch"}, "Times.")
    page.summary("t", {0.5: 0.0}, 0, 0.0, {"request": "Produce"})
    assert page.text().splitlines() == [
        "# HELP t Times.",
        "# TYPE t summary",
        't{request="Fetch",quantile="0.5"} 1',
        't{request="Fetch",quantile="0.99"} 2.5',
        't_sum{request="Fetch"} 4.5',
        't_count{request="Fetch"} 3',
        't{request="Produce",quantile="0.5"} 0',
        't_sum{request="Produce"} 0',
        't_count{request="Produce"} 0',
    ]
