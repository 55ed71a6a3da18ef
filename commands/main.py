"""The group `htn`, and how errors become exit codes."""

import importlib
import json
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from htn.errors import HtnError, did_you_mean

# A command's module is imported when the command is used: `htn --help` stays quick.
_COMMANDS = {
    "plan": "Show how a task is decomposed, or why it cannot be.",
    "run": "Plan a task, learn what is missing, and carry it out.",
    "learn": "Have the model write an operator that nobody has written.",
    "library": "List and show what was learned.",
    "doctor": "Check Python, Redis, Docker, the image and the model.",
}


class LazyGroup(click.Group):
    """Commands that are imported when they are used, and errors that become exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; say which one may have been meant."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            hints = "".join(f"\nhint: {hint}" for hint in did_you_mean(args[0], list(_COMMANDS)))
            raise click.UsageError(f"there is no command {args[0]!r}{hints}", ctx)
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:
        """Run, and end the process with the exit code that the outcome has."""
        words = list(sys.argv[1:] if args is None else args)
        extra |= {"standalone_mode": False, "prog_name": "htn"}
        try:
            code = super().main(words, *rest, **extra)
        except click.exceptions.Exit as done:
            code = done.exit_code
        except click.ClickException as error:
            error.show()
            code = 2
        except (click.Abort, KeyboardInterrupt):
            click.echo("interrupted", err=True)
            code = 130
        except BrokenPipeError:
            sys.stderr.close()
            code = 0
        except HtnError as error:
            code = _report(error, words)
        except Exception as error:  # noqa: BLE001  # the last resort: what arrives here is our own bug
            code = _confess(error, words)
        sys.exit(code if isinstance(code, int) else 0)


def _report(error: HtnError, words: Sequence[str]) -> int:
    if "--debug" in words:
        traceback.print_exception(error)
    if "--json" in words:
        document = {
            "error": error.code,
            "message": error.message,
            "where": error.where,
            "hints": list(error.hints),
            "exit_code": error.exit_code,
        }
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    click.echo(error.explain(), err=True)
    return error.exit_code


def _confess(error: Exception, words: Sequence[str]) -> int:
    if "--debug" in words:
        traceback.print_exception(error)
    click.echo(f"error[bug]: {type(error).__name__}: {error}", err=True)
    click.echo("hint: this is a bug of ours; run again with --debug and report the traceback", err=True)
    return 1


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with: htn plan travel 'travel(alice, home, park)'",
)
@click.version_option(package_name="htn-planner", prog_name="htn")
def htn() -> None:
    """Plan with what is known; learn, with evidence, what is not.

    A task is decomposed by methods into actions. Where nobody knows how to do a step, `htn plan` says so;
    `htn run` and `htn learn` have a language model write it, and keep it once it has proved itself.

    \b
    Shell completion: eval "$(_HTN_COMPLETE=bash_source htn)"     (or zsh_source, fish_source)
    """
