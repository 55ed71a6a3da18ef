"""The command line: one file per group of commands, each loaded when it is used.

Results go to standard output, progress and errors to standard error; `--json` makes the result one JSON document.
Exit codes: 0 done, 1 our bug, 2 usage, 3 no plan, 4 execution failed, 5 a gap stayed open, 6 budget or limit,
7 a service is missing, 130 interrupted.
"""

from commands.main import htn

__all__ = ["htn"]
