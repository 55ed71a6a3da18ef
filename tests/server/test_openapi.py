"""The OpenAPI document: complete, and kept by every answer."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from server.problems import MEDIA
from tests.server.running import Running
from tests.server.stock import stocked


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{m.upper()} {p}", o) for p, methods in document["paths"].items() for m, o in methods.items()]


def test_every_operation_says_what_it_is_and_how_it_fails(running: Running) -> None:
    document = running.client.get("/openapi.json").json()
    for name, operation in operations(document):
        assert operation["description"], name
        assert {"401", "403", "422", "500"} <= operation["responses"].keys(), name
        for status, response in operation["responses"].items():
            assert "content" in response, (name, status)
            assert (MEDIA in response["content"]) is (int(status) >= 400), (name, status)
            for form in response["content"].values():
                assert form["schema"], (name, status)


def test_every_body_has_an_example(running: Running) -> None:
    document = running.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    for name, operation in operations(document):
        for form in operation.get("requestBody", {}).get("content", {}).values():
            schema = schemas[form["schema"]["$ref"].rpartition("/")[2]] if "$ref" in form["schema"] else form["schema"]
            fields = schema.get("properties", {}).values()
            assert "examples" in form or "examples" in schema or any("examples" in field for field in fields), name


def test_only_what_is_open_needs_no_token_in_the_document(running: Running) -> None:
    document = running.client.get("/openapi.json").json()
    open_ones = {name for name, operation in operations(document) if "security" not in operation}
    assert open_ones == {"GET /health", "GET /metrics"}


def test_schemathesis_finds_nothing(running: Running, tmp_path: Path) -> None:
    stocked(running)
    run = {"domain": "travel", "tasks": ["travel(alice, home, park)"], "run_id": "monday"}
    assert running.client.post("/api/v1/runs", params={"wait": 30}, json=run).status_code == 200
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            str(program), "--config-file", str(Path(__file__).with_name("schemathesis.toml")), "run",
            f"{running.url}/openapi.json", "--header", f"Authorization: Bearer {running.token}",
        ],
        capture_output=True, text=True, check=False, timeout=600, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
