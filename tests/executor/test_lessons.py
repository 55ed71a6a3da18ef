"""What candidates failed at is noted as a pattern, and what is likely to come again is told to the next one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.check import rules_for
from executor.lessons import Lessons, cause_of, pattern_of
from executor.sandbox import Category, Sandbox
from executor.store import MOST_LESSONS, Store
from executor.validate import LADDER, Evidence, Trial, climb
from htn.domain import Example
from htn.errors import HIDDEN, UsageError
from tests.executor.shop import RIGHT, candidate, shop, total_is

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
# Everything that a rung or a rule may call the cause of a failure.
CATEGORIES = sorted(
    {*map(str, Category), "contract", "precondition", *(rung.name for rung in LADDER)}
    | {rule.name for language in ("python", "javascript", "bash", "go") for rule in rules_for(language)}
)


@pytest.fixture
def lessons(store: Store) -> Lessons:
    return Lessons(store)


def fresh(lessons: Lessons) -> Lessons:
    """The same lessons, with none of them: what an example of a property begins with."""
    for domain in lessons._stored.domains():
        lessons.forget(domain)
    return lessons


def test_what_was_noted_twice_is_told_once_with_its_count(lessons: Lessons) -> None:
    assert lessons.note("shop", "python", "runtime", "KeyError: 'tea'", "use get") == 1
    assert lessons.note("shop", "python", "runtime", "KeyError: 'soap'", "test for it") == 2
    assert lessons.likely("shop", "python", "") == ["KeyError: … (runtime, 2 times): test for it"]


def test_every_category_that_is_written_can_come_back(lessons: Lessons) -> None:
    for category in CATEGORIES:
        lessons.note("shop", "python", category, f"cause of {category}", "advice")
    told = lessons.likely("shop", "python", "", most=len(CATEGORIES) + 1)
    assert sorted(told) == sorted(f"cause of {category} ({category}, once): advice" for category in CATEGORIES)
    assert {lesson.category for lesson in lessons.listed("shop")} == set(CATEGORIES)


@given(st.text(max_size=100), st.text(max_size=300))
@SHARED
def test_any_category_and_cause_come_back_whatever_is_in_them(lessons: Lessons, category: str, cause: str) -> None:
    fresh(lessons).note("shop", "python", category, cause, "advice")
    (line,) = lessons.likely("shop", "python", "")
    (lesson,) = lessons.listed("shop")
    assert lesson.pattern == pattern_of(cause)
    assert line == lesson.line


@given(st.text(), st.text(), st.text(), st.text())
@SHARED
def test_a_line_for_a_prompt_is_one_line_without_hidden_characters(
    lessons: Lessons, language: str, category: str, cause: str, advice: str
) -> None:
    fresh(lessons).note("shop", language, category, cause, advice, contract_text=cause)
    (line,) = lessons.likely("shop", language, cause)
    assert not HIDDEN.search(line)
    assert len(line) < 600


def test_ten_megabytes_are_cut_off(lessons: Lessons) -> None:
    large = "x y'\"[ = ; " * 1_000_000
    lessons.note("shop", large, large, large, large, contract_text=large)
    (line,) = lessons.likely("shop", large, large)
    assert len(line) < 600


COUNTS = st.dictionaries(st.sampled_from(["imports random", "no end", "too slow"]), st.integers(1, 4), min_size=1)


@given(COUNTS)
@SHARED
def test_with_equal_words_the_more_frequent_comes_first(lessons: Lessons, counts: dict[str, int]) -> None:
    fresh(lessons)
    for cause, count in counts.items():
        for _ in range(count):
            lessons.note("shop", "python", "other", cause, "", contract_text="the mean of a column")
    told = lessons.likely("shop", "python", "mean column", most=9)
    order = [line.partition(" (")[0] for line in told]
    assert order == sorted(counts, key=lambda cause: (-counts[cause], cause))


def test_with_equal_counts_the_one_that_was_met_with_more_of_the_words_comes_first(lessons: Lessons) -> None:
    lessons.note("shop", "python", "other", "a cause", "", contract_text="pay a person")
    lessons.note("shop", "python", "other", "b cause", "", contract_text="column_mean(file): the mean of a column")
    lessons.note("shop", "python", "other", "c cause", "", contract_text="the columns of a file")
    told = lessons.likely("shop", "python", "the mean of the columns", most=2)
    assert [line[0] for line in told] == ["b", "c"]


def test_a_lesson_of_another_language_is_not_told(lessons: Lessons) -> None:
    lessons.note("shop", "go", "runtime", "nil map", "")
    assert lessons.likely("shop", "python", "") == []
    assert lessons.likely("shop", "Go", "") == ["nil map (runtime, once)"]


def test_another_domain_learns_from_it_too_but_its_own_counts_more(lessons: Lessons) -> None:
    lessons.note("zoo", "python", "imports", "import random is not allowed", "")
    lessons.note("shop", "python", "runtime", "division by zero", "")
    assert [line.partition(" (")[0] for line in lessons.likely("shop", "python", "")] == [
        "division by zero", "import random is not allowed",
    ]  # fmt: skip
    assert [lesson.domain for lesson in lessons.listed()] == ["shop", "zoo"]
    assert len(lessons.listed("shop")) == 1


def test_what_both_domains_have_met_is_told_once(lessons: Lessons) -> None:
    for domain in ("zoo", "shop"):
        lessons.note(domain, "python", "runtime", "division by zero", domain)
    assert lessons.likely("shop", "python", "") == ["division by zero (runtime, once): shop"]


def test_forgetting_a_domain_leaves_the_others(lessons: Lessons) -> None:
    for domain in ("zoo", "shop"):
        lessons.note(domain, "python", "runtime", f"cause in the {domain}", "")
    assert lessons.forget("shop") == 1
    assert lessons.forget("shop") == 0
    assert lessons.likely("shop", "python", "") == ["cause in the zoo (runtime, once)"]


def test_of_too_many_lessons_those_noted_longest_ago_go(lessons: Lessons) -> None:
    causes = [f"cause {chr(97 + at // 26)}{chr(97 + at % 26)}" for at in range(MOST_LESSONS + 10)]
    for cause in causes[:-1]:
        lessons.note("shop", "python", "other", cause, "")
    lessons.note("shop", "python", "other", causes[9], "")
    lessons.note("shop", "python", "other", causes[-1], "")
    kept = {lesson.pattern for lesson in lessons.listed("shop")}
    assert kept == {causes[9], *causes[11:]}


def test_what_one_process_notes_another_sees(lessons: Lessons, folder: Path) -> None:
    lessons.note("shop", "python", "runtime", "division by zero", "")
    code = (
        "import sys; from pathlib import Path\n"
        "from executor.lessons import Lessons\nfrom executor.store import open_store\n"
        "with open_store(redis_url=None, data_dir=Path(sys.argv[1])) as store:\n"
        "    Lessons(store).note('shop', 'python', 'runtime', 'division by zero', 'count first')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env=environment)
    assert lessons.likely("shop", "python", "") == ["division by zero (runtime, 2 times): count first"]


def test_a_domain_that_is_no_name_cannot_reach_into_other_keys(lessons: Lessons) -> None:
    with pytest.raises(UsageError, match="cannot be a name"):
        lessons.note("shop:x", "python", "runtime", "cause", "")


@pytest.mark.parametrize("about", ["", "{}", "[]", '{"language": 1}', '{"language": "python", "category": "x"}'])
def test_what_somebody_else_wrote_among_the_lessons_is_passed_over(store: Store, lessons: Lessons, about: str) -> None:
    store.lessons().note("shop", "a" * 64, about, "advice", [])
    lessons.note("shop", "python", "runtime", "division by zero", "")
    assert len(lessons.listed("shop")) == len(lessons.likely("shop", "python", "")) == 1


def test_what_was_put_into_the_store_with_control_characters_is_told_without(store: Store, lessons: Lessons) -> None:
    about = {"language": "python", "category": "run\x1btime", "pattern": "a\nb\u202ec"}
    store.lessons().note("shop", "a" * 64, json.dumps(about), "ad\x07vice", [])
    assert lessons.likely("shop", "python", "") == ["a b c (run time, once): ad vice"]


@pytest.mark.parametrize(
    ("cause", "pattern"),
    [
        ("HTN-S101 line 3: import random is not allowed; allowed are math, re", "import random is not allowed"),
        ("the body changed its arguments; they are copies", "the body changed its arguments"),
        ("the body wrote total[tea] = 9.0; declared is 10.0", "the body wrote total[…]"),
        ("output.total == sum(amounts) does not hold: 1 == 2 is false", "output.total == sum(amounts) does not hold"),
        ("ValueError: no int with base 10: 'tea'", "ValueError: no int with base N: …"),
        ("the call ran longer than 0.5 s", "the call ran longer than N s"),
        ("a\nb", "a"),
        (" \n ", "it failed without a word"),
    ],
)  # fmt: skip
def test_a_pattern_is_the_cause_without_what_differs_from_time_to_time(cause: str, pattern: str) -> None:
    assert pattern_of(cause) == pattern


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.from_regex(r"[a-z]{1,8}", fullmatch=True))
def test_values_and_keys_make_no_other_pattern(one: int, other: int, key: str) -> None:
    for form in ("index {n} is not in '{k}'", "line {n}: total[{k}] has {n} items", 'no entry "{k}" at {n}'):
        assert pattern_of(form.format(n=one, k=key)) == pattern_of(form.format(n=other, k="tea"))


FAILING = {
    "import random\n" + RIGHT: ("imports", "import random is not allowed"),
    RIGHT.replace("order_total", "total_order", 1): None,
    total_is('{"a": 1.0}["b"]'): ("runtime", "KeyError on an absent key"),
    total_is("amounts[99]"): ("runtime", "IndexError on a list that is too short"),
    total_is("1 / 0"): ("runtime", "division by zero"),
    total_is("sum(amounts)", before="").replace("    total", "    amounts.append(0)\n    total", 1): (
        "contract", "the body changed its arguments",
    ),
    total_is("sum(amounts)").replace('"total", order, total', '"total", order, 2 * total'): (
        "given examples", "an example of the user's comes out differently in total[…]",
    ),
    total_is("max(amounts)"): ("given examples", "an example of the user's comes out differently in total[…]"),
    "def order_total(order, amounts:": None,
}  # fmt: skip


@pytest.mark.parametrize("code", list(FAILING))
def test_what_the_ladder_finds_wrong_becomes_a_lesson_with_an_advice(lessons: Lessons, box: Sandbox, code: str) -> None:
    domain = shop()
    examples: tuple[Example, ...] = domain.examples_of("order_total")
    verdict = climb(Trial(candidate(code), box, variables=domain.variables, examples=examples))
    assert verdict.failed is not None
    lessons.note("shop", "python", *cause_of(verdict.failed))
    (lesson,) = lessons.listed("shop")
    assert lesson.advice
    assert FAILING[code] in (None, (lesson.category, lesson.pattern))


def test_a_body_that_breaks_its_contract_is_a_lesson_about_the_place_that_it_wrote() -> None:
    detail = "contract: the body wrote total[tea] = 9.0; declared is 10.0"
    category, cause, advice = cause_of(Evidence(8, "contract", False, detail, data={"category": "contract"}))
    assert (category, pattern_of(cause), bool(advice)) == ("contract", "the body wrote total[…]", True)


def test_evidence_without_a_category_goes_under_the_name_of_its_rung() -> None:
    found = Evidence(3, "determinism, purity", False, "two runs differ")
    assert cause_of(found)[:2] == ("determinism, purity", "two runs differ")
    assert cause_of(found)[2]
