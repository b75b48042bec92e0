"""Dynamic broker configs: which may change while a broker runs, and how the layers lie over each other."""

from __future__ import annotations

from collections.abc import Mapping

from ottla.core.model.settings.kinds import InvalidSetting
from ottla.core.model.settings.setting import Dynamic, Effect
from ottla.core.model.settings.synonyms import BROKER_CHAINS, listener_setting
from ottla.core.model.settings.table import BROKER, broker_setting, is_dynamic

CLUSTER_LEVEL_ON_LISTENER = frozenset(
    ("max.connections", "max.connection.creation.rate", "num.network.threads")
)
"""Settings that may be given for a listener of all brokers at once."""


def is_read_only(name: str) -> bool:
    """Whether a key of the table cannot change while a broker runs. Keys outside the table can: nobody reads them."""
    setting = BROKER.get(name)
    return setting is not None and not is_dynamic(setting)


def is_security(name: str) -> bool:
    """Whether a key may change for a listener only, never for the whole node: all of TLS."""
    setting = BROKER.get(name)
    return (
        setting is not None and is_dynamic(setting) and name.startswith("ssl.") and name != "ssl.client.auth"
    )


def is_per_broker(name: str) -> bool:
    """Whether a key must be set broker by broker."""
    setting = BROKER.get(name)
    if setting is not None:
        return setting.dynamic is Dynamic.PER_BROKER
    part = listener_setting(name)
    return part is not None and part.name not in CLUSTER_LEVEL_ON_LISTENER


def usable(name: str, text: str, *, per_broker: bool) -> str | None:
    """Why a stored dynamic config cannot be applied; None when it can."""
    if is_read_only(name):
        return f"{name} cannot change while the broker runs"
    if is_security(name):
        return f"{name} can be set for a listener only"
    if not per_broker and is_per_broker(name):
        return f"{name} must be set for each broker"
    setting = broker_setting(name)
    if setting is None:
        return None
    try:
        value = setting.read(text)
    except InvalidSetting as error:
        return str(error)
    if setting.effect is Effect.REFUSED and value != setting.default:
        return f"{name} needs a feature that is not built yet"
    return None


def effective_texts(
    static: Mapping[str, str], cluster: Mapping[str, str], own: Mapping[str, str]
) -> dict[str, str]:
    """The three layers as one. A dynamic value also beats what a stronger synonym says in the file."""
    texts = dict(static)
    for layer in (cluster, own):
        for name, text in layer.items():
            for synonym in BROKER_CHAINS.get(name, ()):
                texts.pop(synonym, None)
            texts[name] = text
    return texts
