"""Generators and floors: what they do with bytes."""

from __future__ import annotations

import socket

from benchmarks.cases.disturbance import during
from benchmarks.floor import Peer, whole_requests
from benchmarks.load.raw import Lane


def test_a_full_lane_waits_and_goes_on_where_it_was() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        request = bytes(range(256)) * 4096
        lane = Lane(ours, memoryview(request), len(request), owed_bytes=2 * len(request))
        lane.send()
        assert lane.full, "two megabytes fit into no socket"
        got = bytearray()
        while len(got) < 2 * len(request):
            got += theirs.recv(1 << 20)
            lane.send()
        assert got == request * 2
        assert (lane.full, lane.owed_bytes) == (False, 0)


def test_small_requests_leave_as_a_train() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        lane = Lane(ours, memoryview(b"request " * 4), 8, owed_bytes=24)
        lane.send()
        assert theirs.recv(100) == b"request " * 3


def test_the_floor_counts_requests_by_their_lengths_however_they_are_cut() -> None:
    stream = b"\x00\x00\x00\x02ab" * 3 + b"\x00\x00\x00\x05abcde"
    for size in range(1, len(stream) + 1):
        peer = Peer(socket.socket())
        with peer.connection:
            pieces = [memoryview(stream)[at : at + size] for at in range(0, len(stream), size)]
            assert sum(whole_requests(peer, piece) for piece in pieces) == 4


def test_only_what_was_sent_while_it_lasted_counts_as_disturbed() -> None:
    samples = [(1.0, 0.1), (2.0, 0.2), (3.0, 0.3), (4.0, 0.4)]
    assert during(samples, 2.0, 3.5) == [(2.0, 0.2), (3.0, 0.3)]
