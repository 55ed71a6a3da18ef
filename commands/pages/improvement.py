"""The history of improvement, and where the time went."""

from collections.abc import Mapping, Sequence
from typing import Any

from commands.pages.blocks import Block, Heading, Points, Quoted, cell, facts, fence, section, table

Document = Mapping[str, Any]


def learned(document: Document, level: int = 2) -> list[Block]:
    """Return what came of a gap: the operator, its code and evidence, and how it came about."""
    attempts = document.get("attempts") or []
    version = document.get("version")
    last = attempts[-1] if attempts else {}
    rows = (document.get("history") or {}).get("attempts") or [{}]
    blocks = facts(
        ("outcome", "learned" if version else "not learned"),
        ("task", Quoted(document["task"])),
        ("trust", document.get("trust") if version else None),
        ("version", Quoted(version[:12]) if version else None),
        ("reason", document.get("reason")),
        ("question", document.get("question")),
    )
    blocks += section("Code", fence(last.get("code"), str(rows[-1].get("language", "python"))), level + 1)
    blocks += section("Evidence", evidence(last.get("evidence") or []), level + 1)
    return blocks + section("History of improvement", history(document.get("history") or {}, level + 2), level + 1)


def evidence(rows: Sequence[Document]) -> list[Block]:
    """Return what each rung found."""
    names = ("rung", "name", "passed", "trials", "seconds", "found")
    return table(
        names, [[e["rung"], e["name"], e["passed"], e.get("trials", 0), e.get("seconds"), e["detail"]] for e in rows]
    )


def history(document: Document, level: int) -> list[Block]:
    """Return each attempt: how far it came, what was wrong, what was changed; then whether repairs helped."""
    blocks: list[Block] = []
    for row in document.get("attempts") or []:
        blocks.append(Heading(f"Attempt {row['number']}", level))
        blocks += facts(
            ("what", f"repair {row['repair']} of body {row['sample'] + 1}" if row["repair"] else
             f"body {row['sample'] + 1}"),
            ("outcome", "passed every rung" if row["passed"] else f"passed {row['rungs_passed']} rungs"),
            *_examples(row),
            *_diagnosis(row.get("diagnosis") or {}),
            ("seconds", row["seconds"]),
            ("model calls", row["calls"]),
        )  # fmt: skip
        blocks += fence(row.get("diff"), "diff")
    return blocks + (section("Convergence", _convergence(document), level) if blocks else [])


def _examples(row: Document) -> list[tuple[str, Any]]:
    if not row.get("examples") or row.get("examples_passed") is None:
        return []
    return [("examples", f"{row['examples_passed']} of {row['examples']} come out")]


def _diagnosis(found: Document) -> list[tuple[str, Any]]:
    return [
        ("error category", found.get("category")),
        ("root cause", found.get("root_cause")),
        ("impact", found.get("impact")),
        ("recommendation", found.get("recommendation")),
    ]


def _convergence(document: Document) -> list[Block]:
    return facts(
        ("attempts", len(document["attempts"])),
        ("converged", bool(document["attempts"][-1]["passed"])),
        ("errors of the first bodies that are gone", _share(document.get("error_reduction"))),
        ("repairs that came further", _share(document.get("improvement_efficiency"))),
    )


def _share(figure: float | None) -> str | None:
    return None if figure is None else f"{figure:.0%}"


def seconds(stages: Mapping[str, float], *more: tuple[str, Any]) -> list[Block]:
    """Return the seconds of each stage and of all, and further figures."""
    rows = [[stage, f"{value:.3f}"] for stage, value in stages.items()]
    rows += [["total", f"{sum(stages.values()):.3f}"]] if rows else []
    return table(("stage", "seconds"), rows) + facts(*more)


def model(document: Document) -> list[Block]:
    """Return what was asked of models; nothing where the command asks none."""
    if not document.get("model_calls"):
        return facts(("model calls", document.get("model_calls")))
    tokens = document.get("model_tokens") or {}
    return facts(
        ("model calls", document["model_calls"]),
        ("tokens of questions", tokens.get("prompt") or None),  # 0 where the server does not say
        ("tokens of answers", tokens.get("answer") or None),
        ("seconds of the model", document.get("model_seconds")),
    )


def points(texts: Sequence[Any]) -> list[Block]:
    """Return some texts as a list; nothing where there are none."""
    return [Points(tuple(map(cell, texts)))] if texts else []
