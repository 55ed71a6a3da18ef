"""Rung 1, static: does the code use only what a pure function of data needs?

Allow-lists, not lists of bad words: a module or a builtin that is not named is refused. It keeps honest code honest and
catches most hostile code early; it is not the boundary. Python can always be talked round, so the sandbox has to hold
whatever gets past this.
"""

from executor.check.candidate import Rule
from executor.check.classes import PlainClasses, PlainFormats
from executor.check.modules import AllowedImports, DeclaredPurity
from executor.check.names import AllowedNames
from executor.check.records import PlainRecords
from executor.check.visible import OnlyVisible

STATIC_RULES: tuple[Rule, ...] = (
    AllowedImports(), AllowedNames(), PlainClasses(), PlainFormats(), DeclaredPurity(), PlainRecords(), OnlyVisible(),
)  # fmt: skip
