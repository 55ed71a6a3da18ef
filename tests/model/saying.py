"""A server that no script describes: it says given bytes, whatever it is asked."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Thread


@contextmanager
def saying(*parts: bytes, ever: Iterable[bytes] = ()) -> Iterator[str]:
    """A server that says `parts`, and then what `ever` gives, to the first who asks."""

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            with connection:
                question = connection.makefile("rb")
                head = iter(question.readline, b"\r\n")
                sizes = [line for line in head if line.lower().startswith(b"content-length:")]
                question.read(int(sizes[0].split(b":")[1]) if sizes else 0)
                for part in parts:
                    connection.sendall(part)
                for part in ever:
                    connection.sendall(part)
        except OSError:
            return  # the client has heard enough

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(timeout=10)
