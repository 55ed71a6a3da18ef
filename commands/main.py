"""The group `htn`, and how errors become exit codes."""

import errno
import gc
import importlib
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

from commands.output import Outcome, close_output, form_of, tell
from htn.errors import HtnError, Trouble, UsageError, did_you_mean, told

# A command's module is imported when the command is used: `htn --help` stays quick.
_COMMANDS = {
    "plan": "Show how a task is decomposed, or why it cannot be.",
    "run": "Plan a task, learn what is missing, and carry it out.",
    "runs": "What is carried out, and what was: list, show, remove.",
    "watch": "Follow a run as it is carried out, here or elsewhere.",
    "resume": "Go on with a run that was left, where it was left.",
    "approve": "Allow what a run waits for, and go on with it.",
    "cancel": "Stop a run, wherever it is carried out.",
    "replay": "Go through a run again from its log, running nothing.",
    "worker": "Carry out steps of runs that other processes drive.",
    "learn": "Have the model write an operator that nobody has written.",
    "code": "Write, run, check, better and explain code that is no operator.",
    "library": "What was learned: list, show, go back, pin, export, compare.",
    "retries": "Say which steps of a run were tried again, and how often.",
    "proposals": "What waits for your approval: list, show, admit, reject.",
    "cache": "Say what the cache of results is good for, and empty it.",
    "models": "Say which models are asked for what, and how they are doing.",
    "mcp": "Serve the planner to agents over MCP.",
    "sandbox": "Build, list and try the images in which bodies run.",
    "serve": "Answer programs over HTTP.",
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
        # What was imported stays: no garbage is looked for among it, neither from here on nor when Python ends.
        gc.freeze()
        gc.enable()
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
            hints = (*did_you_mean(args[0], list(_COMMANDS)), "htn --help lists the commands")
            raise UsageError(f"there is no command {args[0]!r}", hints=hints)
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:
        """Run, tell what came of it, and end the process with the exit code that the outcome has."""
        words = list(sys.argv[1:] if args is None else args)
        # A closed terminal or a polite kill ends the program as Ctrl-C does: what was opened is closed.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        outcome = Outcome(form_of(words))
        extra |= {"standalone_mode": False, "prog_name": "htn", "obj": outcome}
        run = super().main
        code = _code(outcome, words, lambda: run(words, *rest, **extra))
        if outcome.trouble and "--debug" in words:
            tell(f"guide: docs/failures/{outcome.trouble.code}.md")
        # Telling may fail too, where standard output cannot be written.
        failed = Outcome()
        unheard = _code(failed, words, outcome.end)
        failed.end()
        close_output()
        sys.exit(code or unheard)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _code(outcome: Outcome, words: Sequence[str], work: Callable[[], Any]) -> int:
    """Do some work and return the exit code that it comes to. An error becomes the trouble of the outcome."""
    try:
        code = work()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return outcome.fail(_mistyped(error))
    except (click.Abort, KeyboardInterrupt):
        return outcome.interrupted()
    except BrokenPipeError:  # whoever followed the progress is gone, in the middle of the work
        return outcome.interrupted()
    except HtnError as error:
        _trace(error, words)
        return outcome.fail(error.trouble)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            return _confess(outcome, error, words)
        return outcome.fail(Trouble("usage", 2, f"cannot write: {error.strerror}"))
    except Exception as error:  # noqa: BLE001  # the last resort: what arrives here is our own bug
        return _confess(outcome, error, words)
    return code if isinstance(code, int) else 0


def _confess(outcome: Outcome, error: Exception, words: Sequence[str]) -> int:
    _trace(error, words)
    hint = "this is a bug of ours; run again with --debug and report the traceback"
    return outcome.fail(Trouble("bug", 1, told(error), None, (hint,)))


def _trace(error: Exception, words: Sequence[str]) -> None:
    if "--debug" in words:
        tell("".join(traceback.format_exception(error)), lines=True)


def _mistyped(error: click.ClickException) -> Trouble:
    """Return what click found wrong with the words that were typed, in our own form."""
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return Trouble("usage", 2, message)
    hints = (
        f"write: {' '.join(context.command.get_usage(context).removeprefix('Usage: ').split())}",
        f"see: {context.command_path} --help",
    )
    return Trouble("usage", 2, message[:1].lower() + message[1:], None, hints)


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
