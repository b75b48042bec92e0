"""A load generator: `python -m benchmarks.load WAY '{"port": …}'` works to its end and prints what it measured as JSON.

It runs as a process of its own, so that it costs the measured node nothing but its share of the machine.
"""

from __future__ import annotations

import gc
import json
import sys
import time

from benchmarks.load import pace, raw, session


def main() -> None:
    way, asked = sys.argv[1], json.loads(sys.argv[2])
    ways = {**raw.WAYS, **pace.WAYS, **session.WAYS}
    if way.startswith("librdkafka"):
        from benchmarks.load import librdkafka  # costs a library of its own to load

        ways = librdkafka.WAYS
    elif way not in ways:
        from benchmarks.load import coordination, sharing  # so does the whole protocol

        ways = {**coordination.WAYS, **sharing.WAYS}
    gc.disable()
    before = time.process_time()
    measured = ways[way](**asked)
    print(json.dumps({**measured, "generator_cpu": time.process_time() - before}), flush=True)


if __name__ == "__main__":
    main()
