"""Static rules for the other languages: size, form, what is imported, and words that lead out. A filter, no wall."""

from executor.check.candidate import Rule
from executor.check.languages.bash import BashCommands, BashReach, BashReadable
from executor.check.languages.classes import CppIncludes, CppNames, JavaNames, JavaPackages
from executor.check.languages.compiled import GoImports, GoNames, RustNames, RustPaths
from executor.check.languages.javascript import JavaScriptModules, JavaScriptNames
from executor.check.languages.rules import EntryPoint, Readable
from executor.check.visible import OnlyVisible

_READABLE, _ENTRY_POINT, _VISIBLE = Readable(), EntryPoint(), OnlyVisible()

# The first rule of each stands alone: the others need code that it lets pass.
LANGUAGE_RULES: dict[str, tuple[Rule, ...]] = {
    "javascript": (_READABLE, _ENTRY_POINT, JavaScriptModules(), JavaScriptNames(), _VISIBLE),
    "bash": (BashReadable(), BashCommands(), BashReach(), _VISIBLE),
    "go": (_READABLE, _ENTRY_POINT, GoImports(), GoNames(), _VISIBLE),
    "java": (_READABLE, _ENTRY_POINT, JavaPackages(), JavaNames(), _VISIBLE),
    "c++": (_READABLE, _ENTRY_POINT, CppIncludes(), CppNames(), _VISIBLE),
    "rust": (_READABLE, _ENTRY_POINT, RustPaths(), RustNames(), _VISIBLE),
}

__all__ = ["LANGUAGE_RULES"]
