"""Ask all rules that apply to some code, in whatever language and form it is."""

from executor.check.candidate import Finding, Rule, Source
from executor.check.form import FORM_RULES
from executor.check.languages import LANGUAGE_RULES
from executor.check.languages.rules import EntryPoint
from executor.check.static import STATIC_RULES
from htn.errors import UsageError


def rules_for(language: str, *, script: bool = False) -> tuple[Rule, ...]:
    """Return the rules for code in a language, the one that stands first and alone in front.

    A script has no entry point and may do things at its top level. UsageError for a language without rules.
    """
    if language == "python":
        return (*(FORM_RULES[:1] if script else FORM_RULES), *STATIC_RULES)
    if language not in LANGUAGE_RULES:
        raise UsageError(
            f"there are no rules for the language {language!r:.40}",
            hints=(f"one of: python, {', '.join(LANGUAGE_RULES)}",),
        )
    return LANGUAGE_RULES[language]


def form_rules(language: str) -> tuple[Rule, ...]:
    """Return those of a language's rules that ask for the form of a function. UsageError as `rules_for` raises it."""
    if language == "python":
        return FORM_RULES
    first, *others = rules_for(language)
    return (first, *(rule for rule in others if isinstance(rule, EntryPoint)))


def reach_rules(language: str) -> tuple[Rule, ...]:
    """Return those of a language's rules that ask what a function reaches for: all but `form_rules`."""
    form = form_rules(language)
    return tuple(rule for rule in rules_for(language) if rule not in form)


def check(code: Source) -> list[Finding]:
    """Return what the rules find in some code; only what the first rule finds when it finds anything.

    UsageError for a language without rules.
    """
    first, *others = rules_for(code.language, script=not code.entry_point)
    return first.findings(code) or [found for rule in others for found in rule.findings(code)]
