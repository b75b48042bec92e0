"""What the metadata asks of this node that it stores and does not do, said once in a line a person can act on."""

from __future__ import annotations

import logging
from typing import Final

from ottla.core.metadata.delta import Delta
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.nouns import QuotaEntity

_log = logging.getLogger("ottla.quorum")

MAX_NAMED: Final = 10
"""A line names no more quotas than this, and counts the rest."""


class QuotaNotice:
    """A subscriber of the quorum: warns of client quotas when the node starts with some, and when they change."""

    def load(self, image: MetadataImage) -> None:
        """Say what is stored already."""
        if image.client_quotas:
            _log.warning("Client quotas are stored but not enforced: %s", quotas_text(image))

    def follow(self, image: MetadataImage, delta: Delta) -> None:
        """Say what is stored after a change; the last quota's removal needs no warning."""
        if delta.quotas_changed:
            self.load(image)


def quotas_text(image: MetadataImage) -> str:
    """`user=alice: producer_byte_rate=1024 …; ip=<default>: …`."""
    named = [
        f"{entity_text(entity)}: {' '.join(f'{key}={value:g}' for key, value in quotas.items())}"
        for entity, quotas in list(image.client_quotas.items())[:MAX_NAMED]
    ]
    rest = len(image.client_quotas) - len(named)
    return "; ".join(named) + (f"; and {rest} more" if rest else "")


def entity_text(entity: QuotaEntity) -> str:
    """`user=alice client-id=<default>`: a part without a name is the default of its kind."""
    return " ".join(f"{kind}={'<default>' if name is None else name}" for kind, name in entity)
