"""Our own settings, and settings of Kafka's that are read beside its table (by authorisers)."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.setting import BOOLEAN, INT, LIST, LOW, OWN, STRING, Setting, refused, works
from ottla.core.model.settings.valid import between, list_of, one_of

# fmt: off
OWN_SETTINGS: Final[tuple[Setting, ...]] = (
    works("ottla.record.validation", STRING, "header",
          "How closely produced batches are looked at: `header` checks header and checksum, `deep` walks every record, compressed ones too.", one_of("header", "deep"), OWN),
    works("ottla.advertised.mode", STRING, "auto",
          "What clients are told when `advertised.listeners` is unset: `auto` the address at which they reached this node, `listeners` the host in `listeners` (this machine's name when it is empty).", one_of("auto", "listeners"), OWN),
    works("ottla.metrics.host", STRING, "127.0.0.1",
          "Interface of the metrics page.", LOW, OWN),
    works("ottla.metrics.port", INT, -1,
          "Port of the metrics page (`/metrics`, Prometheus text); 0 takes any free port, -1 turns it off.", between(-1, 65535), OWN),
)

BESIDE: Final[tuple[Setting, ...]] = (
    refused("super.users", LIST, (),
            "Principals that the authoriser lets do everything, separated by semicolons.", list_of()),
    refused("allow.everyone.if.no.acl.found", BOOLEAN, False,
            "Whether a resource without any ACL is open to everybody."),
)
