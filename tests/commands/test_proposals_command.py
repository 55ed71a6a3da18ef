"""htn proposals: what waits for approval is listed, shown, admitted and rejected, each in a process of its own."""

from collections.abc import Callable
from typing import Any

import pytest

from executor.library import Library
from executor.proposals import Proposals
from executor.store import open_store
from htn.errors import HIDDEN
from tests.commands.shell import Shell
from tests.executor.shop import LARGEST, RIGHT
from tests.executor.test_library import entry

Keep = Callable[..., str]
RECORD = {"rung": 4, "name": "given examples", "passed": True, "detail": "1 of 1 come out", "trials": 1, "attempt": 1}


@pytest.fixture
def keep(htn: Shell) -> Keep:
    """Put a proposal into the store that the commands use."""

    def kept(trust: str = "probation", **parts: Any) -> str:
        with open_store(redis_url=None, data_dir=htn.folder / "data") as store:
            return Proposals(Library(store), store).keep(entry(**parts), [RECORD], trust)

    return kept


def test_nothing_waits_at_first(htn: Shell) -> None:
    said = htn("proposals", "list")
    assert (said.code, said.out, said.err) == (0, "", "nothing waits for approval\n")
    assert htn("proposals", "list", "--json").json == []


def test_a_proposal_is_listed_shown_and_admitted_with_who_and_why(htn: Shell, keep: Keep) -> None:
    version = keep()
    listed = htn("proposals", "list")
    assert f"{version[:12]}  shop.order_total  probation  Add up what an order costs." in listed.out
    shown = htn("proposals", "show", version[:4])
    for part in ("offered: probation", "changes total[order] = output.total", "total = sum(amounts)", "✓ rung 4"):
        assert part in shown.out
    admitted = htn("proposals", "admit", version[:4], "--why", "I have read it", "--by", "ada")
    assert (admitted.code, admitted.out) == (0, f"order_total  probation  {version[:12]}\n")
    assert htn("proposals", "list", "--json").json == []
    history = htn("library", "history", "order_total").out
    assert f"{version[:12]}  admitted by ada: I have read it; for t  (probation)" in history
    assert "✓ rung review, approved: I have read it (ada)" in htn("library", "show", "order_total").out


def test_a_rejection_is_in_the_history_beside_what_was_admitted(htn: Shell, keep: Keep) -> None:
    wrong, right = keep(code=LARGEST), keep(code=RIGHT)
    rejected = htn("proposals", "reject", wrong, "--why", "not a sum", "--by", "ada", "--json")
    assert rejected.json == {"version": wrong, "done": "rejected"}
    assert htn("proposals", "admit", right, "--why", "a sum").code == 0
    assert f"{wrong[:12]}  rejected by ada: not a sum\n" in htn("library", "history", "order_total").out
    with pytest.raises(Exception, match=r"rejected before: not a sum \(ada\)"):
        keep(code=LARGEST)


def test_a_level_that_a_persons_word_is_not_enough_for_is_refused(htn: Shell, keep: Keep) -> None:
    version = keep("quarantined")
    said = htn("proposals", "admit", version, "--trust", "trusted", "--why", "it looks good")
    assert said.code == 2
    assert "the evidence is good for quarantined" in said.err
    assert htn("proposals", "admit", version, "--trust", "probation", "--why", "tried").out.split()[1] == "probation"


@pytest.mark.parametrize("words", [("show", "ffff"), ("admit", "ffff", "--why", "x"), ("reject", "ff", "--why", "x")])
def test_an_id_that_there_is_not_is_usage(htn: Shell, words: tuple[str, ...]) -> None:
    said = htn("proposals", *words)
    assert said.code == 2
    assert "no proposal begins with 'ff" in said.err
    assert "hint: htn proposals list" in said.err


def test_a_deed_needs_a_reason(htn: Shell, keep: Keep) -> None:
    version = keep()
    for deed in ("admit", "reject"):
        assert htn("proposals", deed, version).code == 2
        assert "needs a reason" in htn("proposals", deed, version, "--why", " ").err
    assert len(htn("proposals", "list", "--json").json) == 1


def test_what_a_model_wrote_is_made_visible(htn: Shell, keep: Keep) -> None:
    hostile = "\x1b[2J\x9b31m\u202e"
    version = keep(code=f"{RIGHT}# {hostile}\n", description=f"Add {hostile}")
    for words in (("list",), ("show", version), ("list", "--json"), ("show", version, "--json")):
        said = htn("proposals", *words)
        assert said.code == 0
        assert not HIDDEN.search(said.out.replace("\n", ""))
