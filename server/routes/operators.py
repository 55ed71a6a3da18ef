"""/api/v1/operators: what was learned, the evidence for it, its versions, and what is done with them."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from executor.compare import compare
from executor.versions import Versions
from server.deeds import DeedRequest, as_things_are, looked_up
from server.forms import Asked, Told
from server.lent import LentAgent
from server.problems import answer, responses
from server.service import Service
from server.using import TOKEN, Used

router = APIRouter(prefix="/api/v1/operators", tags=["operators"], dependencies=[TOKEN])
Name = Annotated[
    str, Path(min_length=1, max_length=200, description="NAME, or DOMAIN.NAME where several domains have one")
]
Version = Annotated[
    str,
    Field(
        pattern=r"^(current|[0-9a-fA-F]{4,64})$",
        description="the beginning of a version, or `current`",
        examples=["current"],
    ),
]
Deed = Callable[[Versions, str, str, str], str]


class OperatorRow(Told):
    """An operator, with its current version and the trust in it. `damaged` says what is wrong with a damaged entry."""

    name: str
    version: str
    trust: str


class OperatorsForm(Told):
    """All operators of the library."""

    operators: list[OperatorRow]


class OperatorForm(Told):
    """An operator: contract, code, where it comes from, evidence. A damaged entry has none of these."""

    name: str
    version: str
    trust: str
    versions: list[str]
    pinned: str | None = None
    uses: int | None = None
    domain: str | None = None
    language: str | None = None
    code: str | None = None
    contract: dict[str, Any] | None = None
    evidence: list[dict[str, Any]] | None = None
    tests: list[dict[str, Any]] | None = None
    counterexamples: list[dict[str, Any]] | None = None
    dependents: list[str] | None = None


class VersionsForm(Told):
    """What was done with the versions of an operator, oldest first, and the trust in each today."""

    name: str
    current: str
    pinned: str | None
    versions: list[str]
    events: list[dict[str, Any]]
    trust: dict[str, str]


class DiffForm(Told):
    """How version `b` differs from `a`, contract and code, as a unified diff; empty where it does not."""

    a: str
    b: str
    diff: str


class DoneForm(Told):
    """What was done."""

    name: str
    version: str
    done: str


class VersionRequest(DeedRequest):
    """A deed with one version."""

    version: Version


class PinRequest(DeedRequest):
    """A deed with one version, by default the current one."""

    version: Version = "current"


class RetireRequest(DeedRequest):
    """Taking an operator out of plans for good; `force` goes without evidence of what it is worth."""

    force: bool = False


class CompareRequest(Asked):
    """Two versions that are to be run side by side."""

    a: Version
    b: Version = "current"


class ComparisonForm(Told):
    """What two versions did on the inputs of earlier uses. `time_ratio` is how long b takes as a multiple of a."""

    a: str
    b: str
    same: int
    different: int
    failed: int
    time_ratio: float | None
    inputs: list[dict[str, Any]]


@router.get("", response_model=OperatorsForm, responses=responses())
async def listed(
    service: Used, domain: Annotated[str | None, Query(max_length=128, description="only those of this domain")] = None
) -> Response:
    """List what was learned, by domain and name."""
    rows = await service.do(lambda agent: agent.versions.listed())
    return answer({"operators": [row.to_json() for row in rows if domain in (None, row.domain)]})


@router.get("/{name}", response_model=OperatorForm, responses=responses(404, 409))
async def show(name: Name, service: Used) -> Response:
    """Show the contract, the code and the evidence of an operator."""
    return answer(await service.do(lambda agent: _shown(agent, _named(agent, name))))


@router.get("/{name}/versions", response_model=VersionsForm, responses=responses(404))
async def versions(name: Name, service: Used) -> Response:
    """Say which versions an operator has, and what was done with them, by whom and why."""
    return answer(await service.do(lambda agent: _history(agent, _named(agent, name))))


@router.get("/{name}/diff", response_model=DiffForm, responses=responses(404, 409))
async def diff(
    name: Name,
    service: Used,
    a: Annotated[Version, Query()],
    b: Annotated[Version, Query()] = "current",
) -> Response:
    """Show how version b differs from version a."""

    def differ(agent: LentAgent) -> dict[str, Any]:
        whole = _named(agent, name)
        one, other = _version(agent, whole, a), _version(agent, whole, b)
        return {"a": one, "b": other, "diff": agent.versions.diff(whole, one, other)}

    return answer(await service.do(differ))


@router.post("/{name}/compare", response_model=ComparisonForm, responses=responses(404, 409))
async def compare_versions(name: Name, request: CompareRequest, service: Used) -> Response:
    """Run two versions on the inputs of their last clean uses, in the sandbox."""

    def compared(agent: LentAgent) -> dict[str, Any]:
        whole = _named(agent, name)
        one, other = _version(agent, whole, request.a), _version(agent, whole, request.b)
        with as_things_are():
            return compare(agent.library, one, other, agent.sandbox, agent.settings.limits).to_json()

    return answer(await service.do(compared))


@router.post("/{name}/rollback", response_model=DoneForm, responses=responses(404, 409))
async def rollback(name: Name, request: VersionRequest, service: Used) -> Response:
    """Make an earlier version the one that plans use. The others stay, so there is a way forward again."""
    return await _deed(service, name, request, request.version, "plans use", lambda versions, whole, version, why:
                       versions.rollback(whole, version, who=request.who, why=why))  # fmt: skip


@router.post("/{name}/pin", response_model=DoneForm, responses=responses(404, 409))
async def pin(name: Name, request: PinRequest, service: Used) -> Response:
    """Make a version current, and let nothing else become current until it is unpinned."""
    return await _deed(service, name, request, request.version, "pinned to", lambda versions, whole, version, why:
                       versions.pin(whole, version, who=request.who, why=why))  # fmt: skip


@router.post("/{name}/unpin", response_model=DoneForm, responses=responses(404, 409))
async def unpin(name: Name, request: DeedRequest, service: Used) -> Response:
    """Let other versions become current again. Which one is current stays as it is."""
    return await _deed(service, name, request, "current", "no longer pinned to", lambda versions, whole, _, why:
                       versions.unpin(whole, who=request.who, why=why))  # fmt: skip


@router.post("/{name}/retire", response_model=DoneForm, responses=responses(404, 409))
async def retire(name: Name, request: RetireRequest, service: Used) -> Response:
    """Take the current version out of plans. It stays in the library, with its evidence."""
    return await _deed(service, name, request, "current", "retired", lambda versions, whole, _, why:
                       versions.retire(whole, who=request.who, why=why, force=request.force))  # fmt: skip


async def _deed(service: Service, name: str, request: DeedRequest, version: str, done: str, deed: Deed) -> Response:
    def work(agent: LentAgent) -> dict[str, Any]:
        whole = _named(agent, name)
        chosen = _version(agent, whole, version)
        with as_things_are():
            return {"name": whole, "version": deed(agent.versions, whole, chosen, request.why), "done": done}

    return answer(await service.do(work))


def _named(agent: LentAgent, name: str) -> str:
    with looked_up():
        return ".".join(agent.versions.named(name))


def _version(agent: LentAgent, name: str, beginning: str) -> str:
    with looked_up():
        return agent.versions.version(name, beginning)


def _shown(agent: LentAgent, name: str) -> dict[str, Any]:
    row, library = agent.versions.one(name), agent.library
    versions = library.versions(row.domain, row.name)
    if row.problem:
        return row.to_json() | {"versions": versions}
    return {
        **library.entry(row.version).model_dump(mode="json"),
        "name": f"{row.domain}.{row.name}",
        "version": row.version,
        "trust": row.trust,
        "pinned": library.pinned(row.domain, row.name),
        "versions": versions,
        "uses": library.uses(row.version),
        "evidence": library.evidence(row.version),
        "tests": [test.to_json() for test in library.tests(row.version)],
        "counterexamples": [each.to_json() for each in library.counterexamples(row.domain, row.name)],
        "dependents": [f"{e.name} {e.version}" for e, _ in agent.versions.dependents(name)],
    }


def _history(agent: LentAgent, name: str) -> dict[str, Any]:
    events, row, library = agent.versions.history(name), agent.versions.one(name), agent.library
    return {
        "name": f"{row.domain}.{row.name}",
        "current": row.version,
        "pinned": library.pinned(row.domain, row.name),
        "versions": library.versions(row.domain, row.name),
        "events": [event.to_json() for event in events],
        "trust": {e.event.version: library.trust(e.event.version) for e in events if e.event.version},
    }
