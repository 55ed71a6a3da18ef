"""Rungs 0 and 1: each rule refuses what breaks it, honest programs pass, and nothing makes a rule itself fail."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent

import pytest

from executor.check import FORM_RULES, STATIC_RULES, Candidate
from tests.executor.shop import bare, contract

CONTRACT = bare("f", parameters=[{"name": "a"}, {"name": "b"}])


def findings(code: str) -> dict[str, str]:
    """What the rules say of a program, by rule, as the ladder asks them."""
    candidate = Candidate(CONTRACT, dedent(code).lstrip("\n"))
    found = FORM_RULES[0].findings(candidate)
    if not found:
        found = [f for rule in (*FORM_RULES[1:], *STATIC_RULES) for f in rule.findings(candidate)]
    return {f.rule: str(f) for f in found}


def body(line: str, before: str = "") -> str:
    return f"{before}\ndef f(a, b):\n    {line}\n"


HONEST = {
    "a plain function": body("return a + b"),
    "keyword-only parameters in another order": "def f(*, b, a):\n    return a\n",
    "a default argument that is a constant": "def f(a, b=(1, 2)):\n    return b\n",
    "helpers, constants and a docstring": '"""Words."""\nLIMIT: int = 3\ndef g(x):\n    return x * LIMIT\n'
    + body("return g(a)"),
    "imports at the top": body("return math.fsum([a, b])", "import math\n"),
    "imports within a function": body("import statistics\n    return statistics.median([a, b])"),
    "a module under another name": body("return s.mean([a, b])", "import statistics as s\n"),
    "the abstract collections": body("return isinstance(a, collections.abc.Mapping)", "import collections.abc\n"),
    "names from the abstract collections": body(
        "return isinstance(a, Mapping)", "from collections.abc import Mapping\n"
    ),
    "a dataclass": """
        from dataclasses import dataclass, field

        @dataclass(frozen=True)
        class Part:
            '''A part.'''
            size: int = 0
            names: list = field(default_factory=list)

            def doubled(self) -> int:
                return 2 * self.size

        def f(a, b):
            return Part(a).doubled()
        """,
    "a function that remembers": "from functools import cache\n\n@cache\ndef g(n: int) -> int:\n    return n\n"
    + body("return g(a)"),
    "recursion and nested functions": body("def g(n):\n        return 1 if n == 0 else n * g(n - 1)\n    return g(a)"),
    "a local name that is also a builtin's": body("vars = [a, b]\n    return [id for id in vars]"),
    "exceptions": body(
        "try:\n        return a / b\n    except ArithmeticError as error:\n        raise ValueError from error"
    ),
    "an escape that Python does not know": body(r"return '\d'"),
    "dates without a clock": body("return datetime.date.fromisoformat(a).isoformat()", "import datetime\n"),
    "an attribute called now of something else": body("return [x.now for x in a]"),
    "the type of a value, compared": body("return type(a) is int or isinstance(b, (str, type(a)))"),
    "a type in an annotation": "def g(x: type[int]) -> type:\n    return x\n" + body("return 1"),
    "an enumeration": """
        from enum import Enum, auto

        class Colour(Enum):
            RED = auto()
            GREEN = auto()

        def f(a, b):
            return Colour.RED is Colour.GREEN
        """,
    "a format that stands in the code": body('return "{:.2f}".format(a)'),
    "a format that has a name": "ROW = '{:>9} {}'\n" + body("return [ROW.format(x, b) for x in a]"),
    "a named tuple": "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\n" + body("return P(a).x"),
    "a dataclass as a record": "from dataclasses import asdict, dataclass\n@dataclass\nclass P:\n    x: int\n"
    + body("return asdict(P(a))"),
    "typing": "from typing import Any, Callable, Iterable, Optional, Union\n"
    + body("x: Optional[int] = a\n    return x"),
    "numbers and texts": body(
        "return [Decimal(a), Fraction(a), itertools.accumulate(b), operator.itemgetter(0)(b)]",
        "import itertools, operator\nfrom decimal import Decimal, ROUND_HALF_UP\nfrom fractions import Fraction\n"
        "from functools import lru_cache, partial, reduce\nfrom heapq import nlargest\nfrom string import digits\n"
        "from bisect import bisect_left, insort\nfrom collections import Counter, defaultdict, deque, namedtuple\n"
        "from copy import deepcopy\nfrom datetime import date, timedelta\nfrom statistics import fmean, quantiles\n",
    ),
    "matching a pattern": body("match a:\n        case {'x': x, **rest}:\n            return [x, rest]\n    return b"),
}


@pytest.mark.parametrize("code", HONEST.values(), ids=HONEST)
def test_an_honest_program_has_no_findings(code: str) -> None:
    assert findings(code) == {}


def test_a_parameter_may_have_the_name_of_a_builtin() -> None:
    candidate = Candidate(
        bare("f", parameters=[{"name": "id"}, {"name": "input"}]), "def f(id, input):\n    return [id, input]\n"
    )
    assert [f for rule in (*FORM_RULES, *STATIC_RULES) for f in rule.findings(candidate)] == []


NOT_PYTHON = {
    "prose": "Here is the code that you asked for:",
    "code that was cut off": "def f(a, b):\n    return (a +",
    "a null byte": "def f(a, b):\n    return 1\0",
    "a lone surrogate": "def f(a, b):\n    return '\ud800'",
    "too much nesting": body("return " + "(" * 300 + ")" * 300),
    "too many signs": body("return " + "-" * 30_000 + "1"),
    "too long a chain": body("return a" + ".b" * 30_000),
    "too many functions in functions": body("return " + "lambda: " * 5000 + "1"),
    "an integer of too many digits": body("return " + "9" * 5000),
    "return outside of a function is Python, but a parameter twice is not": "def f(a, a):\n    return a\n",
    "nonlocal at the top": "nonlocal f\n" + body("return a"),
    "huge": "# " + "x" * 70_000,
}


@pytest.mark.parametrize("code", NOT_PYTHON.values(), ids=NOT_PYTHON)
def test_what_is_not_python_is_said_to_be_so_and_nothing_else_is_asked(code: str) -> None:
    assert list(findings(code)) == ["parses"]


def test_a_program_in_another_language_is_refused() -> None:
    found = FORM_RULES[0].findings(Candidate(CONTRACT, "def f(a, b): pass", language="perl"))
    assert ["perl" in str(f) for f in found] == [True]


def test_a_finding_names_the_line() -> None:
    assert findings(body("return 1", "import math\nimport os\n"))["imports"].startswith(
        "line 2: import os is not allowed"
    )


NO_ENTRY_POINT = {
    "none at all": "def g(a, b):\n    return 1\n",
    "another name": "def F(a, b):\n    return 1\n",
    "an async function": "async def f(a, b):\n    return 1\n",
    "a class": "class f:\n    pass\n",
    "a lambda": "f = lambda a, b: 1\n",
    "only within another function": "def g():\n    def f(a, b):\n        return 1\n",
    "only within a class": "class A:\n    def f(a, b):\n        return 1\n",
    "defined twice": body("return 1") + body("return 2"),
    "replaced by another function": "def g(a, b):\n    return 2\n" + body("return 1") + "f = g\n",
    "replaced in a tuple": "def g(a, b):\n    return 2\n" + body("return 1") + "f, h = g, g\n",
    "replaced by an import": body("return 1") + "from math import gcd as f\n",
    "replaced by a module": body("return 1") + "import math as f\n",
    "replaced by a class": body("return 1") + "class f:\n    pass\n",
    "a parameter renamed": "def f(a, c):\n    return 1\n",
    "a parameter too many": "def f(a, b, c):\n    return 1\n",
    "a parameter too many, with a default": "def f(a, b, c=1):\n    return 1\n",
    "a parameter too few": "def f(a):\n    return 1\n",
    "any arguments": "def f(a, b, *rest):\n    return 1\n",
    "any names": "def f(**named):\n    return 1\n",
    "parameters without names": "def f(a, b, /):\n    return 1\n",
    "a decorator": "from functools import cache\n@cache\ndef f(a, b):\n    return 1\n",
}


@pytest.mark.parametrize("code", NO_ENTRY_POINT.values(), ids=NO_ENTRY_POINT)
def test_the_entry_point_is_one_plain_function_with_the_parameters_by_name(code: str) -> None:
    assert "entry-point" in findings(code)


AT_IMPORT = {
    "a call": "print(1)\n",
    "a loop": "for i in range(3):\n    pass\n",
    "a condition": "if True:\n    pass\n",
    "an attempt": "try:\n    pass\nexcept ValueError:\n    pass\n",
    "a change": "X = [1]\nX[0] += 1\n",
    "a call in a constant": "X = sorted([2, 1])\n",
    "an assignment within a constant": "X = [(Y := 1)]\n",
    "a call in a default argument": "def g(x=sorted([1])):\n    return x\n",
    "a call in a keyword-only default": "def g(*, x=sorted([1])):\n    return x\n",
    "a call in an annotation": "def g(x: sorted([1])):\n    return x\n",
    "a call in what is returned": "def g(x) -> sorted([1]):\n    return x\n",
    "a decorator of its own": "def d(g):\n    return g\n@d\ndef g(x):\n    return x\n",
    "a decorator of its own that is called": "def d(x):\n    return d\n@d(1)\ndef g(x):\n    return x\n",
    "a decorator that hides behind a known name": "def cache(g):\n    return g\n@cache\ndef g(x):\n    return x\n",
    "a call in a known decorator": "import functools\n@functools.lru_cache(max([1]))\ndef g():\n    pass\n",
    "a call in the body of a class": "class A:\n    x = sorted([1])\n",
    "a call in a class within a class": "class A:\n    class B:\n        x = sorted([1])\n",
    "a loop in the body of a class": "class A:\n    for i in (1, 2):\n        pass\n",
    "a call in the bases of a class": "class A(type(1)):\n    pass\n",
    "a call in the keywords of a class": "class A(metaclass=type(1)):\n    pass\n",
    "a call in a default within a class": "class A:\n    def g(self, x=sorted([1])):\n        return x\n",
}


@pytest.mark.parametrize("code", AT_IMPORT.values(), ids=AT_IMPORT)
def test_nothing_happens_before_the_function_is_called(code: str) -> None:
    assert "only-definitions" in findings(code + body("return 1"))


HOSTILE_IMPORTS = {
    "the system": body("return 1", "import os\n"),
    "one of several": body("return 1", "import math, os\n"),
    "within a function": body("import socket\n    return 1"),
    "within a nested function": body("def g():\n        import subprocess\n        return 1\n    return g()"),
    "under an allowed name": body("return math.getcwd()", "import os as math\n"),
    "a part of an allowed package": body("return 1", "import json.decoder\n"),
    "everything": body("return 1", "from math import *\n"),
    "relative": body("return 1", "from . import x\n"),
    "relative, by an allowed name": body("return 1", "from .math import sqrt\n"),
    "a module out of a module": body("return 1", "from re import enum\n"),
    "a private part": body("return 1", "from re import _compiler\n"),
    "a part that is not there": body("return 1", "from math import nothing\n"),
    "the way from re to sys": body('return re.enum.sys.modules["os"]', "import re\n"),
    "the same under another name": body('return r.enum.sys.modules["os"]', "import re as r\n"),
    "the same after an assignment": body("r = re\n    return r.enum", "import re\n"),
    "the same through a list": body("return [re][0].enum", "import re\n"),
    "the same through a parameter": "import re\ndef g(m):\n    return m.enum\n" + body("return g(re)"),
    "the same through a default argument": "import re\ndef g(m=re):\n    return m.enum\n" + body("return g()"),
    "the same through a pattern": body("match re:\n        case object(enum=e):\n            return e", "import re\n"),
    "an attribute by its name": body("return operator.attrgetter('x')(a)", "import operator\n"),
    "an attribute by its name, taken out": body("return g('x')(a)", "from operator import attrgetter as g\n"),
    "a method by its name": body("return operator.methodcaller('x')(a)", "import operator\n"),
    "an attribute through a format": body("return string.Formatter().get_field('0.x', [a], {})", "import string\n"),
    "a text that is evaluated": body("return typing.get_type_hints(a)", "import typing\n"),
    "copying attributes by their names": body("return functools.update_wrapper(a, b)", "import functools\n"),
    "copying them as a decorator": body("return wraps(a)(b)", "from functools import wraps\n"),
    "a dataclass out of a dict": body("return make_dataclass('X', [])", "from dataclasses import make_dataclass\n"),
    "the fields of a dataclass": body("return dataclasses.fields(a)", "import dataclasses\n"),
    "a function made of code": body("return dataclasses.FunctionType", "import dataclasses\n"),
    "a metaclass of a module": body("return typing.ABCMeta('X', (), {})", "import typing\n"),
    "the metaclass of enumerations": body("return enum.EnumType('X', (), {})", "import enum\n"),
    "how things are copied": body("copy.dispatch_table[a] = b", "import copy\n"),
    "a replacement by names": body("return copy.replace(a, x=1)", "import copy\n"),
    "characters that become an allowed name": body("return 1", "import \uff4fs\n"),
}


@pytest.mark.parametrize("code", HOSTILE_IMPORTS.values(), ids=HOSTILE_IMPORTS)
def test_an_import_that_leads_outside_is_refused(code: str) -> None:
    assert "imports" in findings(code)


HOSTILE_NAMES = {
    **{
        name: body(f"return {name}")
        for name in (
            "__import__",
            "__builtins__",
            "breakpoint",
            "compile",
            "delattr",
            "dir",
            "eval",
            "exec",
            "exit",
            "getattr",
            "globals",
            "help",
            "input",
            "locals",
            "memoryview",
            "open",
            "setattr",
            "vars",
        )
    },
    "a builtin under another name": body("return o(a)", "o = open\n"),
    "a builtin as a default": "def g(open=open):\n    return open\n" + body("return g()"),
    "a builtin that is assigned later": body("return x", "x = open\nopen = 1\n"),
    "a builtin in the body of a class": body("return A.x", "class A:\n    x = open\n    open = 1\n"),
    "a builtin that is declared global": body("global open\n    return open"),
    "characters that become a builtin": body("return \uff45val('1')"),
    "the class of a value": body("return a.__class__"),
    "a private attribute": body("return a._fields"),
    "a private attribute in a pattern": body("match a:\n        case str(_x=x):\n            return x"),
    "the class of a value in a pattern": body("match a:\n        case object(__class__=c):\n            return c"),
    "a special method": "class A:\n    def __call__(self):\n        return 1\n" + body("return A()"),
    "a parameter with underscores": "def g(__x):\n    return 1\n" + body("return 1"),
    "an import under a name with underscores": body("return 1", "import math\nfrom math import gcd as __g\nX = __g\n"),
    "underscores in a text": body("return '{0.__class__}'.format(a)"),
    "underscores in an f-string": body("return f'{a}__class__'"),
    "underscores in joined texts": body("return '_' '_class_' '_'"),
    "underscores in bytes": body("return b'__class__'"),
    "the frame of a generator": body("return (x for x in a).gi_frame"),
    "the callers of a frame": body("return a.f_back.f_globals"),
    "the builtins of a frame": body("return a.f_builtins"),
    "the frame of an exception": body("return a.tb_frame"),
    "the frame of a coroutine": body("return a.cr_frame"),
}


@pytest.mark.parametrize("code", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_a_name_that_reaches_what_was_not_given_is_refused(code: str) -> None:
    assert "names" in findings(code)


CLOCKS = {
    "now": body("return datetime.datetime.now()", "import datetime\n"),
    "today": body("return date.today()", "from datetime import date\n"),
    "utcnow": body("return datetime.utcnow()", "from datetime import datetime\n"),
    "under another name": body("return d.now()", "from datetime import datetime as d\n"),
    "without a call": body("return list(map(datetime.datetime.now, [None]))", "import datetime\n"),
    "the module under another name": body("return d.datetime.now()", "import datetime as d\n"),
}


@pytest.mark.parametrize("code", CLOCKS.values(), ids=CLOCKS)
def test_a_body_that_asks_the_clock_is_refused(code: str) -> None:
    assert "purity" in findings(code)


def test_every_rule_says_in_its_docstring_what_to_do() -> None:
    assert [
        type(rule).__name__ for rule in (*FORM_RULES, *STATIC_RULES) if not (type(rule).__doc__ or "").strip()
    ] == []


def test_the_hash_of_a_candidate_is_that_of_its_code_alone() -> None:
    one, other = Candidate(contract(), "x = 1\n"), Candidate(CONTRACT, "x = 1\n")
    assert one.hash == other.hash
    assert one.hash != Candidate(CONTRACT, "x = 1 \n").hash


HIDDEN_CLASSES = {
    "type with a namespace": body("return type('X', (), {a: b})"),
    "type under another name": body("t = type\n    return t('X', (), {})"),
    "the type of a type": body("return type(int)('X', (), {})"),
    "the type of a type under another name": body("t = type(int)\n    return t('X', (), {})"),
    "type passed on": body("return list(map(type, ['X'], [()], [{}]))"),
    "type in a comparison that calls it with more": body("return type('X', (), {}) == a"),
    "type in a comparison that unpacks": body("return type(*a) == b"),
    "type as a default": "def g(t=type):\n    return t\n" + body("return g()"),
    "type as a base": "class M(type):\n    pass\n" + body("return M('X', (), {})"),
    "type as a value of an annotated name": body("t: type = type\n    return t('X', (), {})"),
    "a metaclass": "def m(name, bases, space):\n    return 1\nclass A(metaclass=m):\n    pass\n" + body("return A"),
    "a metaclass that is unpacked": "class A(**{'metaclass': 1}):\n    pass\n" + body("return A"),
    "an enumeration out of a dict": body("return Enum('X', {a: b})", "from enum import Enum\n"),
    "the same by the module": body("return enum.Enum('X', {a: b})", "import enum\n"),
    "the same under another name": body("return E('X', {a: b})", "from enum import Enum as E\n"),
    "an enumeration without members": "from enum import Enum\nclass E(Enum):\n    pass\n"
    + body("return E('X', {a: b})"),
    "an enumeration whose members are ignored": "from enum import Enum\nclass E(Enum):\n    _ignore_ = 'A'\n    A = 1\n"
    + body("return E('X', {a: b})"),
    "an enumeration of functions": "from enum import Enum\nclass E(Enum):\n    A = lambda s: 1\n"
    + body("return E('X', {a: b})"),
}


@pytest.mark.parametrize("code", HIDDEN_CLASSES.values(), ids=HIDDEN_CLASSES)
def test_a_class_that_is_made_at_run_time_is_refused(code: str) -> None:
    assert "classes" in findings(code)


FORMATS = {
    "a pattern that is computed": body("return ('{0.' + chr(95) + '}').format(a)"),
    "a pattern that is passed in": body("return a.format(b)"),
    "the method itself": body("return str.format(a, b)"),
    "a pattern from a map": body("return a.format_map(b)"),
    "a name that gets a computed text too": body("p = '{}'\n    p = p + a\n    return p.format(b)"),
    "a name that is added to": body("p = '{}'\n    p += a\n    return p.format(b)"),
    "a name that is a parameter elsewhere": "def g(p):\n    return p.format(1)\n" + body("p = '{}'\n    return g(a)"),
    "a name that a pattern binds": "P = '{}'\ndef g(x):\n    match x:\n        case [P]:\n            P.format()\n"
    + body("return g(a)"),
}


@pytest.mark.parametrize("code", FORMATS.values(), ids=FORMATS)
def test_a_format_that_is_not_in_the_code_is_refused(code: str) -> None:
    assert "formats" in findings(code)


def test_a_parameter_may_be_called_type() -> None:
    candidate = Candidate(bare("f", parameters=[{"name": "type"}]), "def f(type):\n    return [type]\n")
    assert [f for rule in (*FORM_RULES, *STATIC_RULES) for f in rule.findings(candidate)] == []


def test_candidates_that_are_read_at_the_same_time_leave_the_filters_of_warnings_as_they_were() -> None:
    before = list(warnings.filters)
    candidates = [Candidate(CONTRACT, body(rf"return '\d{n}'")) for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        trees = list(pool.map(lambda one: one.tree, candidates))
    assert len(trees) == 200
    assert warnings.filters == before
