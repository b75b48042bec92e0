"""What tests of programs that use Kafka import: a real broker, there in a fraction of a second, that fails on demand.

    with ottla.testing.Broker() as broker:
        broker.create_topic("orders", partitions=3)
        run_my_program(broker.bootstrap_servers)

The pytest fixtures `ottla_broker` and `ottla_topic` come with the package (`ottla.testing.plugin`); `ottla test -- COMMAND`
gives a broker to a test run in any language. Nothing of the broker is imported before the first one starts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ottla.testing.broker import Broker
    from ottla.testing.faults import Fault, Faults
    from ottla.testing.words import BrokerFailed

__all__ = ["Broker", "BrokerFailed", "Fault", "Faults"]

_HOMES = {"Broker": "broker", "BrokerFailed": "words", "Fault": "faults", "Faults": "faults"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
