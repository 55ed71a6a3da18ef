"""The pages of `htn code generate` and `htn library show`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from commands.pages import improvement
from commands.pages.blocks import Block, Fence, Heading, Quoted, facts, fence, section, table

Document = Mapping[str, Any]


def generated(document: Document, shown: str) -> list[Block]:
    """Return generated code: the code, its tests, each attempt, what it took."""
    language = document["language"]
    tests = document["test_results"]
    blocks: list[Block] = [Heading("Code" if document["success"] else "No code", 1)]
    blocks += facts(
        ("outcome", document["stopped_because"]),
        ("language", language),
        ("tests", f"{tests['passed']} of {tests['total_tests']} passed" if tests["total_tests"] else None),
        ("kept from an earlier request", document["reused"] or None),
    )
    blocks += fence(document["code"], language)
    blocks += section("What it does", improvement.points([document["explanation"]] if document["explanation"] else []))
    blocks += section("Why it failed", _error(document["error"] or {}))
    blocks += section("Findings", _findings(document["findings"]))
    blocks += section("What the tests show", improvement.points(document["shown"]))
    blocks += section("What they do not show", improvement.points(document["not_shown"]))
    blocks += section("History of improvement", _attempts(document["history"], language))
    return blocks + section("Performance", _metrics(document["metrics"]) + improvement.model(document))


def entry(document: Document, shown: str) -> list[Block]:
    """Return an operator of the library: its contract, its code, and the evidence for it."""
    blocks: list[Block] = [Heading(f"{document['domain']}.{document['name']}", 1)]
    origin = document.get("provenance") or {}
    blocks += facts(
        ("trust", document.get("trust")),
        ("version", Quoted(document["version"])),
        ("versions", len(document.get("versions") or ())),
        ("uses that kept the contract", document.get("uses")),
        ("problem", document.get("problem")),
        ("to do", document.get("remedy")),
        ("from", origin.get("model")),
        ("learned", origin.get("created")),
        ("model calls", origin.get("calls")),
        ("repairs", origin.get("repairs")),
        ("packages", ", ".join(document.get("lock") or document.get("packages") or ())),
    )
    contract = document.get("contract")
    blocks += section(
        "Contract", [Fence(json.dumps(contract, ensure_ascii=False, indent=2), "json")] if contract else []
    )
    blocks += section("Code", fence(document.get("code"), str(document.get("language", "python"))))
    blocks += section("Evidence", improvement.evidence(document.get("evidence") or []))
    return blocks + section("Performance", improvement.seconds(origin.get("seconds") or {}))


def _attempts(rows: Sequence[Document], language: str) -> list[Block]:
    blocks: list[Block] = []
    for row in rows:
        blocks.append(Heading(f"Attempt {row['attempt']} of {row['total_attempts']}", 3))
        error = row["error"] or {}
        blocks += facts(
            ("outcome", "passed" if row["success"] else f"failed: {row['stage']}"),
            ("error category", error.get("type")),
            ("error", error.get("message")),
            ("root cause", error.get("root_cause")),
            ("fix", row["explanation"]),
            ("asked for", row["focus"]),
            ("seconds", row["execution_time"]),
        )
        blocks += _findings(row["findings"])
        blocks += fence(row["diff"], "diff") or (fence(row["code"], language) if len(rows) > 1 else [])
    return blocks


def _metrics(found: Document) -> list[Block]:
    stages = {
        "generation": found["generation_time"],
        "execution": found["execution_time"],
        "improvement": found["improvement_time"],
    }
    return improvement.seconds(
        stages,
        ("total seconds", found["total_time"]),
        ("repairs that came further", found["improvement_efficiency"]),
        ("problems that are gone, in percent", found["error_reduction"]),
    )


def _error(found: Document) -> list[Block]:
    return facts(
        ("error category", found.get("type")),
        ("error", found.get("message")),
        ("line", found.get("line")),
        ("root cause", found.get("root_cause")),
        ("impact", found.get("impact")),
        ("recommendation", found.get("recommendation")),
    )


def _findings(rows: Sequence[Document]) -> list[Block]:
    return table(
        ("rule", "line", "what", "to do"), [[Quoted(r["code"]), r["line"], r["message"], r["fix"]] for r in rows]
    )
