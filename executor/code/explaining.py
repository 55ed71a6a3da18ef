"""Say what code does, from its structure; and in a model's words where one is asked.

The structure says what goes in, what comes out, what is defined and how often something branches. It does not say what
the code is for. What a model says is its opinion, and stands apart.
"""

import ast

from executor.code.advice import suggestions
from executor.code.complexity import cognitive
from executor.code.forms import CodeFinding, ExplainResponse, FunctionForm
from executor.code.improving import measured
from executor.code.problems import is_unreadable, refused
from executor.code.prompting import WordsAnswer, explain_prompt, system_prompt
from executor.code.quality import quality
from executor.code.requests import ExplainRequest
from executor.code.shapes import read_names
from executor.code.tree import Function, Tree, called, name_of
from executor.code.validating import PURITY, findings_of
from executor.generate.language import detect_language
from executor.model import Message, Model


def explain(request: ExplainRequest, model: Model | None = None) -> ExplainResponse:
    """Return what code does. Nothing is run. Raises what the model raises."""
    language = request.language or detect_language("", request.code)
    findings = findings_of(request.code, language)
    if any(map(is_unreadable, findings)):
        return ExplainResponse(
            success=False,
            language=language,
            summary="it cannot be read as a program",
            error=refused(findings),
            findings=findings,
        )
    words = _words(request.code, language, model) if model is not None and request.use_model else None
    try:
        said = _of_python(request.code, findings) if language == "python" else _of_words(request.code, language)
    except RecursionError:
        said = ExplainResponse(success=True, language=language, summary="it is nested too deeply to be followed")
    return said.model_copy(update={"model_words": words, "findings": findings})


def _words(code: str, language: str, model: Model) -> str:
    messages = [Message("system", system_prompt()), Message("user", explain_prompt(code, language))]
    return model.ask(messages, WordsAnswer, purpose="explanation of code").value.explanation


def _of_words(code: str, language: str) -> ExplainResponse:
    how_complex = measured(code, language)
    assert how_complex is not None  # only a tree can be missing
    lines, functions = how_complex.lines_of_code, how_complex.functions
    summary = f"{_count(lines, 'line')} of {language} with {_count(functions, 'function')}; only its words were read"
    return ExplainResponse(success=True, language=language, summary=summary, complexity=how_complex)


def _of_python(code: str, findings: tuple[CodeFinding, ...]) -> ExplainResponse:
    tree, advice, how_complex = Tree(code), suggestions(code), measured(code, "python")
    inputs, outputs, effects = read_names(tree), _outputs(tree), _effects(tree, findings)
    functions = tuple(_function(each) for each in tree.functions())
    imports = tuple(sorted({name for node in tree.nodes for name in _imported(node)}))
    return ExplainResponse(
        success=True,
        language="python",
        summary=_summary(tree, inputs, outputs, effects, functions),
        inputs=inputs,
        outputs=outputs,
        imports=imports,
        effects=effects,
        functions=functions,
        complexity=how_complex,
        quality=quality(findings, advice, how_complex),
        suggestions=advice,
    )


def _summary(
    tree: Tree,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    effects: tuple[str, ...],
    functions: tuple[FunctionForm, ...],
) -> str:
    size = measured(tree.code, "python")
    assert size is not None  # there is a tree
    rows = [f"A script of {_count(size.lines_of_code, 'line')}." if outputs or inputs or not functions else
            f"{_count(size.lines_of_code, 'line')} that define {_count(len(functions), 'function')}."]  # fmt: skip
    if inputs:
        rows.append(f"It reads {_listed(inputs)}, which it does not assign itself.")
    for function in functions:
        about = f": {function.description}" if function.description else ""
        rows.append(f"{function.name}({', '.join(function.parameters)}) is defined in line {function.line}{about}.")
    rows += [f"It goes over {_short(loop.iter)} (line {loop.lineno})." for loop in tree.loops()
             if isinstance(loop, ast.For)][:6]  # fmt: skip
    rows += [f"It repeats while {_short(loop.test)} (line {loop.lineno})." for loop in tree.loops()
             if isinstance(loop, ast.While)][:6]  # fmt: skip
    if outputs:
        rows.append(f"It leaves {_listed(outputs)}.")
    rows.append(f"It {_listed(effects)}." if effects else "It has no effects but its result.")
    return " ".join(rows)


def _outputs(tree: Tree) -> tuple[str, ...]:
    last = [node for node in tree.own(tree.module) if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign))
            and "result" in _targets(node)]  # fmt: skip
    if not last:
        return ()
    node = max(last, key=lambda each: each.lineno)
    return (f"{_kind(node.value)} in result (line {node.lineno})",)


def _targets(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [name_of(part) for target in targets for part in ast.walk(target)]


def _kind(node: ast.expr | None) -> str:
    if isinstance(node, (ast.List, ast.ListComp)) or called_by_name(node) in ("list", "sorted"):
        return "a list"
    if isinstance(node, (ast.Dict, ast.DictComp)) or called_by_name(node) == "dict":
        return "an object"
    if isinstance(node, ast.JoinedStr) or called_by_name(node) in ("str", "join"):
        return "a text"
    if called_by_name(node) in ("len", "sum", "int", "round") or (
        isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.Sub))
    ):
        return "a number"
    return "a value"


def called_by_name(node: ast.expr | None) -> str:
    """Return what an expression calls, or nothing."""
    return called(node) if node is not None else ""


def _effects(tree: Tree, findings: tuple[CodeFinding, ...]) -> tuple[str, ...]:
    found = ["prints"] if any(called(node) == "print" for node in tree.nodes) else []
    found += ["stops with an exception of its own"] if any(isinstance(n, ast.Raise) for n in tree.nodes) else []
    found += ["changes from run to run"] if any(each.code == PURITY for each in findings) else []
    found += sorted({f"does what the rules refuse: {each.message}" for each in findings if each.code != PURITY})
    return tuple(found)


def _function(node: Function) -> FunctionForm:
    described = (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
    spec = node.args
    return FunctionForm(
        name=node.name,
        line=node.lineno,
        parameters=tuple(each.arg for each in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)),
        description=described[:200],
        cognitive=cognitive(node),
    )


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "."] if isinstance(node, ast.ImportFrom) else []


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _listed(words: tuple[str, ...]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
