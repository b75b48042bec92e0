"""The real world: the four doors opened on this machine."""

from __future__ import annotations

import asyncio

from ottla.world.doors import World


def real_world(loop: asyncio.AbstractEventLoop | None = None) -> World:
    """All four doors on `loop` (the running one when not given)."""
    from ottla.world.real.chance import RealChance
    from ottla.world.real.clock import RealClock
    from ottla.world.real.disk import RealDisk
    from ottla.world.real.network import RealNetwork

    loop = loop or asyncio.get_running_loop()
    return World(clock=RealClock(loop), network=RealNetwork(loop), disk=RealDisk(loop), chance=RealChance())
