"""Log lines of a running node: one line an event, `time level logger: message`, on stderr."""

from __future__ import annotations

import logging
import sys
import time

import click

LEVELS = ("debug", "info", "warning", "error")
COLOURS = {
    logging.WARNING: "yellow",
    logging.ERROR: "red",
    logging.CRITICAL: "red",
    logging.DEBUG: "bright_black",
}


class LineFormatter(logging.Formatter):
    """ISO time in UTC with milliseconds; a message of several lines stays one line, a traceback follows it."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self.colour = colour

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        level = f"{record.levelname:<7}"
        if self.colour and record.levelno in COLOURS:
            level = click.style(level, fg=COLOURS[record.levelno])
        message = record.getMessage().replace("\n", "\\n")
        line = f"{moment}.{int(record.msecs):03d}Z {level} {record.name}: {message}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return line


def set_up(level: str) -> None:
    """Send every logger's lines from `level` on to stderr; coloured on a terminal unless NO_COLOR is set."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(colour=colours_wanted()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def colours_wanted() -> bool:
    from os import environ

    return sys.stderr.isatty() and not environ.get("NO_COLOR")
