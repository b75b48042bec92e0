"""How often each API was asked, in which versions, and with what success, told by the answers of Apache Kafka.

A request counts as valid when no error code in its answer says otherwise, and as invalid when one does or when the
connection was closed. An invalid request counts once, however many versions it was sent in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from ottla.core.wire.apis import API, Api, ApiKey, ListenerRole
from tests.conformance.differences.case import Question, title_of
from tests.conformance.differences.speaking import Tree

INVALID_LEAST: Final = 20

NEVER_VALID: Final = {
    "JoinGroup v*": "a member's id is the broker's to choose; clients show what follows",
    "SyncGroup v*": "it takes a member",
    "Heartbeat v*": "it takes a member",
    "LeaveGroup v*": "it takes a member",
    "DeleteGroups v*": "what is deleted is not there any more",
    "EndTxn v*": "an end changes what the next one is answered, and when is chance",
    "Sasl* v*": "a listener without SASL",
    "*Acls* v*": "no authoriser is set",
    "*DelegationToken* v*": "delegation tokens need an authenticated listener",
    "*RaftVoter* v*": "the voters of a static quorum stand in the settings",
    "FetchSnapshot of a controller v*": "a new cluster has no snapshot of its metadata",
    "Fetch of a controller v[789]": "the metadata log is asked for by its id",
    "Fetch of a controller v1[012]": "the metadata log is asked for by its id",
    "BrokerRegistration of a controller v[01]": "a broker has to name its log directories",
    "DescribeCluster of a controller v0": "asks for brokers, whom a controller does not tell",
}
"""What is answered with an error whatever one asks, and why: it is asked all the same."""


class Census:
    """`served`: the APIs that Ottla advertises on a listener."""

    def __init__(self, served: dict[ListenerRole, list[ApiKey]]) -> None:
        self._served = served
        self._valid: set[tuple[ListenerRole, int, int]] = set()
        self._invalid: dict[tuple[ListenerRole, int], set[str]] = defaultdict(set)
        self._asked: set[tuple[ListenerRole, int, int]] = set()

    def count(self, question: Question, answer: Tree) -> None:
        place = (question.listener, question.key)
        self._asked.add((*place, question.version))
        if isinstance(answer, dict) and succeeded(answer):
            self._valid.add((*place, question.version))
        else:
            self._invalid[place].add(question.name.rpartition(" v")[0])

    def gaps(self) -> Iterator[str]:
        """What is served and was asked too little."""
        for role, api in self._apis():
            title = title_of(api, role)
            for version in _versions(api):
                never = any(fnmatchcase(f"{title} v{version}", each) for each in NEVER_VALID)
                if (role, api.key, version) not in (self._asked if never else self._valid):
                    yield f"{title} v{version}: no valid request"
            count = len(self._invalid[role, api.key])
            if count < INVALID_LEAST:
                yield f"{title}: {count} invalid requests, not {INVALID_LEAST}"

    def table(self) -> Iterator[str]:
        """One line an API: listener, name, versions, invalid requests."""
        for role, api in self._apis():
            valid = sum((role, api.key, version) in self._valid for version in _versions(api))
            count = len(self._invalid[role, api.key])
            yield f"{title_of(api, role):50} valid in {valid:2} of {len(_versions(api)):2} versions, {count:3} invalid"

    def _apis(self) -> Iterator[tuple[ListenerRole, Api]]:
        for role, keys in self._served.items():
            for key in keys:
                yield role, API[key]


def _versions(api: Api) -> range:
    return range(api.min_version, api.max_stable_version + 1)


def succeeded(answer: Tree) -> bool:
    """Whether nothing in an answer is an error."""
    if isinstance(answer, dict):
        return all(not value if name == "error_code" else succeeded(value) for name, value in answer.items())
    if isinstance(answer, list):
        return all(succeeded(each) for each in answer)
    return True
