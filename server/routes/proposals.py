"""/api/v1/proposals: what was learned and waits for a person's approval."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.responses import Response

from executor.review import Admit, Reject
from server.deeds import DeedRequest, as_things_are, looked_up
from server.forms import Told
from server.lent import LentAgent
from server.problems import answer, responses
from server.using import TOKEN, Used

router = APIRouter(prefix="/api/v1/proposals", tags=["proposals"], dependencies=[TOKEN])
Id = Annotated[str, Path(pattern=r"^[0-9a-fA-F]{4,64}$", description="the beginning of a proposal's version")]


class ProposalRow(Told):
    """A proposal. `at` is when it was kept, in milliseconds since 1970; `damaged` says what is wrong with one."""

    version: str
    at: int
    name: str
    trust: str


class ProposalsForm(Told):
    """All proposals, the one that was kept first in front."""

    proposals: list[ProposalRow]


class ProposalForm(Told):
    """A proposal as a person looks at it: the entry, the evidence, how it differs from what plans use."""

    version: str
    name: str
    trust: str
    entry: dict[str, Any]


class AdmitRequest(DeedRequest):
    """Letting a proposal in, by default at the level that its evidence is good for."""

    trust: Literal["probation", "trusted"] | None = None


class DecidedForm(Told):
    """What was decided. `trust` is the level of one that was admitted."""

    version: str
    done: Literal["admitted", "rejected"]
    trust: str | None = Field(None)


@router.get("", response_model=ProposalsForm, responses=responses())
async def listed(service: Used) -> Response:
    """List what waits for a person's approval."""
    return answer({"proposals": await service.do(lambda agent: [row.to_json() for row in agent.proposals.listed()])})


@router.get("/{proposal}", response_model=ProposalForm, responses=responses(404, 409))
async def show(proposal: Id, service: Used) -> Response:
    """Show the contract, the body and the evidence of a proposal."""
    return answer(await service.do(lambda agent: agent.proposals.review(_version(agent, proposal)).to_json()))


@router.post("/{proposal}/admit", response_model=DecidedForm, responses=responses(404, 409))
async def admit(proposal: Id, request: AdmitRequest, service: Used) -> Response:
    """Let plans use a proposal. A run that waited for it goes on with `POST /api/v1/runs/ID/resume`."""

    def admitted(agent: LentAgent) -> dict[str, Any]:
        version = _version(agent, proposal)
        with as_things_are():
            found = agent.proposals.admit(version, Admit(request.trust, request.who, request.why))
        return {"version": found, "done": "admitted", "trust": agent.library.trust(found)}

    return answer(await service.do(admitted))


@router.post("/{proposal}/reject", response_model=DecidedForm, responses=responses(404, 409))
async def reject(proposal: Id, request: DeedRequest, service: Used) -> Response:
    """Refuse a proposal. The same body, for the same contract and examples, is not offered again."""

    def rejected(agent: LentAgent) -> dict[str, Any]:
        version = _version(agent, proposal)
        with as_things_are():
            return {"version": agent.proposals.reject(version, Reject(request.why, request.who)), "done": "rejected"}

    return answer(await service.do(rejected))


def _version(agent: LentAgent, beginning: str) -> str:
    with looked_up():
        return agent.proposals.version(beginning)
