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
