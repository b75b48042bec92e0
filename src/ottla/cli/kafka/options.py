"""Options as Kafka's tools read them: long names, in full, values behind a blank or `=`.

Wrong ones end as there: what is wrong on stderr, then what can be given, exit code 1. The words of the errors are those that
people's scripts look for; the descriptions of options are ours.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import NamedTuple, NoReturn

WIDTH = 100
COLUMN = 42


class Option(NamedTuple):
    """`value`: what the argument is called in the help, None for a flag. `optional`: the argument may be left out."""

    name: str
    value: str | None
    help: str
    optional: bool = False


class Ended(Exception):
    """The tool is done, with this exit code, after these words on stderr (or stdout, when `out`)."""

    def __init__(self, code: int, text: str = "", *, out: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.out = out


class BadArgument(ValueError):
    """The value of an option is not what it should be. Kafka's tools find out when they use it."""


class Given:
    """What a command line said: each option with its values, in order."""

    def __init__(self, tool: Options, values: dict[str, list[str | None]]) -> None:
        self._tool = tool
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def one(self, name: str) -> str | None:
        """The value of an option that stands once. Raises BadArgument when it stands twice."""
        values = self._values.get(name, [])
        if len(values) > 1:
            raise BadArgument(f"Found multiple arguments for option {name}, but you asked for only one")
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        return [each for each in self._values.get(name, []) if each is not None]

    def number(self, name: str) -> int | None:
        """Raises BadArgument for what is no number."""
        text = self.one(name)
        if text is None:
            return None
        try:
            return int(text)
        except ValueError:
            raise BadArgument(f"Cannot parse argument '{text}' of option {name}") from None

    def require(self, *names: str) -> None:
        """Raises Ended for the first that is missing."""
        for name in names:
            if name not in self:
                self._tool.refuse(f'Missing required argument "[{name}]"')

    def refuse_together(self, name: str, others: Iterable[str]) -> None:
        """Raises Ended when one of the others stands beside `name`."""
        for other in others:
            if name in self and other in self:
                self._tool.refuse(f'Option "[{name}]" can\'t be used with option "[{other}]"')


class Options:
    """What a tool can be given."""

    def __init__(self, about: str, options: Sequence[Option], *, before: str = "") -> None:
        """`before`: what the tool says before it names a mistake."""
        self.about = about
        self._before = before
        self._options = {each.name: each for each in (*options, *COMMON)}

    def parse(self, words: Sequence[str]) -> Given:
        """Raises Ended for what cannot be read, and for --help and --version."""
        values: dict[str, list[str | None]] = {}
        left = list(words)
        while left:
            word = left.pop(0)
            if not word.startswith("--") or word == "--":
                self.mistake(
                    f"{word} is not a recognized option" if word.startswith("-") else f"Unexpected: {word}"
                )
            name, equals, value = word[2:].partition("=")
            option = self._meant(name)
            if option.value is None:
                if equals:
                    self.mistake(f"Option {option.name} does not take an argument")
                values.setdefault(option.name, []).append(None)
                continue
            if not equals:
                has_value = bool(left) and not left[0].startswith("--")
                if not has_value and not option.optional:
                    self.mistake(f"Option {option.name} requires an argument")
                value = left.pop(0) if has_value else ""
            values.setdefault(option.name, []).append(value)
        if "help" in values or not words:
            self.refuse(self.about)
        if "version" in values:
            from ottla import __version__

            raise Ended(0, f"4.3.0 (ottla {__version__})\n", out=True)
        return Given(self, values)

    def _meant(self, name: str) -> Option:
        option = self._options.get(name)
        if option is None:
            self.mistake(f"{name} is not a recognized option")
        return option

    def mistake(self, message: str) -> NoReturn:
        """Raises Ended for words that cannot be read."""
        self.refuse(f"{self._before}{message}")

    def refuse(self, message: str) -> NoReturn:
        """Raises Ended: the message, and what can be given."""
        raise Ended(1, f"{message}\n{self.usage()}")

    def usage(self) -> str:
        lines = [f"{'Option':{COLUMN}}Description", f"{'------':{COLUMN}}-----------"]
        for option in sorted(self._options.values()):
            value = (
                ""
                if option.value is None
                else f" [{option.value}]"
                if option.optional
                else f" <{option.value}>"
            )
            words = textwrap.wrap(option.help, WIDTH - COLUMN)
            first, rest = words[0], words[1:]
            lines.append(f"{f'--{option.name}{value}':{COLUMN - 1}} {first}")
            lines += [" " * COLUMN + each for each in rest]
        return "\n".join(lines) + "\n"


COMMON = (
    Option("help", None, "Show what can be given."),
    Option("version", None, "Show the version."),
)
BOOTSTRAP = Option("bootstrap-server", "server to connect to", "Where the cluster is: HOST:PORT,...")
CONFIG = Option("command-config", "file", "A file of client properties.")
