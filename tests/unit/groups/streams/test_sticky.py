"""Who gets which task."""

from __future__ import annotations

from ottla.core.groups.streams.sticky import Work, Worker, assign
from ottla.core.groups.streams.tasks import Tasks, each

FOUR = {"0": Work(4, stateful=False)}


def had(process: str, *active: int, standby: tuple[int, ...] = ()) -> Worker:
    return Worker(process, Tasks({"0": frozenset(active)}, {"0": frozenset(standby)}))


def active(shares: dict[str, Tasks]) -> dict[str, list[tuple[str, int]]]:
    return {member: sorted(each(share.active)) for member, share in shares.items()}


def counts(shares: dict[str, Tasks]) -> list[int]:
    return sorted(len([*each(share.active), *each(share.standby)]) for share in shares.values())


def test_nobody_is_there() -> None:
    assert assign({}, FOUR, 0) == {}


def test_everybody_gets_an_even_share() -> None:
    assert counts(assign({name: Worker(name) for name in "abc"}, FOUR, 0)) == [1, 1, 2]


def test_processes_share_by_their_threads() -> None:
    workers = {"a": Worker("p"), "b": Worker("p"), "c": Worker("p"), "d": Worker("q")}
    assert counts(assign(workers, FOUR, 0)) == [1, 1, 1, 1]


def test_who_has_too_much_keeps_an_even_share() -> None:
    shares = assign({"a": had("p", 0, 1, 2, 3), "b": Worker("q")}, FOUR, 0)
    assert active(shares) == {"a": [("0", 0), ("0", 1)], "b": [("0", 2), ("0", 3)]}


def test_a_remainder_stays_with_who_has_it() -> None:
    work = {"0": Work(3, stateful=False)}
    shares = assign({"a": had("p", 0), "b": had("q", 1, 2)}, work, 0)
    assert active(shares) == {"a": [("0", 0)], "b": [("0", 1), ("0", 2)]}


def test_one_of_two_remainders_is_enough() -> None:
    work = {"0": Work(4, stateful=False)}
    workers = {"a": had("p", 0, 1), "b": had("q", 2, 3), "c": Worker("r")}
    shares = assign(workers, work, 0)
    assert counts(shares) == [1, 1, 2]
    assert set(active(shares)["a"]) <= {("0", 0), ("0", 1)}


def test_state_goes_where_a_copy_of_it_is() -> None:
    work = {"0": Work(2, stateful=True)}
    shares = assign({"b": had("q", standby=(0,)), "c": had("r", standby=(1,))}, work, 1)
    assert active(shares) == {"b": [("0", 0)], "c": [("0", 1)]}
    assert {member: sorted(each(share.standby)) for member, share in shares.items()} == {
        "b": [("0", 1)],
        "c": [("0", 0)],
    }


def test_copies_are_kept_of_state_alone_and_in_other_processes() -> None:
    work = {"0": Work(2, stateful=False), "1": Work(2, stateful=True)}
    shares = assign({"a": Worker("p"), "b": Worker("p"), "c": Worker("q")}, work, 2)
    copies = [(member, *task) for member, share in shares.items() for task in each(share.standby)]
    assert sorted(task[1:] for task in copies) == [("1", 0), ("1", 1)], "one other process: one copy each"
    for member, name, index in copies:
        process = "pq"[member == "c"]
        holders = {"a": "p", "b": "p", "c": "q"}
        assert not any(
            (name, index) in set(each(shares[other].active)) for other in shares if holders[other] == process
        )


def test_copies_stay_where_they_are() -> None:
    work = {"0": Work(3, stateful=True)}
    workers = {
        "a": had("p", 0, standby=(1,)),
        "b": had("q", 1, standby=(2,)),
        "c": had("r", 2, standby=(0,)),
    }
    shares = assign(workers, work, 1)
    assert shares == {member: worker.target for member, worker in workers.items()}
