"""What is said of code from its structure, and in a model's words."""

from executor.code import ExplainRequest, explain
from tests.executor.code.conftest import Answering

CODE = '''import math

def area(radius):
    """The area of a circle."""
    return math.pi * radius ** 2

areas = []
for radius in radii:
    areas.append(area(radius))
print(len(areas))
result = {"areas": areas, "unit": unit}
'''


def test_inputs_results_functions_imports_and_effects_are_named() -> None:
    found = explain(ExplainRequest(code=CODE))
    assert found.inputs == ("radii", "unit")
    assert found.outputs == ("an object in result (line 11)",)
    assert found.imports == ("math",)
    assert found.effects == ("prints",)
    (function,) = found.functions
    assert (function.name, function.line, function.parameters) == ("area", 3, ("radius",))
    assert function.description == "The area of a circle"
    for part in ("radii", "unit", "area(radius)", "It goes over radii (line 8)", "an object in result", "prints"):
        assert part in found.summary
    assert found.complexity is not None
    assert found.quality is not None
    assert found.quality.robustness_score is None  # nothing was run


def test_what_the_rules_refuse_is_named_as_an_effect() -> None:
    found = explain(ExplainRequest(code="import os\nresult = os.getcwd()"))
    assert found.success
    assert any("import os" in effect for effect in found.effects)


def test_a_model_is_asked_for_its_words_only_when_that_is_wanted(answering: Answering) -> None:
    model, server = answering({"explanation": "It computes areas."}, form="WordsAnswer")
    assert explain(ExplainRequest(code=CODE), model).model_words is None
    assert not server.requests
    found = explain(ExplainRequest(code=CODE, use_model=True), model)
    assert found.model_words == "It computes areas."
    assert found.inputs == ("radii", "unit")


def test_code_that_cannot_be_read_is_not_explained() -> None:
    found = explain(ExplainRequest(code="def f(:"))
    assert not found.success
    assert found.error is not None
    assert found.error.type == "syntax"


def test_of_another_language_only_the_size_is_said() -> None:
    found = explain(ExplainRequest(code="function f(a) { return a; }", language="javascript"))
    assert found.summary == "1 line of javascript with 1 function; only its words were read"
