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

import hmac
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from executor.settings import Settings
from htn.errors import UsageError
from server.problems import RequestError, problem

OPEN = frozenset({"/health", "/metrics", "/openapi.json"})
TOKEN_FILE = "http-token"
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
        token = given.get_secret_value() if given else read_token(settings.data_dir)
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
            hints=(f"send it: Authorization: Bearer TOKEN; it is in {TOKEN_FILE} in the service's data folder",),
            headers={"WWW-Authenticate": 'Bearer realm="htn"'},
        )

    def _knows(self, headers: Headers) -> bool:
        kind, _, token = headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self.token.encode())


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


def read_token(folder: Path) -> str:
    """Return the token of a data folder; where it has none, make one that only this user can read."""
    path = folder / TOKEN_FILE
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make_token(path)
    with _opened(path, os.O_RDONLY) as descriptor:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
            raise UsageError(
                "others can read the service's token, or it is not this user's file",
                where=str(path), hints=("remove the file: the next start makes another token",),
            )  # fmt: skip
        token = os.read(descriptor, 1000).decode("ascii", "replace").strip()
    if len(token) < _LEAST:
        raise UsageError("the file of the service's token holds none", where=str(path), hints=("remove the file",))
    return token


def _make_token(path: Path) -> None:
    """Make a token, whole or not at all: of several processes that start at once one makes it, and all read it."""
    draft = path.with_name(f".{TOKEN_FILE}-{secrets.token_hex(8)}")
    with _opened(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
        os.write(descriptor, f"{secrets.token_urlsafe(32)}\n".encode())
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


@contextmanager
def _opened(path: Path, how: int) -> Iterator[int]:
    try:
        descriptor = os.open(path, how | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"cannot keep the service's token: {error.strerror}", where=str(path)) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


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
