"""A result reads as text, as JSON and as Markdown, and says the same in each."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from commands.main import htn as group
from commands.output import FORMS, form_of
from commands.pages import page, written
from commands.pages.blocks import Block, Facts, Fence, Heading, Points, Prose, Quoted, Table
from commands.pages.generic import described
from commands.pages.markdown import markdown
from executor.model.standin import StandIn
from htn.errors import Trouble, visible
from tests.commands.shell import Shell

TASK = "report(seattle, temp_max)"
Scripted = Callable[..., StandIn]

texts = st.text(st.characters(codec="utf-8") | st.sampled_from("`*_|[]<>#&\\~-+=1.) \n"), max_size=30)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def read(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(text)


def said(token: Token) -> str:
    """Return what a reader sees of a token with text; a token that is more than text fails."""
    parts = token.children or []
    assert {part.type for part in parts} <= {"text", "code_inline"}, token.content
    return "".join(part.content for part in parts)


def line(text: str) -> str:
    return " ".join(visible(text).split())


def inlines(text: str) -> list[str]:
    return [said(token) for token in read(text) if token.type == "inline"]


@given(texts)
@example("__0_ _ a_b _c_")
def test_prose_is_read_as_it_was_said_whatever_is_in_it(text: str) -> None:
    wanted = [line(text)] if line(text) else []
    assert inlines(markdown([Prose(text)])) == wanted
    assert inlines(markdown([Heading(text)])) == wanted or not wanted


@given(st.lists(texts.map(Quoted) | texts, min_size=2, max_size=2))
def test_a_cell_is_read_as_it_was_said_whatever_is_in_it(cells: list[str]) -> None:
    read_back = inlines(markdown([Table(("a", "b"), (tuple(cells),))]))
    wanted = [visible(each) if isinstance(each, Quoted) else line(each) for each in cells]
    assert [each.strip() for each in read_back] == ["a", "b", *(each.strip() for each in wanted)]


@given(st.lists(texts.map(Quoted) | texts, min_size=1, max_size=3))
def test_a_page_has_no_more_lists_and_headings_than_it_was_given(items: list[str]) -> None:
    kinds = [token.type for token in read(markdown([Points(tuple(items)), Facts((("name", items[0]),))]))]
    assert kinds.count("list_item_open") == len(items) + 1
    assert kinds.count("bullet_list_open") == 1
    assert not {"heading_open", "html_block", "ordered_list_open", "hr", "blockquote_open"} & set(kinds)


@given(texts, st.sampled_from(["python", "c++", "x\n# y", "`", ""]))
def test_nothing_gets_out_of_a_fence(text: str, language: str) -> None:
    (token,) = read(markdown([Fence(text, language)]))
    assert token.type == "fence"
    assert token.content == visible(text, lines=True).replace("\r", "\n") + "\n"


@given(documents)
def test_any_document_has_a_page_in_every_form(document: Any) -> None:
    for form in ("plain", "markdown"):
        assert "\x1b" not in written(form, page("htn library list", document))


def every_word(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from every_word(part)
    elif isinstance(value, list):
        for part in value:
            yield from every_word(part)
    elif isinstance(value, str):
        yield value


words = st.from_regex(r"[a-z]{6,9}", fullmatch=True)


@given(
    st.recursive(
        words,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(words, inner, min_size=1, max_size=5),
        max_leaves=20,
    )
)
def test_a_page_leaves_nothing_out_of_a_document_that_has_no_page_of_its_own(document: Any) -> None:
    text = markdown(described(document))
    assert all(word in text for word in every_word(document))


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from leaves(found, (*path, name))


COMMANDS = dict(leaves(group))
ENDLESS = {("mcp",), ("serve",), ("worker",)}  # their output is a protocol, or what happens


@pytest.mark.parametrize("path", sorted(set(COMMANDS) - ENDLESS), ids=" ".join)
def test_every_command_can_write_its_result_in_every_form_and_show_tracebacks(path: tuple[str, ...]) -> None:
    options = {name: option for option in COMMANDS[path].params for name in option.opts}
    assert {"--json", "--format", "--debug"} <= set(options)
    assert isinstance(options["--format"].type, click.Choice)
    assert tuple(options["--format"].type.choices) == FORMS


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("plan x", ""),
        ("plan x --json", "json"),
        ("plan --format markdown x", "markdown"),
        ("plan --format=plain", "plain"),
        ("plan --format", ""),
        ("plan --format html", ""),
        ("", ""),
    ],
)
def test_the_form_is_known_before_the_words_are_read(typed: str, form: str) -> None:
    assert form_of(typed.split()) == form


def test_json_is_one_of_the_forms(htn: Shell) -> None:
    words_typed = ("plan", "travel", "travel(alice, home, park)")
    assert htn(*words_typed, "--format", "json") == htn(*words_typed, "--json")
    both = htn(*words_typed, "--format", "markdown", "--json")
    assert (both.code, "--json is --format json" in both.err) == (2, True)


def test_an_error_is_in_the_page(htn: Shell) -> None:
    found = htn("plan", "travel", "travle(alice, home, park)", "--format", "markdown")
    assert found.code == 2
    assert found.out.startswith("## Error\n\nthe domain travel has no task travle\n")
    assert "- did you mean travel?" in found.out
    no_plan = htn("plan", "travel", "travel(bob, home, park)", "--format", "markdown")
    assert "```text\nerror[no-plan]" in no_plan.out
    assert "tried on_foot" in no_plan.out
    mistyped = htn("plan", "--format", "markdown")
    assert "missing argument" in mistyped.out


def test_a_drawing_stands_in_a_fence_of_its_language(htn: Shell) -> None:
    typed = ("plan", "travel", "travel(alice, home, park)", "--format", "markdown")
    assert "```text\ntravel(alice, home, park)  by by_taxi\n├─" in htn(*typed).out
    assert "```mermaid\n" in htn(*typed, "--draw", "mermaid").out


def sections(text: str) -> list[str]:
    return re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)


def test_what_a_run_learned_carries_its_history_and_its_performance(htn: Shell, scripted: Scripted) -> None:
    endpoint = scripted().endpoint
    found = htn("run", "reports", TASK, "--format", "markdown", OLLAMA_ENDPOINT=endpoint)
    assert found.code == 0
    titles = sections(found.out)
    for title in ("Run", "Result", "Plan", "Steps", "Learned: column_statistics", "Code", "Evidence", "Performance"):
        assert title in titles
    assert [t for t in titles if t.startswith(("Attempt", "Conv"))] == ["Attempt 1", "Attempt 2", "Convergence"]
    for shown in (
        "- **error category:** logical",
        "```diff\n--- before",
        "- **converged:** yes",
        "- **model calls:** 3",
    ):
        assert shown in found.out
    assert "| learning, ladder |" in found.out
    again = htn("learn", "reports", "column_statistics(seattle, wind)", "--again", "--format", "plain",
                OLLAMA_ENDPOINT=endpoint)  # fmt: skip
    assert again.code == 0
    for shown in ("HISTORY OF IMPROVEMENT", "error category  logical", "PERFORMANCE", "    --- before"):
        assert shown in again.out
    kept = htn("library", "show", "column_statistics", "--format", "markdown").out
    assert {"Contract", "Code", "Evidence", "Performance"} <= set(sections(kept))


def test_what_is_kept_of_a_run_reads_as_pages(htn: Shell) -> None:
    assert htn("run", "travel", "travel(alice, home, park)", "--run-id", "r", "--quiet").code == 0
    shown = htn("runs", "show", "r", "--format", "markdown").out
    assert [t for t in sections(shown) if t != "counts"] == ["Run r", "Steps", "What to do next"]
    assert "| `1.3` |" in htn("replay", "r", "--format", "markdown").out
    assert re.search(r"\| `r` \| .* \| \d{4}-\d\d-\d\dT", htn("runs", "--format", "markdown").out)
    followed = htn("watch", "r", "--format", "markdown").out
    assert followed.startswith("# Watch\n\n```text\n")
    assert htn("watch", "r", "--format", "plain").out.startswith("Watch\n    ")


def test_a_failed_run_says_why_below_what_was_done() -> None:
    document: dict[str, Any] = {
        "ok": False,
        "plan": None,
        "steps": [],
        "learned": [],
        "changed": [],
        "run_id": None,
        "model_calls": 0,
    }
    trouble = Trouble("gap", 5, "nobody | knows", "a\nb", ("do *this*",))
    text = written("markdown", page("htn run", document, trouble, "", trouble.explain()))
    assert text.index("not done") < text.index("## Error")
    assert text.endswith("### What to do\n\n- do \\*this\\*")
    assert "nobody \\| knows\n" in text


GENERATED = {
    "success": True, "refused": False, "language": "python", "node": None, "code": "result = 1\n",
    "test_results": {"total_tests": 1, "passed": 1, "failed": 0, "all_passed": True, "tests": []},
    "history": [
        {"attempt": 1, "total_attempts": 2, "success": False, "stage": "run", "code": "result = y\n",
         "error": {"type": "runtime", "message": "name 'y' is not defined", "root_cause": "a name without a value"},
         "findings": [], "output": "", "execution_time": 0.1, "diff": "", "explanation": "", "focus": "fix_errors"},
        {"attempt": 2, "total_attempts": 2, "success": True, "stage": "passed", "code": "result = 1\n", "error": None,
         "findings": [], "output": "", "execution_time": 0.1, "diff": "-result = y\n+result = 1",
         "explanation": "y has a value", "focus": "fix_errors"},
    ],
    "explanation": "", "error": None, "findings": [], "shown": ["one example"], "not_shown": [], "reused": False,
    "stopped_because": "it works",
    "metrics": {"generation_time": 1.0, "execution_time": 0.2, "improvement_time": 0.5, "total_time": 1.7,
                "model_calls": 2, "improvement_efficiency": 1.0, "error_reduction": 100.0},
}  # fmt: skip


def test_generated_code_carries_each_attempt_with_its_error_and_its_fix() -> None:
    text = written("markdown", page("htn code generate", GENERATED | {"model_calls": 2, "model_tokens": {"prompt": 9}}))
    for shown in ("```python\nresult = 1\n```", "## History of improvement", "### Attempt 1 of 2",
                  "- **error category:** runtime", "- **fix:** y has a value", "```diff\n-result = y",
                  "| generation | 1.000 |", "- **model calls:** 2", "- **tokens of questions:** 9"):  # fmt: skip
        assert shown in text


def test_every_block_has_a_form() -> None:
    blocks: list[Block] = [Heading("a", 1), Prose("b"), Points(("c",)), Facts((("d", "e"),)), Table(("f",), (("g",),))]
    assert written("plain", [*blocks, Fence("h\ti")]) == "a\nb\n- c\nd  e\nf\ng\n    h       i"
