"""Texts that programs wrote, as they may be told to a model: short, without secrets, the same words each time.

Identifiers, moments, durations and addresses in memory differ from run to run, and are left out; so is what looks like
a secret. That is a precaution, not a fence.
"""

import re

MOST_TEXT = 2_000

_SECRET_NAME = re.compile(
    r"(?<![a-z])(pass(word|wd|phrase)?|secrets?|tokens?|credentials?|api_?keys?|private_?keys?|access_?keys?|auth"
    r"(orization)?|cookies?|pin)(?![a-z])",
    re.IGNORECASE,
)
_HIDDEN = "<hidden>"
_SECRETS = (
    (re.compile(r"(?<=://)[^\s/@]+@"), f"{_HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}"), rf"\1 {_HIDDEN}"),
    (
        re.compile(
            r"(?i)((?:pass(?:word|wd|phrase)?|secret|token|credential|api[_-]?key|private[_-]?key|access[_-]?key"
            r"|authorization|cookie)s?[\"']?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&\"']+)"
        ),
        rf"\1{_HIDDEN}",
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), _HIDDEN),
    (re.compile(r"\b(?:sk|pk|ghp|gho|xox[abp]|AKIA)[-_]?[A-Za-z0-9_-]{12,}"), _HIDDEN),
)
_VARYING = (
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d+)?"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b0x[0-9a-f]{4,}\b", re.IGNORECASE), "<address>"),
    (re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{12,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d+(?:\.\d+)?(\s?)(ms|s|sec|seconds?|minutes?)\b"), r"<some>\1\2"),
)


def times(count: int) -> str:
    """Return how often something was done, as a person says it."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def is_secret(name: str) -> bool:
    """Say whether something is called as secrets are."""
    return _SECRET_NAME.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("_", " ")) is not None or (
        _SECRET_NAME.search(name) is not None
    )


def without_secrets(text: str) -> str:
    """Return a text in which what looks like a secret is hidden."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def told_text(text: str, most: int = MOST_TEXT) -> str:
    """Return a text that a program wrote as a question may tell it."""
    text = without_secrets(shortened(text, 4 * most))
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return shortened(text, most)


def shortened(text: str, most: int) -> str:
    """Return a text, or its beginning and end and how much of it was left out, in about `most` characters."""
    if len(text) <= most:
        return text
    head, tail = most * 3 // 4, most // 4
    return f"{text[:head]} … {len(text) - head - tail:,} characters left out … {text[-tail:]}"
