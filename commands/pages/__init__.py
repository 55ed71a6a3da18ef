"""The result of a command as a page that people keep, send or read elsewhere: as Markdown or as plain text.

A page is made from the same document that `--json` writes, so that no form says what another does not. Most documents
have the page that `generic` makes of any; those that read badly so have one of their own here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from commands.pages.blocks import Block, Heading, Points, Prose, Quoted, facts, fence, section
from commands.pages.coding import entry, generated
from commands.pages.generic import described
from commands.pages.markdown import markdown
from commands.pages.plain import plain
from commands.pages.running import learn, plan, replay, run, shown_run
from htn.errors import Trouble

__all__ = ["FORMS", "page", "written"]

FORMS: Mapping[str, Callable[[list[Block]], str]] = {"plain": plain, "markdown": markdown}

_PAGES: Mapping[str, Callable[[Mapping[str, Any], str], list[Block]]] = {
    "htn plan": plan,
    "htn run": run,
    "htn resume": run,
    "htn runs show": shown_run,
    "htn replay": replay,
    "htn learn": learn,
    "htn code generate": generated,
    "htn library show": entry,
}


def page(command: str, document: Any, trouble: Trouble | None = None, shown: str = "", told: str = "") -> list[Block]:
    """Return the page of what a command came to.

    `shown` is what a person would be shown, `told` the words in which a person is told what went wrong.
    """
    blocks = _found(command, document, shown)
    return blocks + (_failed(trouble, told) if trouble else [])


def written(form: str, blocks: list[Block]) -> str:
    """Return a page as text, in a form that `FORMS` names."""
    return FORMS[form](blocks)


def _found(command: str, document: Any, shown: str) -> list[Block]:
    title = command.removeprefix("htn ").capitalize() or "Result"
    if document is None:
        return [Heading(title, 1), *fence(shown)] if shown else []
    special = _PAGES.get(command)
    if special is not None and isinstance(document, Mapping):
        return special(document, shown)
    return [Heading(title, 1), *described(document)]


def _failed(trouble: Trouble, told: str) -> list[Block]:
    lines = [line for line in told.split("\n") if not line.startswith("hint: ")]
    more = "\n".join(lines) if len(lines) > 1 + bool(trouble.where) + trouble.message.count("\n") else ""
    blocks: list[Block] = [Heading("Error"), Prose(trouble.message)]
    blocks += facts(("code", Quoted(trouble.code)), ("exit code", trouble.exit_code), ("where", trouble.where))
    blocks += fence(more)
    return blocks + section("What to do", [Points(trouble.hints)] if trouble.hints else [], 3)
