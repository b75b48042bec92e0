"""Configs, the cluster, quotas, credentials and the rest of administration."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ottla.core.model.ids import Uuid
from ottla.core.wire.messages import (
    add_raft_voter,
    alter_client_quotas,
    alter_configs,
    alter_replica_log_dirs,
    alter_user_scram_credentials,
    api_versions,
    create_acls,
    create_delegation_token,
    delete_acls,
    describe_acls,
    describe_client_quotas,
    describe_cluster,
    describe_configs,
    describe_delegation_token,
    describe_log_dirs,
    describe_quorum,
    describe_user_scram_credentials,
    expire_delegation_token,
    find_coordinator,
    get_telemetry_subscriptions,
    incremental_alter_configs,
    list_config_resources,
    push_telemetry,
    remove_raft_voter,
    renew_delegation_token,
    sasl_authenticate,
    sasl_handshake,
    unregister_broker,
    update_features,
)
from tests.conformance.differences.case import Case

TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = 0, 1, 2, 3


def config_cases() -> Iterator[Case]:
    def describing(name: str, kind: int, resource: str, keys: list[str] | None, **more: bool) -> Case:
        def request(version: int) -> describe_configs.DescribeConfigsRequest:
            asked = describe_configs.DescribeConfigsResource(
                resource_type=kind, resource_name=resource, configuration_keys=keys
            )
            return describe_configs.DescribeConfigsRequest(resources=[asked], **more)

        return Case(f"DescribeConfigs: {name}", request, (1, 3, 4))

    def altering(
        name: str, kind: int, resource: str, *changes: tuple[str, int, str | None], check: bool = False
    ) -> Case:
        items = [
            incremental_alter_configs.AlterableConfig(name=key, config_operation=operation, value=value)
            for key, operation, value in changes
        ]
        of = incremental_alter_configs.AlterConfigsResource(
            resource_type=kind, resource_name=resource, configs=items
        )
        request = incremental_alter_configs.IncrementalAlterConfigsRequest(
            resources=[of], validate_only=check
        )
        return Case(f"IncrementalAlterConfigs: {name}", request)

    def replacing(name: str, kind: int, resource: str, **values: str | None) -> Case:
        items = [
            alter_configs.AlterableConfig(name=key.replace("_", "."), value=value)
            for key, value in values.items()
        ]
        of = alter_configs.AlterConfigsResource(resource_type=kind, resource_name=resource, configs=items)
        return Case(f"AlterConfigs: {name}", alter_configs.AlterConfigsRequest(resources=[of]))

    yield describing("a topic", TOPIC, "data", None, include_synonyms=True)
    yield describing("some of a topic", TOPIC, "compacted", ["cleanup.policy", "no.such"])
    yield describing("no keys", TOPIC, "data", [])
    yield describing("an unknown topic", TOPIC, "nowhere", None)
    yield describing("a bad topic", TOPIC, "a/b", None)
    yield describing("the broker", BROKER, "1", ["num.partitions", "log.retention.ms"], include_synonyms=True)
    yield describing("all brokers", BROKER, "", None)
    yield describing("another broker", BROKER, "9", None)
    yield describing("a broker that is no number", BROKER, "x", None)
    yield describing("an unknown kind", 77, "x", None)
    yield describing("a group", GROUP, "g", None)
    yield describing("an empty group", GROUP, "", None)
    yield describing("client metrics", METRICS, "m", None)
    yield describing("empty client metrics", METRICS, "", None)
    yield altering("a topic", TOPIC, "changing", ("retention.ms", SET, "5000"))
    yield altering("append", TOPIC, "changing", ("cleanup.policy", APPEND, "compact"))
    yield altering("append again", TOPIC, "changing", ("cleanup.policy", APPEND, "compact"))
    yield altering("subtract", TOPIC, "changing", ("cleanup.policy", SUBTRACT, "delete"))
    yield altering("append to a number", TOPIC, "changing", ("retention.ms", APPEND, "1"))
    yield altering("delete", TOPIC, "changing", ("retention.ms", DELETE, None))
    yield altering("delete what is not set", TOPIC, "changing", ("segment.ms", DELETE, None))
    yield altering("one key twice", TOPIC, "changing", ("retention.ms", SET, "1"), ("retention.ms", SET, "2"))
    yield altering("a null", TOPIC, "changing", ("retention.ms", SET, None))
    yield altering("an empty value", TOPIC, "changing", ("retention.ms", SET, ""))
    yield altering("an unknown operation", TOPIC, "changing", ("retention.ms", 9, "1"))
    yield altering("an unknown key", TOPIC, "changing", ("no.such", SET, "1"))
    yield altering("a wrong value", TOPIC, "changing", ("retention.ms", SET, "x"))
    yield altering("only check", TOPIC, "changing", ("retention.ms", SET, "77"), check=True)
    yield altering("only check a wrong value", TOPIC, "changing", ("retention.ms", SET, "x"), check=True)
    yield altering("an unknown topic", TOPIC, "nowhere", ("retention.ms", SET, "5000"))
    yield altering("a bad topic", TOPIC, "a/b", ("retention.ms", SET, "5000"))
    yield altering("nothing", TOPIC, "changing")
    yield altering("an unknown kind", 77, "x", ("a", SET, "b"))
    yield altering("the kind 0", 0, "x", ("a", SET, "b"))
    yield altering("the broker", BROKER, "1", ("log.cleaner.threads", SET, "2"))
    yield altering("all brokers", BROKER, "", ("log.cleaner.backoff.ms", SET, "1000"))
    yield altering("another broker", BROKER, "9", ("log.cleaner.threads", SET, "1"))
    yield altering("no broker", BROKER, "x", ("log.cleaner.threads", SET, "1"))
    yield altering("a fixed one of the broker", BROKER, "1", ("broker.id", SET, "7"))
    yield altering("an unknown one of the broker", BROKER, "1", ("my.own", SET, "7"))
    yield altering("a wrong one of the broker", BROKER, "1", ("log.cleaner.threads", SET, "x"))
    yield altering("a group", GROUP, "g", ("consumer.session.timeout.ms", SET, "50000"))
    yield altering("a wrong one of a group", GROUP, "g", ("consumer.session.timeout.ms", SET, "1"))
    yield altering("an empty group", GROUP, "", ("consumer.session.timeout.ms", SET, "50000"))
    yield altering("client metrics", METRICS, "m", ("interval.ms", SET, "1000"))
    yield altering("wrong client metrics", METRICS, "m", ("interval.ms", SET, "1"))
    yield altering("a logger", LOGGER, "1", ("kafka", SET, "LOUD"))
    yield describing("after the changes", TOPIC, "changing", None)
    yield describing("the broker after", BROKER, "1", ["log.cleaner.threads"], include_synonyms=True)
    yield describing("all brokers after", BROKER, "", None)
    yield describing("the group after", GROUP, "g", ["consumer.session.timeout.ms"])
    yield replacing("a topic", TOPIC, "changing", retention_ms="9000", segment_ms="10000")
    yield replacing("an unknown key", TOPIC, "changing", no_such="1")
    yield replacing("a wrong value", TOPIC, "changing", retention_ms="x")
    yield replacing("a null", TOPIC, "changing", retention_ms=None)
    yield replacing("an unknown topic", TOPIC, "nowhere", retention_ms="9000")
    yield replacing("nothing", TOPIC, "changing")
    yield replacing("the broker", BROKER, "1", log_cleaner_threads="1")
    yield describing("after the replacement", TOPIC, "changing", None)
    for kinds in ([], [TOPIC], [BROKER], [GROUP], [METRICS], [TOPIC, GROUP], [77], [LOGGER]):
        yield Case(
            f"ListConfigResources: {kinds}",
            list_config_resources.ListConfigResourcesRequest(resource_types=kinds),
            (1,) if kinds else (0, 1),
        )


def cluster_cases() -> Iterator[Case]:
    for name, software, release in (
        ("well", "probe", "1.0"),
        ("no name", "", ""),
        ("a bad name", "a b/", "1"),
        ("a bad version", "probe", "-"),
    ):
        yield Case(
            f"ApiVersions: {name}",
            api_versions.ApiVersionsRequest(client_software_name=software, client_software_version=release),
        )
    ask = describe_cluster.DescribeClusterRequest
    yield Case("DescribeCluster: plain", ask())
    yield Case("DescribeCluster: operations", ask(include_cluster_authorized_operations=True))
    yield Case("DescribeCluster: controllers", ask(endpoint_type=2), (1, 2))
    yield Case("DescribeCluster: an unknown kind", ask(endpoint_type=7), (1, 2))
    yield Case("DescribeCluster: fenced too", ask(include_fenced_brokers=True), (2,))
    for name, topic, partition in (
        ("the quorum", "__cluster_metadata", 0),
        ("another partition", "__cluster_metadata", 1),
        ("another topic", "data", 0),
        ("none", "", 0),
    ):
        of = describe_quorum.TopicDataRequest(
            topic_name=topic, partitions=[describe_quorum.PartitionDataRequest(partition_index=partition)]
        )
        yield Case(f"DescribeQuorum: {name}", describe_quorum.DescribeQuorumRequest(topics=[of]))
    yield Case("DescribeQuorum: nothing", describe_quorum.DescribeQuorumRequest())
    for broker in (9, -1):
        yield Case(f"UnregisterBroker: {broker}", unregister_broker.UnregisterBrokerRequest(broker_id=broker))

    def updating(name: str, feature: str, level: int, kind: int, *, check: bool = True) -> Case:
        def request(version: int) -> update_features.UpdateFeaturesRequest:
            one = update_features.FeatureUpdateKey(
                feature=feature,
                max_version_level=level,
                upgrade_type=kind if version else 1,
                allow_downgrade=kind > 1 and not version,
            )
            return update_features.UpdateFeaturesRequest(
                feature_updates=[one], validate_only=check and version > 0
            )

        return Case(f"UpdateFeatures: {name}", request)

    yield updating("unknown", "no.such", 1, 1)
    yield updating("too high", "metadata.version", 99, 1)
    yield updating("as it is", "metadata.version", 30, 1)
    yield updating("too low", "metadata.version", 1, 2)
    yield updating("a downgrade that is none", "metadata.version", 29, 1)
    yield updating("negative", "group.version", -1, 2)
    yield updating("an unknown kind", "group.version", 1, 9)
    yield Case("UpdateFeatures: nothing", update_features.UpdateFeaturesRequest())
    yield Case("AddRaftVoter: in a static quorum", add_raft_voter.AddRaftVoterRequest(voter_id=2))
    yield Case("RemoveRaftVoter: in a static quorum", remove_raft_voter.RemoveRaftVoterRequest(voter_id=2))
    yield Case(
        "FindCoordinator: an unknown kind", find_coordinator.FindCoordinatorRequest(key_type=9), (1, 3)
    )


def directory_cases() -> Iterator[Case]:
    ask = describe_log_dirs.DescribeLogDirsRequest
    some = describe_log_dirs.DescribableLogDirTopic(topic="data", partitions=[0, 9])
    nowhere = describe_log_dirs.DescribableLogDirTopic(topic="nowhere", partitions=[0])
    yield Case("DescribeLogDirs: some", ask(topics=[some]))
    yield Case("DescribeLogDirs: none", ask(topics=[]))
    yield Case("DescribeLogDirs: unknown", ask(topics=[nowhere]))
    yield Case("DescribeLogDirs: all", ask(topics=None))
    for name, path, topic, partitions in (
        ("a directory that is none", "/nowhere", "data", [0]),
        ("an unknown topic", "/nowhere", "nowhere", [0]),
        ("no partitions", "/nowhere", "data", []),
        ("a relative path", "nowhere", "data", [0]),
    ):
        of = alter_replica_log_dirs.AlterReplicaLogDirTopic(name=topic, partitions=partitions)
        to = alter_replica_log_dirs.AlterReplicaLogDir(path=path, topics=[of])
        yield Case(
            f"AlterReplicaLogDirs: {name}", alter_replica_log_dirs.AlterReplicaLogDirsRequest(dirs=[to])
        )
    yield Case("AlterReplicaLogDirs: nothing", alter_replica_log_dirs.AlterReplicaLogDirsRequest())


def quota_cases() -> Iterator[Case]:
    def changing(
        name: str, entity: list[tuple[str, str | None]], key: str, value: float, remove: bool
    ) -> Case:
        who = [alter_client_quotas.EntityDataRequest(entity_type=kind, entity_name=of) for kind, of in entity]
        entry = alter_client_quotas.EntryDataRequest(
            entity=who, ops=[alter_client_quotas.OpData(key=key, value=value, remove=remove)]
        )
        return Case(
            f"AlterClientQuotas: {name}", alter_client_quotas.AlterClientQuotasRequest(entries=[entry])
        )

    rate = "producer_byte_rate"
    yield changing("a user", [("user", "u")], rate, 1000.0, False)
    yield changing("any client", [("client-id", None)], rate, 2000.0, False)
    yield changing("both", [("user", "u"), ("client-id", "c")], rate, 3000.0, False)
    yield changing("an address", [("ip", "127.0.0.9")], "connection_creation_rate", 10.0, False)
    yield changing("a wrong address", [("ip", "nowhere at all")], "connection_creation_rate", 10.0, False)
    yield changing("an address with a user", [("ip", "127.0.0.9"), ("user", "u")], rate, 10.0, False)
    yield changing("nobody", [], rate, 1.0, False)
    yield changing("an unknown kind", [("planet", "x")], rate, 1.0, False)
    yield changing("an empty name", [("user", "")], rate, 1.0, False)
    yield changing("an unknown key", [("user", "u")], "no_such", 1.0, False)
    yield changing("a fraction", [("user", "u")], rate, 1.5, False)
    yield changing("negative", [("user", "u")], rate, -1.0, False)
    yield changing("zero", [("user", "u")], rate, 0.0, False)
    yield changing("remove", [("client-id", None)], rate, 0.0, True)
    yield changing("remove what is not there", [("user", "other")], rate, 0.0, True)

    def finding(name: str, *components: tuple[str, int, str | None], strict: bool = False) -> Case:
        parts = [
            describe_client_quotas.ComponentData(entity_type=kind, match_type=how, match=what)
            for kind, how, what in components
        ]
        return Case(
            f"DescribeClientQuotas: {name}",
            describe_client_quotas.DescribeClientQuotasRequest(components=parts, strict=strict),
        )

    yield finding("all")
    yield finding("a user", ("user", 0, "u"))
    yield finding("a user strictly", ("user", 0, "u"), strict=True)
    yield finding("the default", ("client-id", 1, None))
    yield finding("any user", ("user", 2, None))
    yield finding("an unknown kind", ("planet", 0, "x"))
    yield finding("an unknown match", ("user", 9, "x"))
    yield finding("an empty kind", ("", 0, "x"))
    yield finding("the same kind twice", ("user", 0, "u"), ("user", 0, "v"))
    yield finding("an address and a user", ("ip", 2, None), ("user", 2, None))


def credential_cases() -> Iterator[Case]:
    scram = alter_user_scram_credentials

    def storing(name: str, user: str, mechanism: int, iterations: int, password: bytes = b"p" * 32) -> Case:
        one = scram.ScramCredentialUpsertion(
            name=user, mechanism=mechanism, iterations=iterations, salt=b"salt", salted_password=password
        )
        return Case(
            f"AlterUserScramCredentials: {name}", scram.AlterUserScramCredentialsRequest(upsertions=[one])
        )

    yield storing("store", "u", 1, 4096)
    yield storing("no name", "", 1, 4096)
    yield storing("an unknown mechanism", "u", 9, 4096)
    yield storing("too few rounds", "u", 1, 10)
    yield storing("too many rounds", "u", 1, 1_000_000)
    for name, user, mechanism in (
        ("delete none", "other", 1),
        ("delete the other mechanism", "u", 2),
        ("delete an unknown mechanism", "u", 0),
        ("delete no name", "", 1),
    ):
        gone = scram.ScramCredentialDeletion(name=user, mechanism=mechanism)
        yield Case(
            f"AlterUserScramCredentials: {name}", scram.AlterUserScramCredentialsRequest(deletions=[gone])
        )
    yield Case(
        "AlterUserScramCredentials: store and delete",
        scram.AlterUserScramCredentialsRequest(
            deletions=[scram.ScramCredentialDeletion(name="u", mechanism=1)],
            upsertions=[
                scram.ScramCredentialUpsertion(
                    name="u", mechanism=1, iterations=4096, salt=b"s", salted_password=b"p" * 32
                )
            ],
        ),
    )
    found = describe_user_scram_credentials
    for name, users in (
        ("all", None),
        ("none", []),
        ("some", ["u"]),
        ("unknown", ["other"]),
        ("twice", ["u", "u"]),
        ("no name", [""]),
    ):
        asked = None if users is None else [found.UserName(name=each) for each in users]
        yield Case(
            f"DescribeUserScramCredentials: {name}", found.DescribeUserScramCredentialsRequest(users=asked)
        )


def security_cases() -> Iterator[Case]:
    yield Case("DescribeAcls: all", describe_acls.DescribeAclsRequest(1, None, 1, None, None, 1, 1))
    yield Case(
        "DescribeAcls: unknown kinds", describe_acls.DescribeAclsRequest(99, None, 1, None, None, 1, 1)
    )
    one = create_acls.AclCreation(2, "data", 3, "User:u", "*", 3, 3)
    yield Case("CreateAcls: one", create_acls.CreateAclsRequest(creations=[one]))
    yield Case("CreateAcls: two", create_acls.CreateAclsRequest(creations=[one, one]))
    any_of = delete_acls.DeleteAclsFilter(1, None, 1, None, None, 1, 1)
    yield Case("DeleteAcls: all", delete_acls.DeleteAclsRequest(filters=[any_of]))
    token = create_delegation_token
    yield Case("CreateDelegationToken: one", token.CreateDelegationTokenRequest(max_lifetime_ms=1000))
    yield Case("RenewDelegationToken: one", renew_delegation_token.RenewDelegationTokenRequest(hmac=b"x"))
    yield Case("ExpireDelegationToken: one", expire_delegation_token.ExpireDelegationTokenRequest(hmac=b"x"))
    all_of = describe_delegation_token.DescribeDelegationTokenRequest(owners=None)
    yield Case("DescribeDelegationToken: all", all_of)
    yield Case("SaslHandshake: PLAIN", sasl_handshake.SaslHandshakeRequest(mechanism="PLAIN"))
    yield Case("SaslAuthenticate: PLAIN", sasl_authenticate.SaslAuthenticateRequest(auth_bytes=b"\0u\0p"))


def telemetry_cases() -> Iterator[Case]:
    ask = get_telemetry_subscriptions.GetTelemetrySubscriptionsRequest
    push = push_telemetry.PushTelemetryRequest
    someone = Uuid(b"somebody-or-other"[:16])
    other = Uuid(b"another-somebody!"[:16])
    make: Callable[[Uuid, int], push_telemetry.PushTelemetryRequest] = lambda who, what: push(  # noqa: E731
        client_instance_id=who, subscription_id=what, metrics=b"m"
    )
    yield Case("GetTelemetrySubscriptions: a new client", ask())
    yield Case("GetTelemetrySubscriptions: one that has an id", ask(client_instance_id=someone))
    yield Case("GetTelemetrySubscriptions: the same at once", ask(client_instance_id=someone))
    yield Case("PushTelemetry: an unknown subscription", make(someone, 0))
    yield Case("PushTelemetry: the same at once", make(someone, 0))
    yield Case("PushTelemetry: one that never asked", make(other, 5))
    yield Case("PushTelemetry: no id", make(Uuid(bytes(16)), 5))


def admin_cases() -> list[Case]:
    return [
        *config_cases(),
        *cluster_cases(),
        *directory_cases(),
        *quota_cases(),
        *credential_cases(),
        *security_cases(),
        *telemetry_cases(),
    ]
