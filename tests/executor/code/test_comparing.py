"""Whether two versions behave the same: what is the same, what is not, and what cannot be said."""

import pytest

from executor.code import Bench
from executor.code.comparing import Compared, compare, observe
from executor.sandbox import SandboxLimits


def compared(bench: Bench, original: str, version: str, **options: bool) -> Compared:
    return compare(observe(original, "python", bench), version, "python", bench, **options)


SAME = [
    ("result = x * 2", "result = x + x"),
    ("result = [v for v in xs if v > 2]", "result = list(filter(lambda v: v > 2, xs))"),
    ("def f(xs: list[int]):\n    t = 0\n    for x in xs:\n        t += x\n    return t",
     "def f(xs: list[int]):\n    return sum(xs)"),
    ("def mean(xs: list[int]):\n    return sum(xs) / len(xs)",
     "def mean(xs: list[int]):\n    total = sum(xs)\n    return total / len(xs)"),
    ("print('a')\nresult = 1", "print('a')\nresult = 2 - 1"),
    ("result = sorted(set(words))", "result = sorted(dict.fromkeys(words))"),
]  # fmt: skip

DIFFERENT = [
    # The version, and in what it differs.
    ("result = x * 2", "result = x * 2 + (x == 3)", "the result"),
    ("result = [v for v in xs if v > 2]", "result = [v for v in xs if v >= 2]", "the result"),
    ("result = sorted(set(words))", "result = sorted(words)", "the result"),  # a word that comes twice
    ("result = 1", "result = True", "the result"),
    ("result = 1", "result = 1.0", "the result"),
    ("print(1)\nresult = 1", "result = 1", "what it prints"),
    ("result = sum(xs) / len(xs)", "result = sum(xs) / max(1, len(xs))", "whether and how it fails"),
    ("def f(xs: list[int]):\n    return sorted(xs)", "def f(xs: list[int]):\n    xs.sort()\n    return xs",
     "its arguments after the call"),
    ("def f(a: int):\n    return a", "def g(a: int):\n    return a", "its form"),
    ("def f(a: int):\n    return a", "def f(b: int):\n    return b", "its form"),
    ("result = {'a': 1}['a']", "raise ValueError", "whether and how it fails"),
    ("result = int(text)", "try:\n    result = int(text)\nexcept ValueError:\n    raise KeyError(text) from None",
     "whether and how it fails"),
]  # fmt: skip


@pytest.mark.parametrize(("original", "version"), SAME)
def test_versions_that_do_the_same_agree(bench: Bench, original: str, version: str) -> None:
    found = compared(bench, original, version).equivalence
    assert found.same, found
    assert found.counterexample is None


@pytest.mark.parametrize(("original", "version", "what"), DIFFERENT)
def test_a_version_that_does_something_else_has_a_counterexample(
    bench: Bench, original: str, version: str, what: str
) -> None:
    found = compared(bench, original, version).equivalence
    assert not found.same
    assert found.counterexample is not None
    assert found.counterexample.what == what
    assert found.counterexample.original != found.counterexample.version or what == "its arguments after the call"


def test_a_counterexample_is_one(bench: Bench) -> None:
    original, version = "result = abs(x)", "result = x"
    found = compared(bench, original, version).equivalence.counterexample
    assert found is not None
    one, other = (bench.run(code, "python", found.input).value for code in (original, version))
    assert one != other


def test_where_both_only_fail_nothing_is_shown(bench: Bench) -> None:
    code = "result = x['a'].nothing"
    found = compared(bench, code, f"{code}\n").equivalence
    assert (found.same, found.with_value) == (False, 0)
    assert "too few" in found.reason


def test_code_that_only_defines_what_cannot_be_called_by_name_shows_nothing(bench: Bench) -> None:
    found = compared(bench, "def _f(*a):\n    return a", "def _f(*a):\n    return 1").equivalence
    assert (found.same, found.inputs) == (False, 0)


def test_a_version_may_mend_what_fails_where_that_is_asked_for(bench: Bench) -> None:
    original = "result = sum(xs) / len(xs)"
    version = "result = sum(xs) / len(xs) if xs else 0"
    assert not compared(bench, original, version).equivalence.same
    mended = compared(bench, original, version, may_mend=True)
    assert mended.equivalence.same
    assert mended.mended >= 1
    assert not compared(bench, original, "result = 0", may_mend=True).equivalence.same


def test_where_the_original_runs_out_of_time_nothing_is_compared(bench: Bench) -> None:
    quick = Bench(bench.sandbox, SandboxLimits(seconds=0.2))
    original = "def f(n: int):\n    while n < 0:\n        pass\n    return n"
    found = compared(quick, original, "def f(n: int):\n    return max(n, n)").equivalence
    assert found.same
    assert found.inputs == found.with_value
