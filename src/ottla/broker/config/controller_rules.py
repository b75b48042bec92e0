"""What the controller asks about configs, answered from the settings table and this node's settings."""

from __future__ import annotations

from collections.abc import Mapping

from ottla.broker.config.node_settings import NodeSettings
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.nouns import ConfigResource
from ottla.core.metadata.state import TopicConfigEntry
from ottla.core.metadata.topic_names import check_topic_name
from ottla.core.model.settings import alter
from ottla.core.model.settings.describe import Layers, created_topic_entry
from ottla.core.model.settings.kinds import text_of
from ottla.core.model.settings.table import TOPIC, ResourceType


class ControllerRules:
    """`core.metadata`'s ConfigRules on top of one node's settings."""

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings

    def check(self, resource: ConfigResource, configs: dict[str, str], existing: dict[str, str]) -> None:
        """Raise KafkaError unless `resource` may have exactly `configs`, having had `existing`."""
        kind, name = resource
        if kind == ResourceType.TOPIC:
            if not name:
                raise alter.invalid_request("Default topic resources are not allowed.")
            check_topic_name(name)
            alter.check_topic(configs, existing, self._settings.topic_values)
        elif kind == ResourceType.BROKER:
            alter.check_broker_name(name)
        elif kind == ResourceType.CLIENT_METRICS:
            alter.check_client_metrics(name, configs)
        elif kind == ResourceType.GROUP:
            alter.check_group_configs(name, configs, self._settings.values)
        else:
            raise alter.invalid_request(f"Unknown resource type {kind}")

    def is_list(self, resource_type: int, key: str) -> bool:
        return alter.is_list(resource_type, key)

    def default(self, resource_type: int, key: str) -> str | None:
        return alter.default_text(resource_type, key)

    def topic_entries(self, image: MetadataImage, overrides: dict[str, str]) -> list[TopicConfigEntry]:
        """Every topic config with its effective value, by name."""
        layers = self._layers(image)
        entries: list[TopicConfigEntry] = []
        for name in sorted(TOPIC):
            setting = TOPIC[name]
            if setting.internal and name not in overrides:
                continue
            value, source = created_topic_entry(name, layers, overrides)
            entries.append(TopicConfigEntry(name, value, int(source), False, setting.sensitive))
        return entries

    def topic_value(self, image: MetadataImage, overrides: dict[str, str], key: str) -> str:
        """One effective topic config, in the spelling DescribeConfigs uses (`true`, not `TRUE`)."""
        text, _ = created_topic_entry(key, self._layers(image), overrides)
        return "" if text is None else text_of(TOPIC[key].read(text)) or ""

    def _layers(self, image: MetadataImage) -> Layers:
        own: Mapping[str, str] = image.config(ResourceType.BROKER, str(self._settings.node_id))
        return Layers(own, image.config(ResourceType.BROKER, ""), self._settings.static)
