"""How long to wait before trying again: doubling, bounded, and never in step with the others (KIP-580)."""

from __future__ import annotations

from ottla.client.settings import ClientSettings
from ottla.world.doors import Chance

JITTER_PERCENT = 20
DOUBLINGS_MAX = 20


def backoff_ms(attempt: int, settings: ClientSettings, chance: Chance) -> int:
    """Milliseconds before attempt number `attempt` (1 is the first retry), up to 20 % more or less by chance."""
    base = settings.retry_backoff_ms << min(attempt - 1, DOUBLINGS_MAX)
    base = min(base, settings.retry_backoff_max_ms)
    spread = base * JITTER_PERCENT // 100
    return base - spread + chance.below(2 * spread + 1)
