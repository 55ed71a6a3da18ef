"""Conditions and effects: what is read, what is written back, and what is refused."""

import ast
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htn.contract import (
    Argument,
    Condition,
    Constant,
    Contract,
    Effect,
    Entry,
    Lookup,
    Names,
    Output,
    Read,
    Term,
    parse_condition,
    parse_effect,
    parse_term,
)
from htn.contract.terms import FUNCTIONS, Applied
from htn.errors import UsageError
from tests.htn.test_contract_types import schemas

NAMES = Names(("file", "who"), ("values",), {"table", "cash"}, ("mean",))

constants = st.builds(
    Constant,
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["\n", '"', "\\", "\\n", "'", "\0", "\u2028", "é😀"]),
)
leaves: st.SearchStrategy[Term] = constants | st.sampled_from(
    [Argument("file"), Argument("who"), Read("values"), Output("mean")]
)


def _larger(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    held = inner.filter(lambda term: not isinstance(term, Constant))
    return (
        st.builds(Lookup, st.sampled_from(["table", "cash"]), st.lists(inner, min_size=1, max_size=2).map(tuple))
        | st.builds(Entry, held, inner)
        | st.builds(Applied, st.sampled_from(sorted(FUNCTIONS)), st.lists(inner, max_size=2).map(tuple))
    )


terms: st.SearchStrategy[Term] = st.recursive(leaves, _larger, max_leaves=4)
places = st.builds(Lookup, st.sampled_from(["table", "cash"]), st.lists(terms, max_size=2).map(tuple))
conditions = st.builds(Condition, terms, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), terms) | st.builds(
    Condition, terms, st.sampled_from(["in", "not in"]), terms | places
)
effects = st.builds(Effect, st.sampled_from(["assign", "increase", "decrease", "add", "remove"]), places, terms) | (
    st.builds(Effect, st.just("delete"), places)
)


@given(terms)
def test_a_term_is_read_back_as_it_was_written(term: Term) -> None:
    assert repr(parse_term(str(term), NAMES)) == repr(term)


@given(conditions)
def test_a_condition_is_read_back_as_it_was_written(condition: Condition) -> None:
    assert repr(parse_condition(str(condition), NAMES)) == repr(condition)


@given(effects)
def test_an_effect_is_read_back_as_it_was_written(effect: Effect) -> None:
    assert repr(parse_effect(str(effect), NAMES)) == repr(effect)


@given(conditions)
def test_a_condition_is_one_line(condition: Condition) -> None:
    assert "\n" not in str(condition)


HOSTILE = [
    "__import__('os')", "__import__('os').system('id') == 0", "(lambda: 1)() == 1", "[x for x in values] == 1",
    "{x for x in values} == 1", "{x: 1 for x in values} == 1", "(x for x in values) == 1", "file.__class__ == 1",
    "values.append(1)", "(x := 1) == 1", "f'{file}' == file", "file == f'{who!r}'", 'x"; import os',
    "file == 1; import os",
    "import os", "exec('1') == 1", "open(file) == 1", "output.__class__ == 1", "output.mean.real == 1",
    "file[0:1] == 1",
    "file if who else 1", "file and who", "not file == who", "1 < file < 3", "file is who", "-file == 1", "+1 == 1",
    "file + 1 == 2", "[1, 2] == file", "(1, 2) == file", "{1: 2} == file", "b'a' == file", "... == file",
    "1j == file",
    "*file == who", "len(*values) == 1", "len(obj=values) == 1", "file == 1e999", "file == -1e999",
    "await file == 1",
    "yield file", "table == file", "table[()] == 3", "values[1, 2] == 3", "table[*values] == 1", "table.x == 1",
    'file == "\\ud800"', "unknown == 1", "nowhere[file] == 1", "output.other == 1", "len == 1", "len(table) == 1",
    "", " ", "\0", "file ==", "# file == who", "file == who\nfile == who", "-" * 390 + "1 == 1",
    "(" * 200 + "1" + ")" * 200,
    "file" + "[0]" * 100 + " == 1", "[" * 90 + "]" * 90 + " == 1", "file" + ".a" * 190, "a == " + "1" * 500,
    "\ud800 == 1",
    "not " * 90 + "file", "~" * 300 + "1 == 2", "len(" * 60 + "values" + ")" * 60 + " == 1",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_plain_comparison_is_refused_as_a_condition(text: str) -> None:
    with pytest.raises(UsageError):
        parse_condition(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        *(text for text in HOSTILE if text not in ("values.append(1)",)),
        "values.append(1)", "file = 1", "values = 1", "values[0] = 1", "output.mean = 1", "table[file]: int = 3",
        "table[file] = cash[who] = 1", "table[file], cash[who] = 1", "table[file] *= 2", "table[file] = x = 1",
        "del table[file], cash[who]", "del file", "table[file].clear()", "table[file].add(1, 2)",
        "table[file].add(x=1)",
        "table[file].add(*values)", "table[file].add", "len(values).add(1)", "table[file] == 1", "true = 1",
        "table = table",
        "for file in values: pass", "def f(): pass", "class A: pass", "global x", "pass", "table[file] = lambda: 1",
        "table[file] = 1; cash[who] = 2", "table[file][0] = 1", "nowhere[file] = 1", "table[()] = 3",
    ],
)  # fmt: skip
def test_what_is_no_plain_change_is_refused_as_an_effect(text: str) -> None:
    with pytest.raises(UsageError):
        parse_effect(text, NAMES)


pieces = st.sampled_from([
    "file", "who", "values", "table", "output.mean", "len", "(", ")", "[", "]", "==", "in", "not", ".add", "del ",
    "+=",
    "=", " ", ",", "-", "1", "1e400", '"', "'", "\\", "x", ".", "lambda:", ":=", "f''", "*", "\n", "\0", "true",
])  # fmt: skip


@given(st.text(max_size=20) | st.lists(pieces, max_size=12).map("".join))
def test_any_text_is_a_condition_or_effect_that_is_stable_or_a_usage_error(text: str) -> None:
    readers: list[Any] = [parse_condition, parse_effect, parse_term]
    for read in readers:
        try:
            found = read(text, NAMES)
        except UsageError:
            continue
        assert repr(read(str(found), NAMES)) == repr(found)


def test_a_mistyped_name_suggests_the_right_one() -> None:
    for text, hint in [("fil == 1", "file"), ("tabel[file] == 1", "table"), ("output.maen == 1", "mean")]:
        with pytest.raises(UsageError) as caught:
            parse_condition(text, Names(("file",), (), {"table"}, ("mean",)))
        assert caught.value.hints == (f"did you mean {hint}?",)


def test_the_words_of_json_are_constants_even_where_a_parameter_is_called_so() -> None:
    assert parse_term("True", Names(("true",))) == parse_term("true", Names(("true",))) == Constant(True)


def statistics() -> dict[str, Any]:
    return {
        "name": "summarise",
        "description": "Summarise a column.",
        "parameters": [
            {"name": "file", "type": {"type": "string"}, "description": "which"},
            {"name": "column", "type": {}},
        ],
        "reads": [
            {
                "name": "values",
                "from": "table[file][column]",
                "type": {"type": "array", "items": {"type": "number"}},
            }
        ],
        "outputs": [{"name": "mean", "type": {"type": "number"}}],
        "preconditions": ["file in table", "len(values) >= 1", 'column != "a\\nb"'],
        "effects": ["statistics[file, column] = output.mean", "count[file] += 1"],
        "ensures": ["output.mean >= min(values)", "output.mean <= max(values)"],
    }


def test_a_contract_written_as_json_is_read_back() -> None:
    contract = Contract.from_json(statistics())
    again = Contract.from_json(json.loads(json.dumps(contract.to_json())))
    assert (again, again.hash) == (contract, contract.hash)


def test_the_hash_is_that_of_the_content_and_no_other() -> None:
    assert Contract.from_json(statistics()).hash == Contract.from_json(dict(reversed(statistics().items()))).hash


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "summarize"), ("parameters", [*statistics()["parameters"], {"name": "x"}]),
        ("outputs", [{"name": "mean", "type": {"type": "number", "minimum": 0}}]),
        ("preconditions", statistics()["preconditions"][::-1]),
        ("effects", ["statistics[file, column] = output.mean"]),
        ("ensures", ["output.mean > min(values)", "output.mean <= max(values)"]),
    ],
)  # fmt: skip
def test_another_promise_has_another_hash(key: str, value: Any) -> None:
    assert Contract.from_json({**statistics(), key: value}).hash != Contract.from_json(statistics()).hash


def test_another_description_is_the_same_promise() -> None:
    assert Contract.from_json({**statistics(), "description": "Other."}).hash == Contract.from_json(statistics()).hash


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "x; import os"}, "not a usable name"), ({"name": None}, "not a usable name"),
        ({"name": "class"}, "not a usable name"), ({"name": "größe"}, "not a usable name"),
        ({"parameters": "file"}, "must be a list"), ({"parameters": ["file"]}, "a parameter is an object"),
        ({"parameters": [{"name": "file"}, {"name": "column"}, {"name": "file"}]}, "stands for two things"),
        ({"parameters": [{"name": "values"}, {"name": "file"}, {"name": "column"}]}, "stands for two things"),
        ({"outputs": [{"name": "mean"}, {"name": "mean"}]}, "stands for two things"),
        ({"outputs": []}, "output.mean is not known here"),
        ({"preconditions": ["output.mean > 1"]}, "output.mean is not known here"),
        ({"preconditions": [3]}, "is a text"), ({"preconditions": ["file in table"] * 33}, "at most 32"),
        ({"reads": [{"name": "values", "from": "file"}]}, "not in the state"),
        ({"reads": [{"name": "values"}]}, "is a text"), ({"reads": [["values"]]}, "a read is an object"),
        ({"effects": ["file = 1"]}, "not a state variable"),
    ],
)  # fmt: skip
def test_a_contract_that_cannot_be_meant_says_why(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Contract.from_json({**statistics(), **changes})


@pytest.mark.parametrize("data", [None, [], "pay", 3])
def test_what_is_no_object_is_no_contract(data: Any) -> None:
    with pytest.raises(UsageError, match="a contract is an object"):
        Contract.from_json(data)


def test_a_contract_may_only_speak_of_variables_that_exist() -> None:
    with pytest.raises(UsageError) as caught:
        Contract.from_json(statistics(), {"tables", "statistics", "count"})
    assert caught.value.hints == ("did you mean tables?",)


NUMBERS = {"type": "array", "items": {"type": "number", "unit": "km"}, "minItems": 1}


def test_a_contract_can_be_written_in_python_in_the_lines_in_which_it_is_read() -> None:
    written = Contract.of(
        "summarise",
        parameters={"file": "string", "column": {"enum": ["wind", "rain"], "description": "What is summed up."}},
        reads={"values": ("table[file][column]", NUMBERS)},
        returns={"mean": {"type": "number", "unit": "km"}},
        needs=["file in table", "len(values) >= 1"],
        changes=["statistics[file, column] = output.mean", "count[file] += 1", "seen[file].add(column)"],
        ensures=["output.mean >= min(values)"],
    )
    assert written.lines() == [
        'summarise(file: text, column: "wind" or "rain")',
        "  reads   values = table[file][column]: list of number in km (at least 1)",
        "  returns mean: number in km",
        "  needs   file in table",
        "  needs   len(values) >= 1",
        "  changes statistics[file, column] = output.mean",
        "  changes count[file] += 1",
        "  changes seen[file].add(column)",
        "  ensures output.mean >= min(values)",
        "  nothing else changes",
    ]
    assert written.parameters[1].description == "What is summed up."
    assert Contract.from_json(written.to_json()) == written
    with pytest.raises(UsageError, match=r"output\.mean is not known here"):
        Contract.of("f", needs=["output.mean > 1"])


def _contract(schemas: list[Any], needs: list[Condition], makes: list[Effect], said: str) -> Contract:
    """A contract in which these conditions and effects may stand, with these types."""
    return Contract.from_json(
        {
            "name": "summarise",
            "description": said,
            "parameters": [
                {"name": name, "type": schemas[at], "description": said} for at, name in enumerate(("file", "who"))
            ],
            "reads": [{"name": "values", "from": "table[file]", "type": schemas[2]}],
            "outputs": [{"name": "mean", "type": schemas[3]}],
            "effects": [str(effect) for effect in makes],
            "ensures": [str(condition) for condition in needs],
        }
    )


@given(
    st.lists(schemas, min_size=4, max_size=4), st.lists(conditions, max_size=3), st.lists(effects, max_size=3),
    st.text(max_size=20),
)  # fmt: skip
def test_a_contract_written_as_python_makes_the_same_contract_again(
    types: list[Any], needs: list[Condition], makes: list[Effect], said: str
) -> None:
    promise = _contract(types, needs, makes, said)
    source = promise.to_python()
    assert eval(source, {"Contract": Contract}) == promise
    assert not any(isinstance(node, ast.Name) and node.id != "Contract" for node in ast.walk(ast.parse(source)))


def test_a_contract_is_read_by_a_person_line_by_line() -> None:
    assert Contract.from_json(statistics()).lines() == [
        "summarise(file: text, column: anything)",
        "  reads   values = table[file][column]: list of number",
        "  returns mean: number",
        "  needs   file in table",
        "  needs   len(values) >= 1",
        '  needs   column != "a\\nb"',
        "  changes statistics[file, column] = output.mean",
        "  changes count[file] += 1",
        "  ensures output.mean >= min(values)",
        "  ensures output.mean <= max(values)",
        "  nothing else changes",
    ]
