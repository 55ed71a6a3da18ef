"""Vectors of texts: what is asked, and that what comes back is checked."""

from typing import Any

import pytest

from executor.model import OllamaEmbedder, open_embedder
from executor.model.standin import StandIn
from htn.errors import ServiceMissing, UsageError
from tests.model.questions import script
from tests.model.saying import saying


def embedder_at(endpoint: str, name: str = "scripted") -> OllamaEmbedder:
    return open_embedder(f"ollama:{name}", endpoint=endpoint, api_key=None, timeout=20.0)


def similarity(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_each_text_has_a_vector_in_the_order_of_the_texts() -> None:
    texts = [f"text number {number}" for number in range(150)]
    with StandIn(script({"behave": "error500"})) as server, StandIn({"answers": []}) as plain:
        vectors = embedder_at(plain.endpoint).embed(texts)
        asked = [text for request in plain.requests for text in request["body"]["input"]]
        with pytest.raises(ServiceMissing, match="error 500"):
            embedder_at(server.endpoint).embed(texts)
    assert asked == texts
    assert len(vectors) == 150 and len({len(vector) for vector in vectors}) == 1
    assert vectors[7] == vector_alone(texts[7])


def vector_alone(text: str) -> list[float]:
    with StandIn({"answers": []}) as server:
        (vector,) = embedder_at(server.endpoint).embed([text])
    return vector


def test_the_vectors_of_the_stand_in_are_near_where_texts_share_words() -> None:
    with StandIn({"answers": []}) as server:
        pay, again, walk = embedder_at(server.endpoint).embed(["pay the taxi", "the taxi is to pay", "walk home"])
    assert similarity(pay, again) > similarity(pay, walk)


def test_scripted_vectors_are_given_as_they_stand() -> None:
    rules = {"answers": [{"when": {"schema": "embed", "contains": ["pay"]}, "replies": [{"json": [[1, 0.5]]}]}]}
    with StandIn(rules) as server:
        assert embedder_at(server.endpoint).embed(["pay"]) == [[1.0, 0.5]]


def test_no_text_is_no_request() -> None:
    with StandIn({"answers": []}) as server:
        assert embedder_at(server.endpoint).embed([]) == []
        assert server.requests == ()


def test_a_long_text_is_sent_with_an_end() -> None:
    with StandIn({"answers": []}) as server:
        embedder_at(server.endpoint).embed(["x" * 1_000_000, "half \udc00"])
        sent = server.requests[0]["body"]["input"]
    assert len(sent[0]) == 32_000 and sent[1] == "half ?"


BAD_VECTORS: list[Any] = [
    [], [[1]], [[1], [2], [3]], None, 3, {"0": [1], "1": [2]}, [[1], [2, 3]], [[], []], [[1], 2], [[1], ["2"]],
    [[1], [True]], [[1], [None]], [[1], [[2]]], [[1] * 20_000] * 2, [[1], [10**400]],
]  # fmt: skip


@pytest.mark.parametrize("vectors", BAD_VECTORS, ids=[repr(each)[:30] for each in BAD_VECTORS])
def test_what_is_no_list_of_vectors_is_refused(vectors: Any) -> None:
    with StandIn(script({"json": vectors})) as server, pytest.raises(ServiceMissing) as caught:
        embedder_at(server.endpoint).embed(["a", "b"])
    assert "is scripted an embedding model?" in caught.value.hints


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_without_a_size_are_refused(number: str) -> None:
    body = b'{"embeddings": [[%s]]}' % number.encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with saying(head, body) as url, pytest.raises(ServiceMissing):
        embedder_at(url).embed(["a"])


def test_a_missing_model_is_said_with_how_to_get_it() -> None:
    with StandIn({"answers": []}) as server, pytest.raises(ServiceMissing, match="has no model 'other'") as caught:
        embedder_at(server.endpoint, "other").embed(["a"])
    assert caught.value.hints == ("get it: ollama pull other",)


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(ServiceMissing, match="no model server answers"):
        embedder_at("127.0.0.1:9").embed(["a"])


def test_vectors_come_from_ollama_only() -> None:
    assert open_embedder("nomic-embed-text:v1.5", endpoint="h", api_key=None, timeout=1).name.endswith(":v1.5")
    for spec in ("openai:text-embedding-3-small", "anthropic:x"):
        with pytest.raises(UsageError, match="embeddings come from Ollama only"):
            open_embedder(spec, endpoint="h", api_key=None, timeout=1)
