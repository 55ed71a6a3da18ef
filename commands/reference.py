"""The pages of the documents that are made of the program itself: its commands, its settings, what its sandboxes hold.

A test compares `docs/cli.md`, `docs/configuration.md` and `docs/limits-of-the-sandbox.md` with what is returned here.
"""

import inspect
import re
from collections.abc import Iterator, Mapping

import click
from pydantic_core import PydanticUndefined

from commands.main import htn
from executor.settings import Settings
from executor.settings.settings import variables
from htn.errors import visible

_COMMANDS_OPENING = """\
# The commands

What `htn COMMAND --help` says, on one page. It is made of the commands themselves, and a test compares it with them.

`htn doctor --settings` lists the settings, most of which have no option: [configuration.md](configuration.md). How a
TASK is written is at the end. What an exit code means and what to do is in [failures](failures.md).

## Forms of a result

A result goes to standard output, progress and errors to standard error. At a terminal the result is short, because the
progress has told the rest. `--format` writes the whole of it: `plain` and `markdown` with code, evidence, the history
of improvement and where the time went, `json` for programs. `--json` is `--format json`. However a command ends, its
error is in what it writes. `--debug` adds the traceback of an error.

Completion of commands, domains, tasks, operators and runs: `eval "$(_HTN_COMPLETE=bash_source htn)"`, or
`zsh_source`, `fish_source`.
"""
_SETTINGS_OPENING = """\
# Configuration

A setting is looked for in this order: an option of the command, the environment, a file, the default. The file is TOML:
the one that `HTN_CONFIG` names, else `htn.toml` in the folder you work in, else `~/.config/htn/config.toml`; its keys
are the names in the first column. Where a `htn.toml` in the folder you work in leads to another server or model, `run`
and `learn` say so, and a key is never sent where such a file leads.

Only settings that a command uses can stop it. `htn doctor --settings` lists every setting with its value and where it
comes from. This page is made of the settings themselves, and a test compares it with them.

## Every setting
"""
_NAMES_OPENING = """\
## Names that other programs use

What is set for other programs under these names is understood, where `HTN_` and the setting's name is not set, too.
"""
_LIMITS_OPENING = """\
# What a sandbox does not protect from

A body that a model wrote runs in a sandbox. No sandbox holds everything. `--sandbox` or `HTN_SANDBOX` chooses a level,
`htn doctor` names the one in use, and each result names the level that it comes from. This page is made of what the
sandboxes say of themselves, and a test compares it with them. [levels.md](levels.md) says what each level needs,
[hostile.md](hostile.md) what attacks have been tried on each, [rules.md](rules.md) what is refused before it runs.

No level protects from a contract that says something other than you meant: a body that does what it promises, and
nothing else, may still do what you did not want. Code of a *domain*, yours or somebody else's, runs in no sandbox at
all: it is Python that `htn` imports. Look at a domain before you use it, as at any program.
"""


_HELP = "| `-h, --help` | Show this message and exit. |"


def commands_page() -> str:
    """Return the reference of every command."""
    parts = [_COMMANDS_OPENING]
    for path, command in every_command(htn):
        parts += _command(path, command)
    plan = dict(every_command(htn))["htn plan"]
    parts.append(f"## How a task is written\n\n```text\n{_block(plan.epilog or '')}\n```\n")
    return "\n".join(parts)


def every_command(command: click.Command, path: str = "htn") -> Iterator[tuple[str, click.Command]]:
    """Return each command with the words that call it, groups before what is in them; the whole program is left out."""
    if path != "htn":
        yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from every_command(found, f"{path} {name}")


def settings_page() -> str:
    """Return the table of every setting, and the names that other programs use."""
    flags = _flags()
    rows = ["| setting | option | environment | default | meaning |", "|---|---|---|---|---|"]
    others = ["| name | setting |", "|---|---|"]
    # A newcomer plans before anybody serves.
    for name, info in sorted(Settings.model_fields.items(), key=lambda field: field[0].startswith("service_")):
        names = variables(name)
        meaning = _cell(info.description or "")
        spelled = ", ".join(f"`{each}`" for each in names)
        rows.append(f"| `{name}` | {flags.get(name, '')} | {spelled} | {_default(name)} | {meaning} |")
        others += [f"| `{each}` | `{name}` |" for each in names if not each.startswith("HTN_")]
    return "\n".join([_SETTINGS_OPENING, *rows, "", _NAMES_OPENING, *others, ""])


def limits_page() -> str:
    """Return what each level of the sandbox, and each kind of kernel, holds and does not hold."""
    from executor.sandbox.container import DockerSandbox  # noqa: PLC0415 - most commands need no sandbox
    from executor.sandbox.jupyter.attached import AttachedKernel  # noqa: PLC0415 - as above
    from executor.sandbox.jupyter.piped import ContainerKernel, LocalKernel  # noqa: PLC0415 - as above
    from executor.sandbox.local import LocalSandbox  # noqa: PLC0415 - as above
    from executor.sandbox.lockdown import LockdownSandbox  # noqa: PLC0415 - as above
    from executor.sandbox.wasm.sandbox import WasmSandbox  # noqa: PLC0415 - as above

    parts = [_LIMITS_OPENING]
    for sandbox in (DockerSandbox, LockdownSandbox, WasmSandbox, LocalSandbox):
        parts += [f"## {sandbox.level}", "", "It does not protect from:", ""]
        parts += [*_points(sandbox.does_not_cover), "", "It holds:", "", *_points(sandbox.covers), ""]
    parts += ["## Kernels", "", "Stateful kernels of Jupyter are for people; no operator runs in one.", ""]
    for kernel in (ContainerKernel, LocalKernel, AttachedKernel):
        parts += [f"`{kernel.level}` does not protect from:", "", *_points(kernel.does_not_cover), ""]
    return "\n".join(parts)


def _points(texts: tuple[str, ...]) -> list[str]:
    return [f"- {text}" for text in texts]


def _command(path: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=path, color=False)
    usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    parts = [f"## {path}", "", f"```text\n{usage}\n```", ""]
    parts += [*_help(command.help or ""), ""]
    rows = [row for row in map(_option, command.params) if row]
    rows += [_HELP] if command.add_help_option else []
    if rows:
        parts += ["| option | |", "|---|---|", *rows, ""]
    return parts


def _help(text: str) -> Iterator[str]:
    r"""Return the help of a command as Markdown: what follows \b are examples, exit codes are a list."""
    for number, part in enumerate(inspect.cleandoc(text).split("\n\n")):
        if number:
            yield ""
        if part.startswith("\b"):
            yield f"```text\n{_block(part)}\n```"
        elif part.startswith("Exit codes: "):
            codes = " ".join(part.removeprefix("Exit codes: ").rstrip(".").split())
            yield "Exit codes:\n"
            yield re.sub(r"(^|; )(\d+) ", lambda found: f"{chr(10) if found[1] else ''}- **{found[2]}** ", codes)
        else:
            yield _prose(" ".join(part.split()))


def _block(text: str) -> str:
    return text.replace("\b", "").strip("\n")


def _option(option: click.Parameter) -> str:
    if not isinstance(option, click.Option):
        return ""
    names = ", ".join([*option.opts, *option.secondary_opts])
    kind = _kind(option)
    spelled = f"`{names}{f' {kind}' if kind else ''}`".replace("|", r"\|")
    return f"| {spelled} | {_cell(option.help or '')}{' (needed)' if option.required else ''} |"


def _kind(option: click.Option) -> str:
    if option.is_flag or option.count:
        return ""
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    if option.metavar:
        return option.metavar
    kind = option.type.name.partition(" ")[0]
    return "N" if kind in ("integer", "float") else kind.upper()


def _flags() -> Mapping[str, str]:
    """Return the option of each setting that has one."""
    found = {
        option.name: f"`{option.opts[0]}`"
        for _, command in every_command(htn)
        for option in command.params
        if isinstance(option, click.Option) and option.name in Settings.model_fields
    }
    return {name: option for name, option in found.items() if name is not None}


def _default(name: str) -> str:
    if name == "data_dir":
        return "`~/.local/share/htn`"
    value = Settings.model_fields[name].get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value in ("", {}, ()):
        return ""
    return f"`{value}`".replace("|", r"\|")


def _cell(text: str) -> str:
    return _prose(visible(text)).replace("|", r"\|").replace("\n", " ")


def _prose(text: str) -> str:
    return text.replace("<", r"\<").replace("*", r"\*")
