"""The page of the ladder: each rung's docstring is its documentation, and `docs/ladder.md` is made of all of them.

A docstring has a sentence (what), a paragraph or more (why), `On failure:` and `Worth:`. Rung 10 is not climbed; the
docstring of `executor.probation` is its part of the page.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from executor import probation
from executor.validate.ladder import LADDER
from htn.errors import visible

_OPENING = """\
# The ladder of evidence

What a model wrote is not trusted because it ran. Of programs that ran without an error, those of a weak model were
right in one case of five, those of better models in two of three. So a body climbs a ladder: each rung buys one kind of
evidence, the cheap ones first, and writes what it found into the entry of the operator. `htn library show NAME` prints
it. One contract is frozen before the first body is written, and all bodies and all tests are written for it.

    contract → body → 0 1 2 3 4 8 → tests, further bodies → 5 6 7 9 → (a person) → the library → 10

A rung finds a body right, or finds it wrong, or is *undecided*: then the evidence does not suffice, which is said of no
body. Where it stays so the answer is an abstention: the operator keeps the trust that it has, and the user gets a
question. An abstention is a good answer.

This page is made of the rungs' own docstrings, and a test compares it with them.
"""
_TRUST = """\
## Levels of trust

| level | what it takes | who uses it |
|---|---|---|
| quarantined | rungs 0 to 4, without an example | the one request that it was learned for |
| probation | rungs 0 to 4 and 8, with an example of the user's or agreed tests (rung 5) | plans |
| trusted | rungs 0 to 9, with an example or agreed tests; or clean uses (rung 10) | plans; planning may run it |
| pinned | a person says so | plans, whatever else is learned |
| retired | a person says so | nobody |

A body that was repaired is on probation at most, whatever it passed: repaired code is right less often. Where a
contract leaves nothing to compute, because its effects name no output, rungs 5, 6, 7 and 9 have nothing to compare and
pass: rung 8 holds the body to all of it. [library.md](library.md) says how trust is lost.
"""
_BUYING = """\
## How evidence is bought

A call of a model may take a minute, so evidence is bought step by step. By default a body is brought to *probation*:
one body, and two suites of tests where the user gave no example. `HTN_DEPTH=trusted` buys the rest at once. With
several models bodies and tests are asked of all of them in turn.
"""
_UNSEEN = """\
## What the ladder does not see

- **The same mistake made by all.** Bodies and tests that misread the description in the same way agree. Writers of
  several models, and an example of yours, make that less likely; nothing here makes it impossible.
- **A contract that says something else than you meant.** It is proposed in one call, shown, and frozen. All evidence is
  about this contract. Declare it yourself, or read it with `HTN_LEARN=ask`.
- **What no input shows.** Rungs 7, 8 and 9 try some hundred inputs. A mistake at an input that is neither near a test
  nor near a constant of a Python body is found in use, if it breaks the contract there; a wrong value that keeps types
  and promises is not found in use either.
- **Failing alike.** Bodies that raise an error on the same fuzzed input count as alike there. Such a use fails; it does
  not return a wrong value.
- **How long it takes, and how much it costs**, beyond the limits of the sandbox.
- **Differences below rounding.** Numbers that differ by a billionth of their size are the same, integers excepted.
- **Inputs that only a longer way leads to.** Where the contract reads at a place that is named by what stands at
  another one, which it does not read, no situation is made, and the contract is refused as one that cannot be tried.
"""
_PARTS = re.compile(r"(?P<what>.+?)\n\n(?P<why>.+)\n\nOn failure: (?P<failure>.+?)\n\nWorth: (?P<worth>.+)", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """What a rung says of itself."""

    number: int
    name: str
    what: str
    why: str
    failure: str
    worth: str


def page_of(number: int, name: str, docstring: str | None) -> Page:
    """Return the parts of a rung's docstring. ValueError when one is missing."""
    found = _PARTS.fullmatch(inspect.cleandoc(docstring or ""))
    if found is None:
        raise ValueError(f"the docstring of rung {number} needs: what, why, On failure: and Worth:")
    what, failure, worth = (" ".join(found[part].split()) for part in ("what", "failure", "worth"))
    return Page(number, name, what, found["why"], failure, worth)


def pages() -> list[Page]:
    """Return what all rungs say, in the order in which they are climbed."""
    climbed = [page_of(rung.number, rung.name, type(rung).__doc__) for rung in LADDER]
    return [*climbed, page_of(probation.PROBATION, "probation", _lived())]


def ladder_page(settings: Sequence[Mapping[str, str]]) -> str:
    """Return the page as Markdown. `settings` are those that concern the ladder: name, default, what it means."""
    rows = pages()
    lines = [_OPENING, "| rung | what it asks | on failure | what it counts for |", "|---|---|---|---|"]
    lines += [f"| [{p.number} {p.name}](#{_anchor(p)}) | {p.what} | {p.failure} | {p.worth} |" for p in rows]
    for page in rows:
        lines += ["", f"## {page.number} {page.name}", "", page.what, "", page.why, ""]
        lines += [f"On failure: {page.failure}", "", f"Worth: {page.worth}"]
    lines += ["", _TRUST, _BUYING, "| setting | default | what it means |", "|---|---|---|"]
    lines += [f"| `{row['name']}` | {row['default']} | {row['meaning']} |" for row in settings]
    return visible("\n".join([*lines, "", _UNSEEN]), lines=True)


def _lived() -> str:
    """Return the docstring of rung 10 without its number and name, which stand in the heading."""
    return (probation.__doc__ or "").removeprefix("Rung 10, probation. ")


def _anchor(page: Page) -> str:
    return re.sub(r"[^\w -]", "", f"{page.number} {page.name}").replace(" ", "-")
