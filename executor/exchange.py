"""Take entries out of a library and bring them into another, as a Python file or as a JSON bundle.

The Python file holds one entry. Imported, it is a domain that has the operator; its `add_to` puts the operator into
another domain. The body stands in it as a text, so importing the file runs nothing of what a model wrote.

What comes in is hostile until it is checked, and **reading never runs it**: a Python file is parsed, and only the
literals `ENTRY`, `BODY`, `TRUST` and `VERSION` are taken. The rules:

1. Sizes first: of the file, of its parts, of the number of entries.
2. The entry's form, field by field; its name is the contract's, the contract can be used, the content has the
   version that it claims to have.
3. The body passes the static rules, which run nothing.
4. What it says of itself counts against it only: evidence and trust of elsewhere can lower its level, not raise it.
   It is on probation at most, and uses do not promote it. With `anew` it climbs the ladder here, and has the level of
   what it shows here. Counterexamples come along in a bundle: they are inputs, and what is right there the contract
   says. Only what this data folder has written itself, because the store was gone at the admission, is `ours`
   (`executor.unadmitted`): its evidence was gathered here, and counts.
5. What the library has of a version stays: nothing that was demoted or retired comes back by an import. A name that
   plans use keeps its current version; the import stands beside it.
"""

import ast
import json
import pprint
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from executor.asserted import read_example
from executor.check import check
from executor.deeds import Event
from executor.entry import TRUST, Entry
from executor.library import Library
from executor.sandbox import Sandbox, SandboxLimits
from executor.store import MOST_COUNTEREXAMPLES
from executor.validate import SITUATIONS, Situation, Trial, alone, applicable, climb
from executor.watch import KeptCounterexample
from htn.contract import check_name
from htn.errors import HtnError, UsageError
from htn.state import State

_MOST_BYTES = {".json": 50_000_000, ".py": 2_000_000}
_MOST_ENTRIES = 10_000
_MOST_CODE = 200_000
_MOST_DOCUMENT = 1_000_000
_MOST_RECORDS = 10_000
_WIDTH = 116
_FORMAT = "htn library"
_EDITION = 1


class Carried(BaseModel):
    """An entry on its way: what it is, and what it says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(pattern=r"^[0-9a-f]{64}$")
    trust: str = Field(max_length=20)
    entry: Entry
    evidence: list[dict[str, Any]] = Field(default_factory=list, max_length=_MOST_RECORDS)
    counterexamples: list[dict[str, Any]] = Field(default_factory=list, max_length=MOST_COUNTEREXAMPLES)


class _Bundle(BaseModel):
    """A JSON bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    edition: int
    entries: list[dict[str, Any]] = Field(max_length=_MOST_ENTRIES)


@dataclass(frozen=True)
class Imported:
    """What became of an entry that was to come in. `current` says that plans use it; `note` says what to know."""

    domain: str
    name: str
    version: str
    trust: str
    current: bool
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        row: dict[str, Any] = {"name": f"{self.domain}.{self.name}", "version": self.version, "trust": self.trust}
        return row | {"current": self.current} | ({"note": self.note} if self.note else {})


def carried(library: Library, version: str) -> Carried:
    """Return an entry of a library as it is taken out. ExecutionError for one that is damaged."""
    entry = library.entry(version)
    tests = [each.to_json() for each in library.counterexamples(entry.domain, entry.name)]
    evidence = library.evidence(version)
    return Carried(version=version, trust=library.trust(version), entry=entry, evidence=evidence, counterexamples=tests)


def as_bundle(entries: Sequence[Carried]) -> str:
    """Return entries as a JSON bundle."""
    document = {
        "format": _FORMAT,
        "edition": _EDITION,
        "entries": [each.model_dump(mode="json") for each in entries],
    }
    return json.dumps(document, indent=1) + "\n"


def as_python(one: Carried) -> str:
    """Return an entry as a Python file that is a domain, and that can put its operator into another domain."""
    document = one.entry.model_dump(mode="json")
    code = document.pop("code")
    given = one.entry.examples[0].get("given") if one.entry.examples else None
    start = [
        "",
        "@DOMAIN.initial_state",
        "def start() -> State:",
        '    """The state of the first example."""',
        '    return State.from_json(ENTRY["examples"][0]["given"])',
        "",
    ]
    rows = [
        '"""An operator that was learned, as a library of htn exported it.',
        "",
        "    htn plan FILE TASK                          this file is a domain that has the operator",
        "    from FILE import add_to; add_to(DOMAIN)     puts it into another domain",
        "    htn library import FILE --why REASON        a library that has the body is needed to carry it out",
        "",
        "The body is a text here: it runs in the sandbox, held to its contract, and nowhere else.",
        '"""',
        "",
        f"from htn import Domain{', State' if given is not None else ''}",
        "from htn.carried import carry",
        "",
        f"VERSION = {_literal(one.version)}",
        f"TRUST = {_literal(one.trust)}",
        f"ENTRY = {pprint.pformat(document, width=_WIDTH, sort_dicts=False)}",
        f"BODY = {_literal(code)}",
        "",
        "",
        "def add_to(domain: Domain) -> None:",
        '    """Declare the operator in a domain."""',
        '    carry(domain, ENTRY["contract"], VERSION)',
        "",
        "",
        'DOMAIN = Domain(ENTRY["domain"])',
        "add_to(DOMAIN)",
        "",
        *(start if given is not None else []),
    ]
    return "\n".join(rows).rstrip("\n") + "\n"


def read_file(path: Path) -> list[Carried]:
    """Return what a file of ours holds, checked; nothing of it is run. UsageError says what is wrong with it."""
    text = _text_of(path)
    try:
        rows = _rows_of_python(text) if path.suffix == ".py" else _rows_of_bundle(text)
        return [_checked(row, f"entry {number}") for number, row in enumerate(rows, 1)]
    except HtnError as error:
        raise UsageError(error.message, where=str(path), hints=error.hints) from error


def bring_in(
    library: Library,
    one: Carried,
    *,
    who: str,
    why: str,
    sandbox: Callable[[], Sandbox] | None = None,
    limits: SandboxLimits | None = None,
    packages: Sequence[str] = (),
    ours: bool = False,
) -> Imported:
    """Bring an entry that was read into a library. With a `sandbox` its evidence is gathered anew, here.

    `ours` says that it was learned here and could not be admitted, so that its evidence counts as it stands.
    `packages` are the names of those that bodies may declare here.

    UsageError where the body breaks a static rule, or fails on the ladder: then nothing is written.
    """
    entry, known = one.entry, one.version in library.versions(one.entry.domain, one.entry.name)
    if known and not (ours and _adds(library, one)):
        note = "the library has this version, and what it knows of it stays"
        current = library.current(entry.domain, entry.name) == one.version
        return Imported(entry.domain, entry.name, one.version, library.trust(one.version), current, note)
    evidence: list[dict[str, Any]]
    if sandbox:
        level, evidence = _anew(entry, sandbox(), limits or SandboxLimits(), packages)
    elif ours:
        level, evidence = one.trust if one.trust in TRUST[1:4] else "quarantined", one.evidence
    else:
        level, evidence = _claimed(one), []
    told = "" if ours else f"; it calls itself {one.trust} with {len(one.evidence)} records, which do not count here"
    record = {"rung": "import", "name": "imported", "passed": True, "detail": f"{why}{told}"}
    before = library.current(entry.domain, entry.name)
    taken = before is None or library.trust(before) not in TRUST[TRUST.index("probation") :]
    event = Event(kind="imported", version=one.version, who=who, why=why, before=before)
    version = library.admit(entry, level, [record, *evidence], event=event, current=taken)
    for test in map(KeptCounterexample.read, one.counterexamples):
        origin = f"imported; {test.origin}"
        library.keep_counterexample(entry.domain, entry.name, test.inputs, test.detail, origin, test.version)
    current = library.current(entry.domain, entry.name) == version
    note = "" if current else (
        f"plans go on with {(before or '')[:12]}; to use this one: "
        f"htn library rollback {entry.domain}.{entry.name} {version[:12]} --why REASON"
    )  # fmt: skip
    return Imported(entry.domain, entry.name, version, library.trust(version), current, note)


def _adds(library: Library, one: Carried) -> bool:
    """Say whether evidence that was gathered here for a version of the library is missing there and may be added."""
    if library.fate(one.version) or library.was_demoted(one.version):
        return False
    held = library.evidence(one.version)
    return not all(record in held for record in one.evidence)


def _claimed(one: Carried) -> str:
    """Return the level of an entry whose evidence is hearsay: probation, or less where it says so itself."""
    if any(record.get("name") in ("demoted", "retired") for record in one.evidence):
        return "quarantined"
    return "probation" if one.trust in TRUST[TRUST.index("probation") :] else "quarantined"


def _anew(
    entry: Entry, sandbox: Sandbox, limits: SandboxLimits, packages: Sequence[str]
) -> tuple[str, list[dict[str, Any]]]:
    promise = entry.promise()
    examples = tuple(read_example(entry.name, data) for data in entry.examples)
    seeds = [Situation(State(e.given), e.arguments) for e in examples]
    made = tuple(applicable(promise, {}, seeds, count=SITUATIONS))
    trial = Trial(
        entry.candidate(),
        sandbox,
        variables={},
        examples=examples,
        made=made,
        limits=limits,
    )
    verdict = climb(trial, ladder=alone(packages))
    if failed := verdict.failed:
        raise UsageError(f"{entry.name} fails here at rung {failed.rung}, {failed.name}: {failed.detail[:500]}")
    return verdict.trust(), [e.to_json() | {"attempt": 1} for e in verdict.evidence]


def _text_of(path: Path) -> str:
    most = _MOST_BYTES.get(path.suffix)
    if most is None:
        raise UsageError(f"{path} is neither a .py nor a .json file", hints=("htn library export NAME FILE makes one",))
    try:
        if not path.is_file():
            raise UsageError(f"there is no file {path}")
        if path.stat().st_size > most:
            raise UsageError(f"{path} is larger than {most:,} bytes")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: {error.reason}") from error


def _rows_of_bundle(text: str) -> list[dict[str, Any]]:
    try:
        bundle = _Bundle.model_validate(json.loads(text, parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"this is no bundle of entries: {_first(error)}", hints=("htn library export NAME FILE.json makes one",)
        ) from error
    if (bundle.format, bundle.edition) != (_FORMAT, _EDITION):
        raise UsageError(f"this is {bundle.format!r:.60}, edition {bundle.edition}; known is {_FORMAT!r}, {_EDITION}")
    return bundle.entries


def _rows_of_python(text: str) -> list[dict[str, Any]]:
    found: dict[str, Any] = {}
    try:
        for node in ast.parse(text).body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if name in ("VERSION", "TRUST", "ENTRY", "BODY"):
                    if name in found:
                        raise UsageError(f"{name} is assigned twice")
                    found[name] = ast.literal_eval(node.value)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as error:
        raise UsageError(f"the file cannot be read: {type(error).__name__}: {str(error)[:200]}") from error
    if found.keys() != {"VERSION", "TRUST", "ENTRY", "BODY"} or not isinstance(found["ENTRY"], dict):
        raise UsageError(
            "the file holds no exported operator: VERSION, TRUST, ENTRY and BODY, as literals",
            hints=("htn library export NAME FILE.py makes one",),
        )
    entry = {**found["ENTRY"], "code": found["BODY"]}
    return [{"version": found["VERSION"], "trust": found["TRUST"], "entry": entry}]


def _checked(row: dict[str, Any], where: str) -> Carried:
    try:
        written = json.dumps(row.get("entry"), allow_nan=False)
        if len(written) > _MOST_DOCUMENT:
            raise UsageError(f"{where} has {len(written):,} characters; {_MOST_DOCUMENT:,} is the most")
        one = Carried.model_validate(row)
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"{where} cannot be used: {_first(error)}") from error
    entry = one.entry
    check_name(entry.domain, f"{where}, as a domain")
    check_name(entry.name, f"{where}, as an operator")
    if len(entry.code) > _MOST_CODE:
        raise UsageError(f"{where}: a body of {len(entry.code):,} characters is too long; {_MOST_CODE:,} is the most")
    if entry.promise().name != entry.name:
        raise UsageError(f"{where}: its contract is that of {entry.promise().name}, not of {entry.name}")
    if entry.version != one.version:
        raise UsageError(
            f"{where}, {entry.domain}.{entry.name}, is not what was exported: its content has the version "
            f"{entry.version[:12]}, and it says {one.version[:12]}",
            hints=("export it anew; who changes a body by hand writes an operator into a domain instead",),
        )
    for name in entry.dependencies:
        check_name(name, f"{where}, as a dependency")
    entry.operator()
    for data in entry.examples:
        read_example(entry.name, data)
    for kept in one.counterexamples:
        KeptCounterexample.read(kept)
    entry.program()
    found = check(entry.candidate())
    if found:
        raise UsageError(f"{where}: the body of {entry.name} breaks a rule: {found[0]}")
    return one


def _literal(text: str) -> str:
    """Return a text as Python source that reads as the text does, where it can."""
    plain = "\n" in text and "'''" not in text and "\\" not in text and not text.endswith("'")
    if plain and all(line.isprintable() for line in text.split("\n")):
        return f"'''\\\n{text}'''"
    return repr(text)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _first(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))[:80]}: {first['msg'][:200]}"
    return f"{type(error).__name__}: {str(error)[:200]}"
