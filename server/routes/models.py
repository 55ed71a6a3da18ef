"""/api/v1/models: which models would be asked, and how they are."""

from typing import Any, Literal

from fastapi import APIRouter
from starlette.responses import Response

from server.checks import Status, places
from server.forms import Told
from server.problems import answer, responses
from server.using import TOKEN, Used

router = APIRouter(prefix="/api/v1/models", tags=["models"], dependencies=[TOKEN])


class ModelRow(Told):
    """A model that is asked, who runs it, and how it was when it was last looked at."""

    name: str
    provider: Literal["ollama", "openai", "anthropic"]
    role: str
    status: Status
    found: str


class ModelsForm(Told):
    """The models that are asked, the first one first."""

    models: list[ModelRow]


@router.get("", response_model=ModelsForm, responses=responses())
async def listed(service: Used) -> Response:
    """List the models that are asked. No key and no address of a server with a password is told."""
    records = {record.name: record for record in service.checks.providers}
    rows: list[dict[str, Any]] = [
        {
            "name": place.spec,
            "provider": place.provider,
            "role": name,
            "status": records[name].status,
            "found": records[name].to_json()["found"],
        }
        for name, place in places(service.settings)
    ]
    return answer({"models": rows})
