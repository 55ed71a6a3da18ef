"""What routes have in common: the service that a request belongs to, and how tokens are told in OpenAPI."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from server.service import Service

# The token is looked at before any route is (see `access`); this tells whoever reads the OpenAPI document.
TOKEN = Depends(HTTPBearer(auto_error=False, description="the token of the service, from its data folder"))


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Used = Annotated[Service, Depends(_service)]
