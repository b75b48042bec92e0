"""`python -m ottla`: the command line, also where no `ottla` is on the PATH."""

from __future__ import annotations

from ottla.cli.main import main

if __name__ == "__main__":
    main(prog_name="ottla")
