"""Write settings.md beside this file from the settings table: `python docs/reference/write_settings.py`.

A test fails when the page is not what this writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ottla.core.model.settings.setting import Dynamic, Effect, Setting
from ottla.core.model.settings.synonyms import TOPIC_TO_BROKER, group_to_broker
from ottla.core.model.settings.table import BROKER_THEMES, CLIENT_METRICS, GROUP, TOPIC

PAGE = Path(__file__).with_name("settings.md")

HEAD = """\
# Settings

All settings of Apache Kafka 4.3 for brokers, topics, groups and client metrics, and Ottla's own. Written from the
table in `src/ottla/core/model/settings` by `docs/reference/write_settings.py`; do not edit by hand.

## Where they come from

1. The file given to `ottla server`: Java's properties format, Kafka's `server.properties` unchanged.
2. Environment variables: `KAFKA_` (as in Kafka's image), `KAFKA_CFG_` or `OTTLA_` and the key in capitals, `_` for `.`,
   `__` for `_`, `___` for `-`: `KAFKA_LOG_RETENTION_MS=1000`. Ottla's own may leave out the second `ottla`:
   `OTTLA_METRICS_PORT=9404`.
3. `--override key=value` on the command line.
4. While the node runs: what was set for all brokers, then what was set for this one (`kafka-configs.sh`, any admin
   client). Topics and groups have settings of their own above all that.

Each beats the ones before it. Times in milliseconds beat minutes, minutes beat hours.

`listener.name.<listener>.<setting>` sets something for one listener. Without `advertised.listeners` clients are told
the address at which they reached the node.

## How to read the tables

What a setting does here stands before its text when it is not simply what the text says:

- *Nothing to tune*: accepted without effect; a line of notice at the start names it.
- *Later*: accepted; the part it belongs to is not built yet. Named at the start, too.
- *Refused*: security, encryption, tiering and the like. Another value than the default stops the start by its name,
  because ignoring it would not be safe.

A key that nobody knows is named at the start with the one that was probably meant, and does no harm.

"When" says how a setting can change: *restart* only in the file, *broker* while running, for each broker, *cluster*
while running, for all brokers at once or for one.
"""

WHEN = {Dynamic.READ_ONLY: "restart", Dynamic.PER_BROKER: "broker", Dynamic.CLUSTER_WIDE: "cluster"}
EFFECT = {Effect.UNUSED: "*Nothing to tune.* ", Effect.LATER: "*Later.* ", Effect.REFUSED: "*Refused.* "}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_brokers(), *_topics(), *_groups(), *_client_metrics()]) + "\n"


def _brokers() -> Iterator[str]:
    yield "## Broker"
    for title, settings in BROKER_THEMES:
        yield f"\n### {title}\n"
        yield "| setting | type | default | valid | when | |"
        yield "|---|---|---|---|---|---|"
        for setting in _public(settings):
            yield f"| {_cells(setting)} | {WHEN[setting.dynamic]} | {EFFECT.get(setting.effect, '')}{setting.doc} |"


def _topics() -> Iterator[str]:
    yield "\n## Topic\n\nA topic that does not set one of these takes the broker's setting.\n"
    yield from _with_broker_setting(TOPIC.values(), lambda name: TOPIC_TO_BROKER.get(name))


def _groups() -> Iterator[str]:
    yield "\n## Group\n\nA group that does not set one of these takes the broker's setting.\n"
    yield from _with_broker_setting(GROUP.values(), group_to_broker)


def _with_broker_setting(settings: Iterable[Setting], broker_setting) -> Iterator[str]:
    yield "| setting | type | default | valid | broker's setting | |"
    yield "|---|---|---|---|---|---|"
    for setting in _public(settings):
        above = broker_setting(setting.name)
        effect = EFFECT.get(setting.effect, "")
        yield f"| {_cells(setting)} | {f'`{above}`' if above else ''} | {effect}{setting.doc} |"


def _client_metrics() -> Iterator[str]:
    yield "\n## Client metrics\n"
    yield "| setting | type | default | valid | |"
    yield "|---|---|---|---|---|"
    for setting in CLIENT_METRICS.values():
        yield f"| {_cells(setting)} | {EFFECT.get(setting.effect, '')}{setting.doc} |"


def _public(settings: Iterable[Setting]) -> list[Setting]:
    return [setting for setting in settings if not setting.internal]


def _cells(setting: Setting) -> str:
    default = "required" if setting.required else _code(setting.default_text)
    valid = "" if setting.valid is None else setting.valid.text
    return f"`{setting.name}` | {setting.kind.name.lower()} | {default} | {_code(valid)}"


def _code(text: str | None) -> str:
    if text is None:
        return "null"
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
