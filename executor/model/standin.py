"""A stand-in for a model's server. It is no language model.

It gives answers that somebody wrote into a script (see standin_script) over the protocols that real
servers speak, so that the real client code runs: for tests and for trying the program where there is
no model. Whatever is measured with it says nothing about models.

It listens on this machine only. It speaks Ollama's protocol, OpenAI's and Anthropic's; theirs begin at
`/v1`. Beside their paths it has `GET /_log`, all requests for an answer so far, and `POST /_reset`,
which forgets them and starts the script again.

    python -m executor.model.standin SCRIPT [--port 11434]

prints the address as its first line and serves until it is interrupted.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event as Signal
from threading import Lock, Thread
from types import TracebackType
from typing import Any

from executor.model.standin_protocols import OLLAMA, SPEECHES, WRITTEN_AT, Asked, Event, Speech, texts_of, vector_of
from executor.model.standin_script import Director, Reply, load_script
from htn.errors import HtnError, UsageError

VERSION = "0.0.0-standin"
HUGE_PIECE = "x" * 100_000
HUGE_PIECES = 30
SLOW_SECONDS = 0.02  # between the characters of an answer that never ends


class StandIn:
    """A scripted server, from `with` to its end; `endpoint` is its address."""

    def __init__(self, script: str | Path | Mapping[str, Any], *, port: int = 0) -> None:
        self.director = Director(load_script(script))
        self.stopped = Signal()
        self._requests: list[dict[str, Any]] = []
        self._lock = Lock()
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"the stand-in cannot listen on port {port}: {error}",
                hints=("port 0 takes a free one",),
            ) from error
        self._server.owner = self
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> Sequence[dict[str, Any]]:
        """The requests for an answer so far: body, headers, and the rule that answered."""
        with self._lock:
            return tuple(self._requests)

    def note(self, request: dict[str, Any]) -> None:
        """Add a request to the log."""
        with self._lock:
            self._requests.append(request)

    def reset(self) -> None:
        """Forget all requests and start the script again."""
        with self._lock:
            self._requests.clear()
        self.director.start_again()

    def serve(self) -> None:
        """Answer until `stop` is called from another thread."""
        self._server.serve_forever(poll_interval=0.02)

    def stop(self) -> None:
        """End `serve`, also the answers that hang."""
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "StandIn":
        Thread(target=self.serve, name="standin", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: StandIn

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients that give up break their connections; that is what many scripts are for.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Keep quiet: the log is at /_log."""

    def do_GET(self) -> None:
        script = self.server.owner.director.script
        names = [script.model, *script.more_models]
        if self.path == "/":
            self._send(200, b"Ollama is running", "text/plain")
        elif self.path == "/api/version":
            self._json({"version": VERSION})
        elif self.path == "/api/tags":
            self._json({"models": list(map(_listing, names))})
        elif self.path.partition("?")[0] == "/v1/models":
            self._json({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})
        elif self.path == "/_log":
            self._json(list(self.server.owner.requests))
        else:
            self._error(404, f"there is nothing at {self.path}")

    def do_POST(self) -> None:
        body = self._body()
        if self.path == "/_reset":
            self.server.owner.reset()
            self._json({})
        elif body is None:
            self._error(400, "the request is not a JSON object")
        elif self.path == "/api/show":
            self._show(body)
        elif self.path == "/api/embed":
            self._embed(body)
        elif self.path in SPEECHES:
            self._chat(body, SPEECHES[self.path])
        else:
            self._error(404, f"there is nothing at {self.path}")

    def _show(self, body: dict[str, Any]) -> None:
        if self._is_known(body):
            details = _listing(str(body.get("model")))["details"]
            self._json({"details": details, "model_info": {}, "capabilities": ["completion"]})

    def _embed(self, body: Event) -> None:
        texts = texts_of(body)
        reply = self._chosen(body, Asked("embed", "\n".join(texts)), OLLAMA)
        if reply is not None and (reply.behave or reply.error):
            self._reply(reply, OLLAMA, stream=True)
        elif self._is_known(body, OLLAMA):
            vectors = [vector_of(text) for text in texts] if reply is None else json.loads(reply.words())
            self._json({"model": body.get("model"), "embeddings": vectors})

    def _chat(self, body: Event, speech: Speech) -> None:
        try:
            asked = speech.asked(body)
        except (TypeError, LookupError, AttributeError):
            self.server.owner.note({"path": self.path, "body": body, "headers": dict(self.headers)})
            self._error(400, "messages is not a list of messages", speech)
            return
        reply = self._chosen(body, asked, speech)
        if not self._is_known(body, speech):
            return
        if reply is None:
            self._error(500, f"no scripted answer matches the request that ends with {asked.prompt[-200:]!r}", speech)
            return
        self._reply(reply, speech, stream=body.get("stream", speech is OLLAMA) is not False)

    def _chosen(self, body: Event, asked: Asked, speech: Speech) -> Reply | None:
        director, name = self.server.owner.director, self._model(body)
        chosen = director.choose(asked.title, asked.prompt, name) if name else None
        rule = chosen.rule if chosen else None
        self.server.owner.note({"path": self.path, "body": body, "headers": dict(self.headers), "rule": rule})
        return chosen.reply if chosen else None

    def _reply(self, reply: Reply, speech: Speech, *, stream: bool) -> None:
        if reply.error is not None:
            key = self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")
            message = reply.error.message.replace("{key}", key)
            self._error(reply.error.status, message, speech, reply.error.headers)
        elif reply.behave is not None:
            self._misbehave(reply.behave, speech)
        elif stream:
            self._stream(speech, speech.stream(reply.words(), "whole"))
        else:
            self._json(speech.whole(reply.words()))

    def _misbehave(self, behave: str, speech: Speech) -> None:
        if behave == "hang":
            self.server.owner.stopped.wait()
            self.close_connection = True
        elif behave == "error500":
            self._error(500, "the scripted model failed, as its script says", speech)
        elif behave == "garbage":
            self._send(200, b"data: <html>this is no answer\x00</html>\n", "text/html")
        elif behave == "redirect":
            self._send(302, b"", "text/plain", {"Location": f"{self.server.owner.endpoint}/elsewhere"})
        elif behave == "nothing":
            self._stream(speech, iter([]))
        elif behave == "disconnect":
            self._stream(speech, iter([speech.begun("{")]), finish=False)
        elif behave == "slow":
            self._stream(speech, self._trickle(speech))
        elif behave == "huge":
            self._stream(speech, (speech.begun(HUGE_PIECE) for _ in range(HUGE_PIECES)))
        elif behave == "cut":
            self._stream(speech, speech.stream('{"cut": "in the mid', "cut"))
        else:
            self._stream(speech, speech.stream("I would rather not.", "refuse"))

    def _trickle(self, speech: Speech) -> Iterator[Event]:
        while not self.server.owner.stopped.wait(SLOW_SECONDS):
            yield speech.begun(" ")

    def _stream(self, speech: Speech, events: Iterator[Event], *, finish: bool = True) -> None:
        self.send_response(200)
        self.send_header("Content-Type", speech.kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for event in events:
                self._chunk(speech.line(event))
            if finish:
                self._chunk(speech.end())
                self.wfile.write(b"0\r\n\r\n")
            else:
                self.close_connection = True
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has given up, which scripts provoke

    def _chunk(self, content: bytes) -> None:
        if content:  # an empty chunk would be the last one
            self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))

    def _body(self) -> dict[str, Any] | None:
        size = int(self.headers.get("Content-Length") or 0)
        try:
            body = json.loads(self.rfile.read(size) or b"{}")
        except ValueError:
            return None
        return body if isinstance(body, dict) else None

    def _model(self, body: dict[str, Any]) -> str | None:
        return self.server.owner.director.script.named(body.get("model"))

    def _is_known(self, body: dict[str, Any], speech: Speech = OLLAMA) -> bool:
        """Say whether the request names a scripted model, and answer it when it does not."""
        if self._model(body):
            return True
        self._error(404, f"model '{body.get('model')}' not found", speech)
        return False

    def _error(self, status: int, text: str, speech: Speech = OLLAMA, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, json.dumps(speech.error(status, text)).encode(), "application/json", headers)

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), "application/json")

    def _send(self, status: int, content: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _listing(name: str) -> dict[str, Any]:
    full = name if ":" in name else f"{name}:latest"
    return {
        "name": full,
        "model": full,
        "modified_at": WRITTEN_AT,
        "size": 0,
        "digest": "standin",
        "details": {"family": "standin", "parameter_size": "0", "quantization_level": "none"},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a script until interrupted; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m executor.model.standin")
    parser.add_argument("script", help="the JSON file with the scripted answers")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    chosen = parser.parse_args(arguments)
    try:
        standin = StandIn(chosen.script, port=chosen.port)
    except HtnError as error:
        sys.stderr.write(f"{error.explain()}\n")
        return error.exit_code
    sys.stdout.write(f"{standin.endpoint}\n")
    sys.stdout.flush()
    try:
        standin.serve()
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
