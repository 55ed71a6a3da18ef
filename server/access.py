"""Who may ask the service: whoever knows the token, under a name of this machine, and no page of somebody else's.

| looked at        | refused                                                                                        |
|------------------|------------------------------------------------------------------------------------------------|
| `Host`           | a name that is not this machine's nor allowed: a page whose name was turned to this address    |
| `Origin`         | a page of another origin that is not allowed                                                   |
| `Sec-Fetch-Site` | what a browser calls another site's request                                                    |
| `Authorization`  | no `Bearer` token, or another one; `/health`, `/metrics` and `/openapi.json` need none         |

With `--trust-loopback` requests that come from this machine, and not through a proxy, need no token; every program and
every user of the machine can then run code. What this does not do: protect the token from whoever may read the data
folder, or what is sent from whoever listens on the way (put TLS in front where it leaves the machine).
"""

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from executor.settings import Settings
from executor.token import NAME, is_token, service_token
from htn.errors import UsageError
from server.problems import RequestError, problem

OPEN = frozenset({"/health", "/metrics", "/openapi.json"})
_LEAST = 16  # characters of a token that a person chooses
_PROXY = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_OURS = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Access:
    """What a request has to show."""

    token: str = field(repr=False)
    hosts: frozenset[str] = _OURS
    origins: frozenset[str] = frozenset()
    trust_loopback: bool = False

    @classmethod
    def of(cls, settings: Settings, *, trust_loopback: bool = False) -> "Access":
        """Return what settings say; the token is the one that they name, or that of the data folder."""
        hosts = {settings.service_host.lower(), *_words(settings.service_hosts)} - {"0.0.0.0", "::"}  # noqa: S104
        given = settings.service_token
        if given and len(given.get_secret_value()) < _LEAST:
            raise UsageError(
                f"the token of the service has less than {_LEAST} characters",
                hints=("python3 -c 'import secrets; print(secrets.token_urlsafe())' makes one",),
            )
        token = given.get_secret_value() if given else service_token(settings.data_dir)
        origins = frozenset(word.rstrip("/") for word in _words(settings.service_origins))
        return cls(token, _OURS | hosts, origins, trust_loopback)

    def refuse(self, scope: Scope) -> RequestError | None:
        """Return why a request is refused, or None."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name(f"//{host}") not in self.hosts:
            return RequestError(
                "host", "the service is not asked under this name", hints=("allow it: HTN_SERVICE_HOSTS=NAME",)
            )
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in self.origins and not _same(origin, scope, host):
            return RequestError(
                "origin", "pages of this origin may not ask", hints=("allow it: HTN_SERVICE_ORIGINS=https://NAME",)
            )
        if origin is None and headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return RequestError("origin", "pages of other sites may not ask")
        if scope["path"] in OPEN or self._knows(headers) or (self.trust_loopback and _is_near(scope, headers)):
            return None
        return RequestError(
            "token",
            "this needs the service's token",
            hints=(f"send it: Authorization: Bearer TOKEN; it is in the file {NAME} of the service's data folder",),
            headers={"WWW-Authenticate": 'Bearer realm="htn"'},
        )

    def _knows(self, headers: Headers) -> bool:
        kind, _, token = headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and is_token(token.strip(), self.token)


@dataclass(frozen=True)
class Guard:
    """Lets through what `Access` does not refuse."""

    app: ASGIApp
    access: Access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or hand it on."""
        if scope["type"] == "http" and (error := self.access.refuse(scope)):
            await problem(error.trouble, scope, error.headers)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _words(text: str) -> set[str]:
    return {word.strip().lower() for word in text.split(",") if word.strip()}


def _name(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


def _same(origin: str, scope: Scope, host: str) -> bool:
    """Whether a page is one of the service's own."""
    return origin.lower() == f"{scope['scheme']}://{host}".lower()


def _is_near(scope: Scope, headers: Headers) -> bool:
    """Whether a request comes from this machine, as far as can be known: a proxy here says that it is one."""
    client = scope.get("client")
    try:
        near = client is not None and ip_address(client[0]).is_loopback
    except ValueError:
        return False
    return near and not any(name in headers for name in _PROXY)
