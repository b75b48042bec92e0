"""`ottla metadata quorum`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from ottla.cli.options import DATA, output_option
from ottla.cli.output import DATA_FORMS, print_data, print_facts, print_table
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.client.admin.quorum import QuorumDescription, QuorumReplica
    from ottla.client.cluster import Cluster


@click.command()
@output_option(*DATA)
@target_options
def quorum(output: str, target: Target) -> None:
    """Who leads, votes and lags in the metadata quorum."""

    async def work(cluster: Cluster) -> QuorumDescription:
        from ottla.client.admin.quorum import Quorum

        return await Quorum(cluster).describe_quorum()

    row = described(ask(target, work), time.time_ns() // 1_000_000)
    if output in DATA_FORMS:
        print_data([row], output)
        return
    print_facts({name: value for name, value in row.items() if name != "replicas"})
    click.echo()
    columns = ["node", "role", "log_end_offset", "lag", "caught_up_ms_ago"]
    wide = ["fetched_ms_ago", "directory_id", "endpoints"]
    print_table(row["replicas"], columns + wide if output == "wide" else columns)


def described(found: QuorumDescription, now: int) -> dict[str, Any]:
    replicas = [(each, "leader" if each.id == found.leader_id else "voter") for each in found.voters]
    replicas += [(each, "observer") for each in found.observers]
    return {
        "leader": found.leader_id,
        "epoch": found.leader_epoch,
        "high_watermark": found.high_watermark,
        "voters": len(found.voters),
        "observers": len(found.observers),
        "replicas": [replica_row(each, role, found, now) for each, role in replicas],
    }


def replica_row(each: QuorumReplica, role: str, found: QuorumDescription, now: int) -> dict[str, Any]:
    from ottla.core.model.ids import ZERO_UUID, uuid_text

    end = found.log_end_offset
    return {
        "node": each.id,
        "role": role,
        "log_end_offset": each.log_end_offset,
        "lag": end - each.log_end_offset if end >= 0 else None,
        "caught_up_ms_ago": ago(each.last_caught_up_timestamp, now),
        "fetched_ms_ago": ago(each.last_fetch_timestamp, now),
        "directory_id": None if each.directory_id == ZERO_UUID else uuid_text(each.directory_id),
        "endpoints": [f"{name}://{address}" for name, address in found.nodes.get(each.id, {}).items()],
    }


def ago(timestamp: int, now: int) -> int | None:
    return max(0, now - timestamp) if timestamp >= 0 else None
