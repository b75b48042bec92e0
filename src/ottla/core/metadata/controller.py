"""The controller: the replicated machine over `__cluster_metadata`.

`handle` takes a request and decides which records to write; `apply` takes a record, whoever wrote it, and changes the
image. The controller applies its own records before they are committed, so that the next request sees them; the
runtime (`broker/quorum`) keeps every reply back until then. When an append fails, `reset` takes the machine back to
the last committed image.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ottla.core.metadata import (
    configs,
    controllers,
    directories,
    elections,
    features,
    heartbeats,
    partitions,
    producer_ids,
    quotas,
    reassignments,
    registrations,
    scram,
    security,
    topics,
)
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.placement import Chance
from ottla.core.metadata.state import (
    MAX_RECORDS_PER_BATCH,
    Command,
    ConfigRules,
    ControllerSettings,
    State,
    too_many_records,
)
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages import (
    allocate_producer_ids,
    alter_client_quotas,
    alter_configs,
    alter_partition,
    alter_partition_reassignments,
    alter_user_scram_credentials,
    assign_replicas_to_dirs,
    broker_heartbeat,
    broker_registration,
    controller_registration,
    create_acls,
    create_delegation_token,
    create_partitions,
    create_topics,
    delete_acls,
    delete_topics,
    elect_leaders,
    expire_delegation_token,
    incremental_alter_configs,
    list_partition_reassignments,
    renew_delegation_token,
    unregister_broker,
    update_features,
)
from ottla.core.wire.messages.records.metadata import RegisterBrokerRecord, UnregisterBrokerRecord

HANDLERS: Final[dict[type, Callable[[State, int, Command, Any], Outcome[object, Any]]]] = {
    allocate_producer_ids.AllocateProducerIdsRequest: producer_ids.allocate,
    alter_client_quotas.AlterClientQuotasRequest: quotas.alter_quotas,
    alter_configs.AlterConfigsRequest: configs.legacy_alter,
    alter_partition.AlterPartitionRequest: partitions.alter_partition,
    alter_partition_reassignments.AlterPartitionReassignmentsRequest: reassignments.alter_reassignments,
    alter_user_scram_credentials.AlterUserScramCredentialsRequest: scram.alter_credentials,
    assign_replicas_to_dirs.AssignReplicasToDirsRequest: directories.assign_replicas,
    broker_heartbeat.BrokerHeartbeatRequest: heartbeats.heartbeat,
    broker_registration.BrokerRegistrationRequest: registrations.register_broker,
    controller_registration.ControllerRegistrationRequest: controllers.register_controller,
    create_acls.CreateAclsRequest: security.create_acls,
    create_delegation_token.CreateDelegationTokenRequest: security.create_token,
    create_partitions.CreatePartitionsRequest: partitions.create_partitions,
    create_topics.CreateTopicsRequest: topics.create_topics,
    delete_acls.DeleteAclsRequest: security.delete_acls,
    delete_topics.DeleteTopicsRequest: topics.delete_topics,
    elect_leaders.ElectLeadersRequest: elections.elect_leaders,
    expire_delegation_token.ExpireDelegationTokenRequest: security.expire_token,
    incremental_alter_configs.IncrementalAlterConfigsRequest: configs.incremental_alter,
    list_partition_reassignments.ListPartitionReassignmentsRequest: reassignments.list_reassignments,
    renew_delegation_token.RenewDelegationTokenRequest: security.renew_token,
    unregister_broker.UnregisterBrokerRequest: registrations.unregister_broker,
    update_features.UpdateFeaturesRequest: features.update_features,
}

CLUSTER_REQUESTS: Final = frozenset(
    {
        alter_partition.AlterPartitionRequest,
        assign_replicas_to_dirs.AssignReplicasToDirsRequest,
        broker_heartbeat.BrokerHeartbeatRequest,
        broker_registration.BrokerRegistrationRequest,
        unregister_broker.UnregisterBrokerRequest,
    }
)
"""They touch as many partitions as a broker has; each partition's record stands for itself, in as many batches as needed."""


class Controller:
    """A `ReplicatedMachine` of commands and metadata records, plus what time alone makes it do (`deadline`, `tick`)."""

    def __init__(self, settings: ControllerSettings, rules: ConfigRules, chance: Chance) -> None:
        self.state = State(settings, rules, chance)
        self._balance_at: int | None = None

    @property
    def image(self) -> MetadataImage:
        return self.state.image

    def activate(self, now: int) -> None:
        """Become the active controller: other brokers get a full session before silence counts against them.

        Our own node's broker gets none: it lives in this process, so an earlier incarnation of it is surely gone.
        """
        for broker in self.image.brokers.values():
            if not broker.fenced and broker.id != self.state.settings.node_id:
                self.state.sessions.touch(broker.id, now)
        self._balance_at = now + self.state.settings.leader_imbalance_check_interval_ms

    def handle(self, now: int, command: Command) -> Outcome[object, Any]:
        """Decide on one request; changes no state that a log remembers. Raises KafkaError.

        What people ask for is written in one batch, whole or not at all, and so has a bound.
        """
        handler = HANDLERS.get(type(command.body))
        if handler is None:
            raise KafkaError(
                ErrorCode.UNSUPPORTED_VERSION,
                f"The controller does not serve {type(command.body).__name__}.",
            )
        outcome = handler(self.state, now, command, command.body)
        if len(outcome.records) > MAX_RECORDS_PER_BATCH and type(command.body) not in CLUSTER_REQUESTS:
            raise too_many_records()
        return outcome

    def apply(self, offset: int, record: object) -> None:
        """Let a record change the image. Raises ReplayError when it does not fit."""
        self.image.apply(record)
        self.image.offset = offset
        if isinstance(record, RegisterBrokerRecord):
            self.state.registered_at[record.broker_id] = offset
        elif isinstance(record, UnregisterBrokerRecord):
            self.state.registered_at.pop(record.broker_id, None)
            self.state.sessions.forget(record.broker_id)

    def reset(self, committed: MetadataImage) -> None:
        """Forget everything that was applied but never committed."""
        self.state.image = committed.copy()

    @property
    def deadline(self) -> int | None:
        """When `tick` wants to be called: a broker's session ends, or leaders are to be rebalanced."""
        expiry = heartbeats.next_expiry(self.state)
        times = [at for at in (expiry, self._balance_at) if at is not None]
        return min(times, default=None)

    def tick(self, now: int) -> list[object]:
        """The records that time alone calls for; empty when nothing is due."""
        stale = heartbeats.stale_broker(self.state, now)
        if stale is not None:
            self.state.sessions.forget(stale.id)
            return heartbeats.fence_records(self.state, stale)
        if self._balance_at is None or now < self._balance_at:
            return []
        self._balance_at = now + self.state.settings.leader_imbalance_check_interval_ms
        return elections.rebalance(self.state) if self.state.settings.auto_leader_rebalance_enable else []
