"""What to tell about keys that do not do what somebody may expect, and which keys stop the start.

Ignoring a key of security, encryption or tiering would be unsafe, so such a key ends the start by its name. For all
others a line in the log is enough: keys without effect here, keys of parts that are not there yet, keys nobody
knows (with the one that was probably meant).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ottla.core.model.settings.kinds import InvalidSetting
from ottla.core.model.settings.listeners import PLAINTEXT, Listener
from ottla.core.model.settings.setting import Effect
from ottla.core.model.settings.table import BESIDE_BROKER, REPLACED, broker_setting, is_known, nearest


def refuse_unbuilt(given: Mapping[str, str], listeners: Iterable[Listener]) -> None:
    """Raises InvalidSetting that names every key which would need a feature of security or tiering we lack."""
    problems = [f"{name} is set" for name, text in given.items() if _needs_what_we_lack(name, text)]
    problems += [
        f"listener {listener} speaks {listener.security_protocol}"
        for listener in listeners
        if listener.security_protocol != PLAINTEXT
    ]
    if problems:
        raise InvalidSetting(
            "Security, encryption and tiered storage are not built yet, and ignoring these would not be safe: "
            + "; ".join(problems)
        )


def _needs_what_we_lack(name: str, text: str) -> bool:
    setting = BESIDE_BROKER.get(name) or broker_setting(name)
    if setting is None or setting.effect is not Effect.REFUSED:
        return False
    return setting.read(text) != setting.default


def notices(given: Iterable[str]) -> list[str]:
    """One line for each sort of key there is something to say about."""
    unused: list[str] = []
    later: list[str] = []
    lines: list[str] = []
    for name in given:
        setting = broker_setting(name)
        if setting is None:
            if not is_known(name):
                lines.append(_unknown(name))
        elif setting.effect is Effect.UNUSED:
            unused.append(name)
        elif setting.effect is Effect.LATER:
            later.append(name)
    if later:
        lines.insert(0, f"ignored until the part they belong to is built: {', '.join(later)}")
    if unused:
        lines.insert(0, f"ignored, nothing to tune here: {', '.join(unused)}")
    return lines


def _unknown(name: str) -> str:
    if name in REPLACED:
        return f"unknown key {name}: of an older Kafka; {REPLACED[name]}"
    meant = nearest(name)
    return f"unknown key {name}" + (f": did you mean {meant}?" if meant else "")


def unknown_keys(given: Mapping[str, Any]) -> list[str]:
    """Keys that no table has: DescribeConfigs lists them without a value, as it may be a secret."""
    return [name for name in given if broker_setting(name) is None]
