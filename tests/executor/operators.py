"""Small operators for tests of similarity, and a naive index to compare with."""

from collections import Counter
from math import log
from typing import Any

from executor.entry import Entry, Provenance
from executor.similar.bm25 import K1, B

ORIGIN = Provenance(task="t", model="m", prompts="p", calls=2, repairs=0, created="2026-01-01", seconds={})


def operator(
    name: str, description: str = "", /, domain: str = "shop", created: str = "2026-01-01", **parameters: str
) -> Entry:
    """An entry that takes parameters of these types; "[number]" is a list of numbers."""
    rows = [{"name": each, "type": _schema(kind)} for each, kind in parameters.items()]
    contract: dict[str, Any] = {
        "name": name, "description": description, "parameters": rows, "effects": ["done = true"],
        "reads": [], "outputs": [], "preconditions": [], "ensures": [],
    }  # fmt: skip
    body = f'def {name}({", ".join(parameters)}):\n    return {{"output": {{}}, "writes": [["done", None, True]]}}\n'
    return Entry(
        domain=domain, name=name, contract=contract, code=body, language="python", examples=[],
        provenance=ORIGIN.model_copy(update={"created": created}),
    )  # fmt: skip


def _schema(kind: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": kind[1:-1]}} if kind.startswith("[") else {"type": kind}


def naive_scores(texts: dict[str, list[str]], asked: list[str]) -> dict[str, float]:
    """BM25 as the formula says it, over all texts and words, without an index."""
    mean = sum(map(len, texts.values())) / len(texts) if texts else 0.0
    found = {}
    for key, words in texts.items():
        total = 0.0
        for word in set(asked):
            having = sum(word in other for other in texts.values())
            frequency = Counter(words)[word]
            if frequency:
                idf = log(1 + (len(texts) - having + 0.5) / (having + 0.5))
                total += idf * frequency / (K1 * ((1 - B) + B * len(words) / mean) + frequency)
        if set(asked) & set(words):
            found[key] = total
    return found
