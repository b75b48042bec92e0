"""Kafka's own message definitions, as its jars carry them: JSON with comments."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.apache_kafka import VERSION, jars

FOLDERS = ("common/message/", "common/metadata/", "message/")


@cache
def definitions() -> dict[str, dict[str, Any]]:
    """Every definition in Kafka's jars by name. Skips where the jars cannot be had."""
    found = {}
    for jar in sorted(jars().glob(f"kafka*-{VERSION}.jar")):
        with zipfile.ZipFile(jar) as archive:
            for name in archive.namelist():
                if name.endswith(".json") and name.startswith(FOLDERS):
                    definition = _parse(archive.read(name).decode())
                    found[definition["name"]] = definition
    return found


def _parse(text: str) -> dict[str, Any]:
    text = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    parsed: dict[str, Any] = json.loads(re.sub(r"(?<=[,{\[])\s*//[^\n]*", "", text))
    return parsed


def live() -> Iterator[dict[str, Any]]:
    """The definitions that have any version left."""
    return (each for each in definitions().values() if each["validVersions"] != "none")


def snake(name: str) -> str:
    """Kafka's names as ours: `LastKnownElr` is `last_known_elr`, `KRaftVersion` is `kraft_version`."""
    name = name.replace("KRaft", "Kraft")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
