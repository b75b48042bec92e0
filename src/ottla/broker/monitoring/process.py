"""The process itself: memory, processor time, open files, Python's garbage collector."""

from __future__ import annotations

import gc
import platform

from ottla import __version__
from ottla.broker.monitoring.exposition import Page
from ottla.world.doors import ProcessFacts


def process(page: Page, facts: ProcessFacts) -> None:
    page.counter("process_cpu_seconds_total", facts.cpu_seconds, text="User and system processor time.")
    if facts.resident_bytes is not None:
        page.gauge("process_resident_memory_bytes", facts.resident_bytes, text="Resident memory.")
    if facts.open_files is not None:
        page.gauge("process_open_fds", facts.open_files, text="Open file descriptors.")
    page.gauge("process_max_fds", facts.open_files_max, text="Limit of open file descriptors.")
    page.gauge("process_start_time_seconds", facts.start_time, text="When the process started.")


def python(page: Page) -> None:
    for generation, stats in enumerate(gc.get_stats()):
        labels = {"generation": str(generation)}
        page.counter("python_gc_collections_total", stats["collections"], labels, "Garbage collections.")
        page.counter("python_gc_objects_collected_total", stats["collected"], labels, "Objects collected.")
    labels = {"implementation": platform.python_implementation(), "version": platform.python_version()}
    page.gauge("python_info", 1, labels, "The Python underneath.")
    page.gauge("ottla_build_info", 1, {"version": __version__}, "The version of Ottla.")
