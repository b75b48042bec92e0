"""Every client makes every check or has a reason, and the page for users says so."""

from __future__ import annotations

import pytest

from tests.conformance.checks import covers
from tests.conformance.matrix import PAGE, covered, gaps, page


def test_no_client_leaves_out_a_check_without_a_reason() -> None:
    assert gaps(covered()) == []


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(covered()), "run: python -m tests.conformance.matrix"


def test_a_test_names_a_client_and_checks_that_exist() -> None:
    for client, check in (("kcat", "gzipp"), ("kat", "gzip")):
        with pytest.raises(ValueError, match="no such client or check"):
            covers(client, check)
