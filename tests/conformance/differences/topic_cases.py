"""Metadata and everything that makes, changes and ends topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ottla.core.model.ids import Uuid
from ottla.core.wire.messages import (
    alter_partition_reassignments,
    create_partitions,
    create_topics,
    delete_topics,
    describe_topic_partitions,
    elect_leaders,
    list_partition_reassignments,
    metadata,
)
from tests.conformance.differences.case import STAND_IN, Case, ends, id_of

NOBODY = Uuid(STAND_IN + b"no such topic")
BAD_NAMES = ("", ".", "..", "a/b", "ä", "x" * 250, "a b", "__cluster_metadata")


def metadata_cases() -> Iterator[Case]:
    def by_name(*names: str, create: bool = False) -> Callable[[int], metadata.MetadataRequest]:
        topics = [metadata.MetadataRequestTopic(name=name) for name in names]
        return lambda version: metadata.MetadataRequest(
            topics=topics, allow_auto_topic_creation=create or version < 4
        )

    yield Case("Metadata: some topics", by_name("data", "empty"))
    yield Case("Metadata: a topic twice", by_name("data", "data"))
    yield Case("Metadata: an unknown topic", by_name("nowhere-to-be"), (4, 9, 10, 12, 13))
    for name in BAD_NAMES:
        yield Case(f"Metadata: the name {name[:9]!r}", by_name(name), (1, 4, 9, 10, 12, 13))
        yield Case(f"Metadata: create {name[:9]!r}", by_name(name, create=True), (4, 12))
    yield Case("Metadata: no topics", lambda _: metadata.MetadataRequest(topics=[]), range(1, 14))
    for what in ("include_cluster_authorized_operations", "include_topic_authorized_operations"):

        def operations(version: int, what: str = what) -> metadata.MetadataRequest:
            topics = [metadata.MetadataRequestTopic(name="data")]
            return metadata.MetadataRequest(topics=topics, **{what: True})  # type: ignore[arg-type]

        yield Case(f"Metadata: {what}", operations, (8, 10, 11, 13))
    known = metadata.MetadataRequestTopic(topic_id=id_of("data"), name=None)
    unknown = metadata.MetadataRequestTopic(topic_id=NOBODY, name=None)
    both = metadata.MetadataRequestTopic(topic_id=id_of("data"), name="data")
    other = metadata.MetadataRequestTopic(topic_id=id_of("data"), name="empty")
    neither = metadata.MetadataRequestTopic(name=None)
    named = metadata.MetadataRequestTopic(name="empty")
    for name, topics in (
        ("by id", [known]),
        ("by an unknown id", [unknown]),
        ("known and unknown ids", [known, unknown]),
        ("id and name", [both]),
        ("id and another name", [other]),
        ("neither id nor name", [neither]),
        ("an id and a name", [known, named]),
        ("nothing beside a name", [neither, named]),
    ):
        yield Case(f"Metadata: {name}", metadata.MetadataRequest(topics=topics), (10, 11, 12, 13))
    for name, asked, limit, cursor in (
        ("some", ["data", "empty"], 2000, None),
        ("all", [], 2000, None),
        ("a limit", ["data", "empty"], 1, None),
        ("a limit of 0", ["data"], 0, None),
        ("a cursor", ["data", "empty"], 2000, ("data", 1)),
        ("a cursor at a topic that is not asked for", ["empty"], 2000, ("data", 1)),
        ("a negative cursor", ["data"], 2000, ("data", -1)),
        ("a cursor beyond", ["data"], 2000, ("data", 9)),
        ("unknown", ["nowhere"], 2000, None),
        ("bad names", ["a/b", ""], 2000, None),
    ):
        place = None
        if cursor is not None:
            place = describe_topic_partitions.CursorRequest(topic_name=cursor[0], partition_index=cursor[1])
        wanted = [describe_topic_partitions.TopicRequest(name=each) for each in asked]
        yield Case(
            f"DescribeTopicPartitions: {name}",
            describe_topic_partitions.DescribeTopicPartitionsRequest(
                topics=wanted, response_partition_limit=limit, cursor=place
            ),
        )


CREATE_ENDS = (2, 4, 5, 7)


def creating(
    name: str,
    topic: str | None = None,
    partitions: int = 1,
    replication: int = 1,
    *,
    assignments: dict[int, list[int]] | None = None,
    configs: dict[str, str | None] | None = None,
    only_validate: bool = False,
    twice: bool = False,
    versions: Sequence[int] | None = CREATE_ENDS,
) -> Case:
    def request(version: int) -> create_topics.CreateTopicsRequest:
        new = create_topics.CreatableTopic(
            name=f"made-{abs(hash_of(name))}-{version}" if topic is None else topic,
            num_partitions=partitions,
            replication_factor=replication,
            assignments=[
                create_topics.CreatableReplicaAssignment(partition_index=index, broker_ids=brokers)
                for index, brokers in (assignments or {}).items()
            ],
            configs=[
                create_topics.CreatableTopicConfig(name=key, value=value)
                for key, value in (configs or {}).items()
            ],
        )
        topics = [new, new] if twice else [new]
        return create_topics.CreateTopicsRequest(
            topics=topics, timeout_ms=10_000, validate_only=only_validate
        )

    return Case(f"CreateTopics: {name}", request, versions)


def hash_of(text: str) -> int:
    """A number for a text that is the same in every run."""
    return int.from_bytes(text.encode(), "big") % 1_000_003


def create_cases() -> Iterator[Case]:
    yield creating("one", versions=None)
    yield creating("with defaults", partitions=-1, replication=-1)
    yield creating("only validate", only_validate=True)
    yield creating("only validate an existing one", "data", only_validate=True)
    yield creating("an existing one", "data")
    yield creating("no partitions", partitions=0)
    yield creating("-2 partitions", partitions=-2)
    yield creating("no replicas", replication=0)
    yield creating("-2 replicas", replication=-2)
    yield creating("more replicas than brokers", replication=3)
    yield creating("too many partitions", partitions=10_001)
    yield creating("twice in a request", twice=True)
    yield creating("collides with another", "da.ta_x")
    yield creating("collides", "da_ta.x")
    for name in BAD_NAMES:
        yield creating(f"the name {name[:9]!r}", name)
    both = {"partitions": -1, "replication": -1}
    yield creating("assigned", assignments={0: [1], 1: [1]}, **both)
    yield creating("assigned with counts", assignments={0: [1]})
    yield creating("assigned to nobody", assignments={0: [9]}, **both)
    yield creating("assigned twice to one", assignments={0: [1, 1]}, **both)
    yield creating("assigned to an empty list", assignments={0: []}, **both)
    yield creating("assigned with a gap", assignments={0: [1], 2: [1]}, **both)
    yield creating("assigned from 1", assignments={1: [1]}, **both)
    yield creating("assigned a negative partition", assignments={-1: [1]}, **both)
    yield creating("a config", configs={"retention.ms": "1000", "cleanup.policy": "compact"})
    yield creating("an unknown config", configs={"no.such": "1"})
    yield creating("a wrong value", configs={"retention.ms": "soon"})
    yield creating("a value out of range", configs={"segment.bytes": "1"})
    yield creating("a null value", configs={"retention.ms": None})
    yield creating("an empty value", configs={"retention.ms": ""})
    yield creating("a list with a wrong entry", configs={"cleanup.policy": "compact,shred"})
    yield creating("spaces in a value", configs={"retention.ms": " 1000 "})
    yield creating("too few in sync", configs={"min.insync.replicas": "0"})
    yield Case(
        "CreateTopics: nothing",
        create_topics.CreateTopicsRequest(),
        CREATE_ENDS,
    )


def change_cases() -> Iterator[Case]:
    def growing(
        name: str,
        topic: str,
        count: int | Callable[[int], int],
        assignments: list[list[int]] | None = None,
        *,
        only_validate: bool = False,
        twice: bool = False,
    ) -> Case:
        def request(version: int) -> create_partitions.CreatePartitionsRequest:
            placed = None
            if assignments is not None:
                placed = [
                    create_partitions.CreatePartitionsAssignment(broker_ids=each) for each in assignments
                ]
            grown = create_partitions.CreatePartitionsTopic(
                name=topic, count=count(version) if callable(count) else count, assignments=placed
            )
            topics = [grown, grown] if twice else [grown]
            return create_partitions.CreatePartitionsRequest(
                topics=topics, timeout_ms=10_000, validate_only=only_validate
            )

        return Case(f"CreatePartitions: {name}", request, (0, 1, 2, 3))

    yield growing("more", "growing", lambda version: 3 + version)
    yield growing("as many", "growing", 6)
    yield growing("fewer", "growing", 1)
    yield growing("none", "growing", 0)
    yield growing("negative", "growing", -1)
    yield growing("unknown topic", "nowhere", 3)
    yield growing("a bad name", "a/b", 3)
    yield growing("only validate", "growing", 9, only_validate=True)
    yield growing("only validate with places", "growing", 7, [[1]], only_validate=True)
    yield growing("too few places", "growing", 9, [[1]])
    yield growing("no places", "growing", 9, [])
    yield growing("at nobody's", "growing", 7, [[5]])
    yield growing("twice at one's", "growing", 7, [[1, 1]])
    yield growing("at an empty list", "growing", 7, [[]])
    yield growing("twice", "growing", 9, twice=True)
    yield growing("internal", "__consumer_offsets", 90)

    def moving(name: str, topic: str, partition: int, replicas: list[int] | None) -> Case:
        part = alter_partition_reassignments.ReassignablePartition(
            partition_index=partition, replicas=replicas
        )
        of = alter_partition_reassignments.ReassignableTopic(name=topic, partitions=[part])
        request = alter_partition_reassignments.AlterPartitionReassignmentsRequest(topics=[of])
        return Case(f"AlterPartitionReassignments: {name}", request)

    yield moving("where it is", "data", 0, [1])
    yield moving("to nobody", "data", 0, [7])
    yield moving("to none", "data", 0, [])
    yield moving("twice to one", "data", 0, [1, 1])
    yield moving("a negative broker", "data", 0, [-1])
    yield moving("cancel none", "data", 0, None)
    yield moving("unknown topic", "nowhere", 0, [1])
    yield moving("unknown partition", "data", 9, [1])
    asked = list_partition_reassignments
    some = asked.ListPartitionReassignmentsTopics(name="data", partition_indexes=[0, 9])
    nowhere = asked.ListPartitionReassignmentsTopics(name="nowhere", partition_indexes=[0])
    for name, topics in (("all", None), ("some", [some]), ("none", []), ("unknown", [nowhere])):
        yield Case(
            f"ListPartitionReassignments: {name}", asked.ListPartitionReassignmentsRequest(topics=topics)
        )
    for name, kind, places in (
        ("all", 0, None),
        ("one", 0, ("data", [0])),
        ("unclean", 1, ("data", [0])),
        ("an unknown kind", 7, ("data", [0])),
        ("unknown topic", 0, ("nowhere", [0])),
        ("unknown partition", 0, ("data", [9])),
        ("nothing", 0, ("data", [])),
    ):
        wanted = None
        if places is not None:
            wanted = [elect_leaders.TopicPartitions(topic=places[0], partitions=places[1])]

        def electing(
            version: int, kind: int = kind, wanted: list[elect_leaders.TopicPartitions] | None = wanted
        ) -> elect_leaders.ElectLeadersRequest:
            return elect_leaders.ElectLeadersRequest(
                election_type=kind if version else 0, topic_partitions=wanted, timeout_ms=3_000
            )

        yield Case(f"ElectLeaders: {name}", electing)


def delete_cases() -> Iterator[Case]:
    def deleting(name: str, *topics: str, ids: Sequence[Uuid] = (), by_both: bool = False) -> Case:
        def request(version: int) -> delete_topics.DeleteTopicsRequest:
            if version < 6:
                named = [topic.format(version) for topic in topics]
                return delete_topics.DeleteTopicsRequest(topic_names=named, timeout_ms=10_000)
            states = [delete_topics.DeleteTopicState(name=topic.format(version)) for topic in topics]
            states += [delete_topics.DeleteTopicState(topic_id=each) for each in ids]
            if by_both:
                states = [delete_topics.DeleteTopicState(name="data", topic_id=id_of("data"))]
            return delete_topics.DeleteTopicsRequest(topics=states, timeout_ms=10_000)

        return Case(
            f"DeleteTopics: {name}", request, None if topics else ends(delete_topics.DeleteTopicsRequest)
        )

    made = f"made-{hash_of('one')}-" + "{}"
    yield deleting("one", made)
    yield deleting("the same again", made)
    yield deleting("unknown", "nowhere")
    yield deleting("a bad name", "a/b")
    yield deleting("an empty name", "")
    yield deleting("one twice", "doomed-{}", "doomed-{}")
    yield deleting("nothing")
    yield deleting("an unknown id", ids=[NOBODY])
    yield deleting("an unknown id twice", ids=[NOBODY, NOBODY])
    yield deleting("the zero id", ids=[Uuid(bytes(16))])
    yield deleting("by name and id", by_both=True)
    yield deleting("one by id", ids=[id_of("doomed-id")])


def topic_cases() -> list[Case]:
    return [*metadata_cases(), *create_cases(), *change_cases(), *delete_cases()]
