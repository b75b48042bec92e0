"""Templates: records to bytes, lines to records."""

from __future__ import annotations

import pytest

from ottla.cli.line_template import BadLine, Draft, LineTemplate
from ottla.cli.template import BadTemplate, Shown, compile_template
from ottla.core.records.batch import read_header
from ottla.core.records.build import build
from ottla.core.records.record import Record

RECORD = Record(7, 1_700_000_000_123, b"key", b"val\xffue", (("x", b"1"), ("y", None)))
HEADER = read_header(build([RECORD], producer_id=5, producer_epoch=2, base_sequence=0, leader_epoch=3))


def show(template: str, record: Record = RECORD) -> bytes:
    return compile_template(template)(Shown("orders", 4, record, HEADER, 9))


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        (r"%v\n", b"val\xffue\n"),
        ("%t/%p/%o", b"orders/4/7"),
        ("%k=%s %K %V %S", b"key=val\xffue 3 6 6"),
        ("%H %h", b"2 x=1,y="),
        (r"%h{%k:%v;}\t", b"x:1;y:;\t"),
        ("%T %d", b"1700000000123 1700000000123"),
        ("%d{%Y-%m-%d}", b"2023-11-14"),
        ("%e %x %y %i", b"3 5 2 9"),
        ("%k{hex} %v{base64} %k{json}", b'6b6579 dmFs/3Vl "key"'),
        (r"100%% \x41\\ %{%}", b"100% A\\ {}"),
    ],
)
def test_what_a_template_shows(template: str, shown: bytes) -> None:
    assert show(template) == shown


def test_nulls_are_nothing_or_say_so() -> None:
    tombstone = Record(0, -1, None, None)
    assert show("[%k][%v] %K %V %d{%F} %v{json}", tombstone) == b"[][] -1 -1  null"


@pytest.mark.parametrize("template", ["%", "%q", "%v{rot13}", "%h{%k", r"\q", r"\xZZ", "%o{5}"])
def test_a_wrong_template_is_refused(template: str) -> None:
    with pytest.raises(BadTemplate):
        compile_template(template)


@pytest.mark.parametrize(
    ("template", "line", "draft"),
    [
        (r"%v\n", b"a b", Draft(value=b"a b", headers=[])),
        ("%k %v", b"a b c", Draft(key=b"a", value=b"b c", headers=[])),
        (r"%k\t%h{%k=%v}\t%h{%k=%v}\t%v", b"k\tx=1\ty=\tv", Draft(b"k", b"v", [("x", b"1"), ("y", b"")])),
        ("%t/%p/%T:%v", b"orders/3/17:x", Draft(None, b"x", [], "orders", 3, 17)),
        ("<%k{hex}>%v{base64}", b"<6b>dg==", Draft(key=b"k", value=b"v", headers=[])),
        ("%k|", b"only|", Draft(key=b"only", headers=[])),
    ],
)
def test_how_a_line_reads(template: str, line: bytes, draft: Draft) -> None:
    assert LineTemplate(template).read(line) == draft


@pytest.mark.parametrize(
    ("template", "line", "why"),
    [
        ("%k:%v", b"no colon", "no ':' after %k"),
        ("<%v>", b"x", "does not begin with '<'"),
        ("<%v>", b"<x>y", "'y' is left over"),
        ("%p %v", b"x y", "%p reads 'x', which is no number"),
        ("%v{hex}", b"xyz", "cannot be decoded"),
    ],
)
def test_a_line_that_does_not_fit_says_why(template: str, line: bytes, why: str) -> None:
    with pytest.raises(BadLine, match=why):
        LineTemplate(template).read(line)


@pytest.mark.parametrize("template", ["%k%v", "", "nothing", "%o %v", "%h", "%h{%v}", "%v{json}"])
def test_a_template_that_cannot_read_is_refused(template: str) -> None:
    with pytest.raises(BadTemplate):
        LineTemplate(template)
