"""How a client comes by its cluster: it opens one of its own, or is lent one that several clients share.

Settings become a `Cluster` in the real world here and nowhere else in the client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from ottla.client.cluster import Cluster
from ottla.client.errors import ClientError
from ottla.client.properties import settings_from
from ottla.client.settings import ConnectionSettings, SettingRefused

if TYPE_CHECKING:
    from ottla.world.real.background import BackgroundLoop

S = TypeVar("S", bound=ConnectionSettings)


class NotOpen(ClientError):
    """A client was used before it was opened."""

    hint = "open it first: `async with` the client, or await its open()."


def real_cluster(settings: ConnectionSettings) -> Cluster:
    """A cluster over the network of this machine, on the running loop. Not connected yet."""
    from ottla.world.real import real_world

    return Cluster(real_world(), settings)


class Lease(Generic[S]):
    """One client's hold on a cluster, and the settings it was made with.

    Over a lent cluster the settings are the cluster's, with what is given here on top; it stays open when the client
    closes. Raises SettingRefused.
    """

    def __init__(
        self,
        kind: type[S],
        cluster: Cluster | None = None,
        properties: Mapping[str, object] | None = None,
        keywords: Mapping[str, object] | None = None,
    ) -> None:
        self._lent = cluster
        self._own: Cluster | None = None
        given = settings_from(kind, properties, keywords)
        self.settings: S = given if cluster is None else over(cluster.settings, given, properties, keywords)

    @property
    def is_own(self) -> bool:
        """Whether the cluster ends with this client."""
        return self._lent is None

    @property
    def is_open(self) -> bool:
        return self._lent is not None or self._own is not None

    @property
    def cluster(self) -> Cluster:
        """Raises NotOpen."""
        found = self._lent or self._own
        if found is None:
            raise NotOpen("the client is not open")
        return found

    async def open(self) -> Cluster:
        """The cluster, connected when it is the client's own. Raises NoBroker."""
        if self._lent is not None:
            return self._lent
        if self._own is None:
            cluster = real_cluster(self.settings)
            try:
                await cluster.connect()
            except BaseException:
                cluster.close()
                raise
            self._own = cluster
        return self._own

    def close(self) -> None:
        """Close what is the client's own."""
        own, self._own = self._own, None
        if own is not None:
            own.close()


def over(
    lent: ConnectionSettings,
    given: S,
    properties: Mapping[str, object] | None,
    keywords: Mapping[str, object] | None,
) -> S:
    """A lent cluster's settings, and on top of them those that were named here."""
    named = {key.replace(".", "_") for key in (*(properties or {}), *(keywords or {}))}
    if "bootstrap_servers" in named:
        raise SettingRefused(
            "a client over a cluster that is already there finds its servers through that",
            "leave either the cluster or bootstrap_servers out.",
        )
    kept = {
        field.name: getattr(lent, field.name)
        for field in msgspec.structs.fields(type(given))
        if field.name not in named and hasattr(lent, field.name)
    }
    return msgspec.structs.replace(given, **kept)


def background_loop(name: str) -> BackgroundLoop:
    """A loop of this machine on a thread of its own."""
    from ottla.world.real.background import BackgroundLoop

    return BackgroundLoop(f"ottla {name.lower()}")
