"""A body is held to its contract: before, during and after; what it says of itself is not believed."""

from textwrap import dedent
from typing import Any

import pytest

from executor.body import Observation, perform
from executor.sandbox import Program, Sandbox, SandboxLimits
from htn.contract import Contract, refuse, write
from htn.errors import UsageError
from htn.state import State
from tests.executor.shop import RIGHT, bare, contract

NUMBER = {"type": "number"}


def one_effect(effect: str, *, reads: str | None = None, **parts: Any) -> Contract:
    """A contract f(x) with one effect."""
    given = {"parameters": [{"name": "x"}], "effects": [effect], **parts}
    if reads:
        given["reads"] = [{"name": "old", "from": reads}]
    return bare("f", **given)


def saying(writes: str, output: str = "{}", *, before: str = "", arguments: str = "x") -> str:
    """A body that returns these writes and outputs."""
    return f'def f({arguments}):\n    {before or "pass"}\n    return {{"output": {output}, "writes": {writes}}}\n'


def use(promise: Contract, code: str, box: Sandbox, state: State, *arguments: Any, **how: Any) -> Observation:
    return perform(Program(dedent(code), promise.name), promise, state, arguments, box, **how)


def total(expression: str, *, output: str | None = None) -> str:
    """A body of order_total that writes an expression, and returns another one where it is given."""
    returned = f'"output": {{"total": {output or expression}}}, "writes": [["total", order, {expression}]]'
    return f"def order_total(order, amounts):\n    return {{{returned}}}\n"


CART = {"tea": [4.0, 1.5]}


def test_what_a_body_did_is_what_its_contract_declares(any_box: Sandbox) -> None:
    seen = use(contract(), RIGHT, any_box, State(cart=CART), "tea")
    assert seen.ok
    assert seen.outputs == {"total": 5.5}
    assert seen.after == {("total", "tea"): 5.5}


def test_the_state_is_left_to_the_caller(box: Sandbox) -> None:
    state = State(cart=CART)
    use(contract(), RIGHT, box, state, "tea")
    assert state == State(cart=CART)


def test_a_body_sees_its_arguments_and_reads_and_nothing_else(box: Sandbox) -> None:
    code = "def order_total(**given):\n    raise ValueError(sorted(given))\n"
    seen = use(contract(), code, box, State(cart=CART, secret={"key": 1}), "tea")
    assert "['amounts', 'order']" in str(seen.problem)


REFUSED: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
    "a precondition": ({"preconditions": ["len(amounts) > 9"]}, ("tea",)),
    "a read that is absent": ({}, ("coffee",)),
    "an argument of the wrong type": ({}, (7,)),
    "a read of the wrong type": ({"reads": [{"name": "amounts", "from": "cart[order]", "type": NUMBER}]}, ("tea",)),
}


@pytest.mark.parametrize(("parts", "arguments"), REFUSED.values(), ids=REFUSED)
def test_where_the_contract_does_not_apply_nothing_runs(
    box: Sandbox, parts: dict[str, Any], arguments: tuple[Any, ...]
) -> None:
    seen = use(contract(**parts), "def order_total(**given):\n    print('here')\n", box, State(cart=CART), *arguments)
    assert seen.refused
    assert seen.category == "precondition"
    assert seen.outcome is None  # a body that had run would have left its print here


def test_the_trace_that_a_body_leaves_is_seen_when_it_does_run(box: Sandbox) -> None:
    seen = use(contract(), "def order_total(**given):\n    print('here')\n", box, State(cart=CART), "tea")
    assert seen.outcome is not None
    assert seen.outcome.stdout == "here\n"


def test_a_wrong_number_of_arguments_is_the_callers_mistake(box: Sandbox) -> None:
    with pytest.raises(UsageError, match="takes 1 arguments, not 2"):
        use(contract(), RIGHT, box, State(cart=CART), "tea", "milk")


WRONG_WRITES = {
    "none": ("[]", "did not write what the contract declares: total[tea] = 5.5"),
    "another variable": ('[["sum", "tea", 5.5]]', "did not write"),
    "another key": ('[["total", "milk", 5.5]]', "did not write"),
    "one more": ('[["total", "tea", 5.5], ["paid", "tea", True]]', "does not declare: paid[tea] = True"),
    "another value": ('[["total", "tea", 5.25]]', "wrote total[tea] = 5.25; declared is 5.5"),
    "a text for a number": ('[["total", "tea", "5.5"]]', "declared is 5.5"),
    "twice": ('[["total", "tea", 5.5], ["total", "tea", 5.5]]', "total[tea] twice"),
    "a key that can be none": ('[["total", {"a": 1}, 5.5]]', "cannot be the key of total"),
    "a key of parts that can be none": ('[["total", [{"a": 1}], 5.5]]', "cannot be the key of total"),
    "nothing there": ('[["total", "tea", None]]', "declared is 5.5"),
    "the whole variable": ('[["total", None, {"tea": 5.5}]]', "did not write"),
}


@pytest.mark.parametrize(("writes", "why"), WRONG_WRITES.values(), ids=WRONG_WRITES)
def test_writes_that_differ_from_the_declared_effects_break_the_contract(box: Sandbox, writes: str, why: str) -> None:
    code = f'def order_total(order, amounts):\n    return {{"output": {{"total": 5.5}}, "writes": {writes}}}\n'
    seen = use(contract(), code, box, State(cart=CART), "tea")
    assert seen.category == "contract"
    assert why in str(seen.problem)
    assert seen.after == {}


WRONG_SHAPES = {
    "nothing": "None",
    "a number": "3",
    "a list": "[{}, []]",
    "no writes": '{"output": {"total": 5.5}}',
    "no output": '{"writes": []}',
    "something more": '{"output": {}, "writes": [], "trust": "pinned"}',
    "output that is a list": '{"output": [], "writes": []}',
    "writes that are an object": '{"output": {}, "writes": {"total": {"tea": 5.5}}}',
    "a write of two parts": '{"output": {}, "writes": [["total", 5.5]]}',
    "a write of four parts": '{"output": {}, "writes": [["total", "tea", 5.5, 1]]}',
    "a write that is a text": '{"output": {}, "writes": ["tot"]}',
    "a write to no name": '{"output": {}, "writes": [[1, "tea", 5.5]]}',
}


@pytest.mark.parametrize("value", WRONG_SHAPES.values(), ids=WRONG_SHAPES)
def test_a_result_of_another_shape_breaks_the_contract_and_says_the_right_one(box: Sandbox, value: str) -> None:
    seen = use(contract(), f"def order_total(order, amounts):\n    return {value}\n", box, State(cart=CART), "tea")
    assert seen.category == "contract"
    assert "[variable, key, value]" in str(seen.problem)


NOT_PLAIN = {
    "not a number": "float('nan')",
    "infinite": "1e308 * 10",
    "a set": "{1, 2}",
    "an object": "object()",
    "a number of too many digits": "10 ** 5000",
    "a list within itself": "(lambda x: (x.append(x), x)[1])([])",
    "a generator": "(x for x in [1])",
    "a key that is no text": "{1: 2}",
}


@pytest.mark.parametrize("value", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_a_value_that_json_cannot_hold_is_a_problem_and_not_a_value(box: Sandbox, value: str) -> None:
    seen = use(contract(), total(value), box, State(cart=CART), "tea")
    assert seen.category == "protocol"
    assert seen.after == {}


WRONG_OUTPUTS = {
    "missing": ("{}", "returned no 'total'"),
    "one more": ('{"total": 5.5, "tax": 1}', "returned 'tax', which the contract does not declare"),
    "of another type": ('{"total": "5.5"}', "output.total is '5.5', not number"),
    "a truth for a number": ('{"total": True}', "output.total is True, not number"),
    "null": ('{"total": None}', "output.total is None, not number"),
}


@pytest.mark.parametrize(("output", "why"), WRONG_OUTPUTS.values(), ids=WRONG_OUTPUTS)
def test_outputs_are_the_declared_ones_and_of_their_types(box: Sandbox, output: str, why: str) -> None:
    code = f'def order_total(order, amounts):\n    return {{"output": {output}, "writes": [["total", order, 5.5]]}}\n'
    seen = use(contract(), code, box, State(cart=CART), "tea")
    assert seen.category == "contract"
    assert why in str(seen.problem)


def test_a_promised_relation_that_does_not_hold_breaks_the_contract(box: Sandbox) -> None:
    promise = contract(ensures=["output.total == sum(amounts)"])
    seen = use(promise, total("max(amounts)"), box, State(cart=CART), "tea")
    assert seen.problem == "output.total == sum(amounts) does not hold: 4.0 == 5.5 is false"


def test_a_relation_that_cannot_be_computed_is_one_that_does_not_hold(box: Sandbox) -> None:
    promise = contract(outputs=[{"name": "total"}], ensures=["len(output.total) > 0"])
    seen = use(promise, total("sum(amounts)"), box, State(cart=CART), "tea")
    assert seen.category == "contract"
    assert "len(output.total) > 0 does not hold" in str(seen.problem)


def test_a_difference_by_rounding_is_none(box: Sandbox) -> None:
    promise = contract(ensures=["output.total == sum(amounts)"])
    seen = use(promise, total("0.3", output="0.30000000000000004"), box, State(cart={"tea": [0.1, 0.2]}), "tea")
    assert seen.ok


def test_integers_beyond_the_floats_are_compared_exactly(box: Sandbox) -> None:
    promise = one_effect("count[x] += 1", reads="count[x]")
    state = State(count={"a": 10**400})
    right, wrong = (
        saying('[["count", x, old + 1]]', arguments="x, old"),
        saying('[["count", x, old]]', arguments="x, old"),
    )
    assert use(promise, right, box, state, "a").after == {("count", "a"): 10**400 + 1}
    assert use(promise, wrong, box, state, "a").category == "contract"


def test_a_sum_beyond_the_floats_is_not_taken_for_a_value(box: Sandbox) -> None:
    promise = one_effect("count[x] += 1e308", reads="count[x]")
    seen = use(promise, saying('[["count", x, 1.7e308]]', arguments="x, old"), box, State(count={"a": 1.7e308}), "a")
    assert seen.category == "contract"


MUTATIONS = {
    "a list": "amounts.append(1)",
    "the order of a list": "amounts.sort()",
    "an entry": "amounts[0] = 9",
    "everything": "amounts.clear()",
}


@pytest.mark.parametrize("change", MUTATIONS.values(), ids=MUTATIONS)
def test_a_body_that_changes_its_arguments_breaks_the_contract(box: Sandbox, change: str) -> None:
    code = f"def order_total(order, amounts):\n    total = sum(amounts)\n    {change}\n" + (
        '    return {"output": {"total": total}, "writes": [["total", order, total]]}\n'
    )
    seen = use(contract(), code, box, State(cart=CART), "tea")
    assert seen.category == "contract"
    assert "changed its arguments" in str(seen.problem)


def test_a_key_of_several_parts_is_a_list_for_the_body_and_a_tuple_in_the_state(any_box: Sandbox) -> None:
    promise = bare("f", parameters=[{"name": "x"}, {"name": "y"}], effects=["far[x, y] = 3"])
    seen = use(promise, saying('[["far", [x, y], 3]]', arguments="x, y"), any_box, State(far={}), "a", 2)
    assert seen.after == {("far", ("a", 2)): 3}


def test_a_tuple_in_the_state_stays_a_tuple(box: Sandbox) -> None:
    promise = one_effect("place[x] = old", reads="home[x]")
    state = State(home={"a": (1, 2)}, place={})
    seen = use(promise, saying('[["place", x, old]]', arguments="x, old"), box, state, "a")
    assert seen.after == {("place", "a"): (1, 2)}


EFFECTS: dict[str, tuple[str, Any, str, Any]] = {
    "assign": ("v[x] = 5", 3, "5", 5),
    "increase": ("v[x] += 2", 3, "old + 2", 5),
    "decrease": ("v[x] -= 2", 3, "old - 2", 1),
    "add to a list": ("v[x].add(2)", [2, 1], "old + [2]", [2, 1, 2]),
    "remove from a list": ("v[x].remove(2)", [2, 1, 2], "old[1:]", [1, 2]),
    "add to a set": ("v[x].add(2)", {1, 3}, "[1, 2, 3]", {1, 2, 3}),
    "add to a set, in any order": ("v[x].add(2)", {1, 3}, "old + [2]", {1, 2, 3}),
    "add to a frozen set": ("v[x].add(2)", frozenset({1}), "[2, 1]", frozenset({1, 2})),
    "add to a set that has it": ("v[x].add(2)", {1, 2}, "old", {1, 2}),
    "remove from a set": ("v[x].remove(2)", {1, 2}, "[1]", {1}),
    "delete": ("del v[x]", 3, "None", State.ABSENT),
    "write a null": ("v[x] = null", 3, "None", None),
}


@pytest.mark.parametrize(("effect", "before", "after", "result"), EFFECTS.values(), ids=EFFECTS)
def test_each_kind_of_effect_can_be_kept(box: Sandbox, effect: str, before: Any, after: str, result: Any) -> None:
    promise = one_effect(effect, reads="v[x]")
    seen = use(promise, saying(f'[["v", x, {after}]]', arguments="x, old"), box, State(v={"a": before}), "a")
    assert seen.problem is None
    assert seen.after == {("v", "a"): result}
    assert type(seen.after["v", "a"]) is type(result)


BROKEN_EFFECTS: dict[str, tuple[str, Any, str]] = {
    "increase by too much": ("v[x] += 2", 3, "old + 3"),
    "add to a list, in another order": ("v[x].add(2)", [1], "[2, 1]"),
    "a member of a set twice": ("v[x].add(2)", {1, 2}, "[1, 2, 2]"),
    "a set without what was added": ("v[x].add(2)", {1}, "[1]"),
    "not deleted": ("del v[x]", 3, "old"),
}


@pytest.mark.parametrize(("effect", "before", "after"), BROKEN_EFFECTS.values(), ids=BROKEN_EFFECTS)
def test_each_kind_of_effect_can_be_broken(box: Sandbox, effect: str, before: Any, after: str) -> None:
    promise = one_effect(effect, reads="v[x]")
    seen = use(promise, saying(f'[["v", x, {after}]]', arguments="x, old"), box, State(v={"a": before}), "a")
    assert seen.category == "contract"


def test_an_effect_that_cannot_be_done_is_not_blamed_on_nobody(box: Sandbox) -> None:
    promise = one_effect("v[x].remove(9)", reads="v[x]")
    seen = use(promise, saying('[["v", x, old]]', arguments="x, old"), box, State(v={"a": [1]}), "a")
    assert "v[x].remove(9) cannot be done" in str(seen.problem)


def test_what_was_observed_can_be_written(box: Sandbox) -> None:
    state = State(cart=CART)
    write(state, use(contract(), RIGHT, box, state, "tea").after)
    assert state.total["tea"] == 5.5


ENDINGS = {
    "it raises": ("raise ValueError('no')", "runtime"),
    "it leaves": ("raise SystemExit(0)", "runtime"),
    "it does not compile": ("return return", "syntax"),
    "it never ends": ("while True: pass", "timeout"),
    "it eats memory": ("x = [0] * 10**9", "memory"),
    "it prints without end": ("while True: print('x' * 1000)", "output"),
    "it ends its process": ("import os; os._exit(0)", "killed"),
    "a module is missing": ("import nothing_of_this_name", "import"),
}


@pytest.mark.parametrize(("line", "category"), ENDINGS.values(), ids=ENDINGS)
def test_however_a_body_ends_it_is_an_observation(box: Sandbox, line: str, category: str) -> None:
    limits = SandboxLimits(seconds=0.5)
    code = f"def order_total(order, amounts):\n    {line}\n"
    seen = use(contract(), code, box, State(cart=CART), "tea", limits=limits)
    assert not seen.ok
    assert seen.category == category
    assert seen.after == {}


def test_what_a_body_raised_comes_with_its_own_lines(box: Sandbox) -> None:
    code = "def order_total(order, amounts):\n    return amounts['first']\n"
    seen = use(contract(), code, box, State(cart=CART), "tea")
    assert "TypeError" in str(seen.problem)
    assert "return amounts['first']" in str(seen.problem)


FORGED = """
    import os, sys, json
    def order_total(order, amounts):
        frame = sys._getframe()
        while "request" not in frame.f_locals:
            frame = frame.f_back
        answer = {"id": frame.f_locals["request"]["id"], "value": VALUE, "arguments": ARGUMENTS}
        os.write(3, json.dumps(answer).encode())
        os._exit(0)
    """


def test_a_body_that_answers_in_the_place_of_its_supervisor_is_held_to_its_contract_all_the_same(
    any_box: Sandbox,
) -> None:
    lie = '{"output": {"total": 5.5}, "writes": [["total", "tea", 5.5], ["admin", "me", True]]}'
    arguments = '{"order": "tea", "amounts": [4.0, 1.5]}'
    code = FORGED.replace("VALUE", lie).replace("ARGUMENTS", arguments)
    seen = use(contract(), code, any_box, State(cart=CART), "tea")
    assert seen.category == "contract"
    assert "does not declare: admin[me] = True" in str(seen.problem)


def test_a_body_that_forges_another_answer_than_a_value_has_no_value(box: Sandbox) -> None:
    code = FORGED.replace("VALUE", "{}").replace("ARGUMENTS", '{"order": "tea", "amounts": [9]}')
    assert use(contract(), code, box, State(cart=CART), "tea").category == "contract"


def test_a_deep_result_is_a_problem(box: Sandbox) -> None:
    code = "def order_total(order, amounts):\n    x = []\n    for _ in range(5000):\n        x = [x]\n    return x\n"
    assert not use(contract(), code, box, State(cart=CART), "tea").ok


def test_a_refusal_is_the_same_as_the_contracts_own(box: Sandbox) -> None:
    state = State(cart=CART)
    assert use(contract(), RIGHT, box, state, "milk").problem == refuse(contract(), state, ("milk",))
