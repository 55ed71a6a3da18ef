"""What could be better in a Python program: one class for each kind of suggestion, its docstring is its page.

The suggestions are advice, and no rule: they say what is likely to be slow, long, or a mistake, and are silent where
they cannot tell. Nothing is refused for them.
"""

from executor.code.advice.base import Advice
from executor.code.advice.faults import FAULT_ADVICE
from executor.code.advice.loops import LOOP_ADVICE
from executor.code.advice.repeated import REPEATED_ADVICE
from executor.code.advice.shorter import SHORTER_ADVICE
from executor.code.forms import Suggestion
from executor.code.tree import Tree

__all__ = ["ADVICE", "Advice", "suggestions", "weight_of"]

ADVICE: tuple[Advice, ...] = (*LOOP_ADVICE, *REPEATED_ADVICE, *SHORTER_ADVICE, *FAULT_ADVICE)
_MOST = 50


def suggestions(code: str) -> tuple[Suggestion, ...]:
    """Return what could be better in a Python program, in the order of the lines.

    None for what cannot be parsed, what is nested too deeply to be followed, and what is too large (`Tree.is_large`).
    """
    tree = Tree(code)
    try:
        if tree.is_large:
            return ()
        found = [suggestion for advice in ADVICE for suggestion in advice.look(tree)]
    except (SyntaxError, RecursionError):
        return ()
    return tuple(sorted(found, key=lambda each: (each.line, each.type))[:_MOST])


def weight_of(suggestion: Suggestion) -> int:
    """Return what a suggestion takes from the quality score."""
    return next(advice.weight for advice in ADVICE if advice.type == suggestion.type)
