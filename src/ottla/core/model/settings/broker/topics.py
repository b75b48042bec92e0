"""Creating and deleting topics."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.setting import BOOLEAN, CLASS, HIGH, INT, LOW, Setting, refused, works
from ottla.core.model.settings.valid import at_least

# fmt: off
TOPICS: Final[tuple[Setting, ...]] = (
    works("auto.create.topics.enable", BOOLEAN, True,
          "Create a topic when a client asks for one that does not exist.", HIGH),
    works("delete.topic.enable", BOOLEAN, True,
          "Allow topics to be deleted.", HIGH),
    works("num.partitions", INT, 1,
          "Partitions of a topic whose creator did not say how many.", at_least(1)),
    works("default.replication.factor", INT, 1,
          "Replicas of a topic whose creator did not say how many."),
    refused("create.topic.policy.class.name", CLASS, None,
            "A Java class that judges every topic creation.", LOW),
    refused("alter.config.policy.class.name", CLASS, None,
            "A Java class that judges every change of a dynamic config.", LOW),
)
