"""What is suggested, and how it is said to a person and in a prompt."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from htn.errors import visible

_MOST_LINE = 300
_MOST_LINES = 20
_MOST_SAID = 4_000


@dataclass(frozen=True)
class Suggestion:
    """An operator of the library that is like the one that is wanted. It may be quite another thing.

    `score` says how alike the texts are, and can be compared within one answer only; `why` says what is alike.
    """

    version: str
    domain: str
    name: str
    signature: str
    trust: str
    score: float
    why: str
    description: str = ""
    uses: int = 0
    created: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "name": f"{self.domain}.{self.name}", "version": self.version, "signature": self.signature,
            "description": self.description, "trust": self.trust, "uses": self.uses, "created": self.created,
            "score": self.score, "why": self.why,
        }  # fmt: skip


def known_operators(suggestions: Iterable[Suggestion]) -> list[str]:
    """Return one line for each, the most similar first, as a part of a prompt: signature, description, what is alike.

    At most 20 lines and 4,000 characters. What they say is data from outside, made visible and cut off.
    """
    lines: list[str] = []
    for each in suggestions:
        said = next(iter(each.description.strip().splitlines()), "")
        line = visible(f"{each.signature[:_MOST_LINE]}: {said}"[:_MOST_LINE] + f" [{each.why}]")[: _MOST_LINE + 200]
        if len(lines) == _MOST_LINES or sum(map(len, lines)) + len(line) > _MOST_SAID:
            break
        lines.append(line)
    return lines
