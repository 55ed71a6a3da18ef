"""Look at code without running it: can it be read, and does it keep the static rules?"""

from executor.check import Script, check
from executor.code.forms import CodeFinding, ValidateResponse
from executor.code.problems import is_unreadable
from executor.code.requests import ValidateRequest
from executor.generate.language import detect_language

# A script need not give the same result each time: it is not kept then (see executing.py).
PURITY = "HTN-S105"
_CHECKED = {
    "python": "parsed and compiled, then held to the static rules; not run",
    "": "divided into words, brackets matched, then held to the static rules; not parsed, compiled or run",
}


def validate(request: ValidateRequest) -> ValidateResponse:
    """Return what is wrong with some code as far as that can be said without running it."""
    language = request.language or detect_language("", request.code)
    errors = tuple(error for error in findings_of(request.code, language) if error.code != PURITY)
    unreadable = any(map(is_unreadable, errors))
    return ValidateResponse(
        valid=not errors,
        language=language,
        syntax_valid=not unreadable,
        security_valid=not errors,
        errors=errors,
        checked=_CHECKED.get(language, _CHECKED[""]),
    )


def findings_of(code: str, language: str) -> tuple[CodeFinding, ...]:
    """Return what the static rules find in a script."""
    script = Script(code, language)
    found = check(script)
    column = _column(script) if language == "python" and found and is_unreadable(found[0]) else None
    return tuple(
        CodeFinding(
            code=each.code, rule=each.rule, message=each.message, line=each.line or None, column=column, fix=each.fix
        )
        for each in found
    )


def _column(script: Script) -> int | None:
    try:
        _ = script.scopes
    except SyntaxError as error:
        return error.offset or None
    except UnicodeEncodeError:
        pass
    return None
