"""`ottla completion`: what makes a shell complete commands, options, topics and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ottla.cli.target import Target, ask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ottla.client.cluster import Cluster

SHELLS = ("bash", "zsh", "fish")
PATIENCE_MS = 1500
"""How long a cluster may take over an answer to somebody who has pressed Tab."""
PATIENT = ("default.api.timeout.ms", "request.timeout.ms", "socket.connection.setup.timeout.ms")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, options, topics and groups.

    \b
    bash:  eval "$(ottla completion bash)"                in ~/.bashrc
    zsh:   eval "$(ottla completion zsh)"                 in ~/.zshrc
    fish:  ottla completion fish > ~/.config/fish/completions/ottla.fish
    """
    from click.shell_completion import get_completion_class

    from ottla.cli.main import main

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(main, {}, "ottla", "_OTTLA_COMPLETE").source())


def topic_names(context: click.Context, param: click.Parameter, start: str) -> list[str]:
    """Topics of the cluster that the command line names so far; none when it does not answer soon."""

    async def work(cluster: Cluster) -> list[str]:
        await cluster.refresh(None)
        return list(cluster.view.topics)

    return beginning(context, start, work)


def group_names(context: click.Context, param: click.Parameter, start: str) -> list[str]:
    """As `topic_names`, for groups."""

    async def work(cluster: Cluster) -> list[str]:
        from ottla.client.admin.groups import Groups

        groups, _ = await Groups(cluster).list_groups()
        return [each.group_id for each in groups]

    return beginning(context, start, work)


def beginning(
    context: click.Context, start: str, work: Callable[[Cluster], Awaitable[list[str]]]
) -> list[str]:
    async def names(cluster: Cluster) -> list[str]:
        return await work(cluster)

    try:
        found = ask(said_so_far(context), names)
    except click.ClickException:  # no cluster, no names: a Tab is no place for an error
        return []
    return sorted(name for name in found if name.startswith(start))


def said_so_far(context: click.Context) -> Target:
    given: dict[str, Any] = context.params
    quick = tuple(f"{key}={PATIENCE_MS}" for key in PATIENT)
    return Target(
        given.get("bootstrap"),
        given.get("context_name"),
        (*(given.get("extra") or ()), *quick),
        given.get("config_file"),
    )
