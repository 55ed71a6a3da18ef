"""Which values a script reads, what they look like, and the inputs that are drawn for it."""

import pytest

from executor.code.inputs import inputs_for
from executor.code.shapes import Shape, read_names, shapes_of_function, shapes_of_script
from executor.code.tree import Tree


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("result = x * y", ("x", "y")),
        ("x = 1\nresult = x", ()),
        ("x = x + 1\nresult = x", ("x",)),
        ("x += 1", ("x",)),
        ("for a in b:\n    c = a\nresult = c", ("b",)),
        ("result = [a + k for a in xs if a in ys]", ("k", "xs", "ys")),
        ("import math\nresult = math.pi + r", ("r",)),
        ("def f(a):\n    b = a\n    return b + c\nresult = f(d)", ("d", "c")),
        ("try:\n    result = a\nexcept KeyError as e:\n    result = str(e)", ("a",)),
        ("result = sorted(x, key=lambda p: p[k])", ("x", "k")),
        ("if a:\n    b = 1\nelse:\n    b = c\nresult = b", ("a", "c")),
        ("result = len(print.__name__)", ()),
        ("a[0] = 1\nresult = a", ("a",)),
        ("with a as b:\n    result = b", ("a",)),
    ],
)
def test_the_inputs_of_a_script_are_what_it_reads_before_it_assigns_it(code: str, names: tuple[str, ...]) -> None:
    assert read_names(Tree(code)) == names


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("result = items[0]['json']['value'] * 2", {"items": "array"}),
        ("result = x * 2.5", {"x": "number"}),
        ("result = name.upper()", {"name": "string"}),
        ("result = name + '!'", {"name": "string"}),
        ("result = [k for k, v in d.items() if v > 2]", {"d": "object"}),
        ("for i in range(n):\n    pass", {"n": "integer"}),
        ("result = sum(xs)", {"xs": "array"}),
        ("if mode == 'a':\n    result = 1", {"mode": "string"}),
        ("if flag is None:\n    result = 1", {"flag": ""}),
        ("result = u.get('age')", {"u": "object"}),
    ],
)
def test_what_an_input_looks_like_follows_from_its_use(code: str, kinds: dict[str, str]) -> None:
    tree = Tree(code)
    assert {name: shape.kind for name, shape in shapes_of_script(tree, read_names(tree)).items()} == kinds


def test_what_stands_below_other_things_is_found() -> None:
    tree = Tree("result = [u['name'].upper() for u in users if u['age'] > 3 and u['tags'][0]]")
    users = shapes_of_script(tree, read_names(tree))["users"]
    fields = users.items.fields
    assert {name: shape.kind for name, shape in fields.items()} == {"name": "string", "age": "integer", "tags": "array"}


def test_annotations_of_a_function_count() -> None:
    function = next(Tree("def f(a: int, b: list[str], c, d: dict[str, int]):\n    return c").functions())
    shapes = shapes_of_function(function)
    assert {name: shape.kind for name, shape in shapes.items()} == {
        "a": "integer",
        "b": "array",
        "c": "",
        "d": "object",
    }
    assert shapes["b"].items.kind == "string"


def test_the_given_inputs_come_first_and_no_input_comes_twice() -> None:
    given = [{"x": 7}, {"x": 7}, {"x": 8}]
    rows = inputs_for({"x": Shape("integer")}, given)
    assert list(rows[:2]) == [{"x": 7}, {"x": 8}]
    assert len({repr(row) for row in rows}) == len(rows) > 10


def test_drawn_inputs_have_the_shape_of_the_given_ones() -> None:
    given = {"items": [{"json": {"value": 5, "name": "a"}}]}
    for row in inputs_for({"items": Shape()}, [given]):
        assert all(set(item["json"]) == {"value", "name"} for item in row["items"])
        assert all(type(item["json"]["value"]) is int for item in row["items"])


def test_some_inputs_have_the_same_value_twice_and_some_are_empty() -> None:
    rows = inputs_for({"x": Shape("array", item=Shape("string"))})
    assert any(len(row["x"]) > len(set(row["x"])) for row in rows)
    assert any(row["x"] == [] for row in rows)


def test_the_same_code_gets_the_same_inputs() -> None:
    shapes = {"a": Shape(), "b": Shape("object", {"c": Shape("number")})}
    assert inputs_for(shapes) == inputs_for(shapes)


def test_a_script_without_inputs_has_one_run() -> None:
    assert inputs_for({}) == ({},)
