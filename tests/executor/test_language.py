import pytest

from executor.generate.language import detect_language


@pytest.mark.parametrize(
    ("request_text", "language"),
    [
        ("write the sum of a list in JavaScript", "javascript"),
        ("a Go function that reverses a text", "go"),
        ("reverse a text using go", "go"),
        ("a bash script that counts lines", "bash"),
        ("count lines with Bash", "bash"),
        ("a shell script that counts lines", "bash"),
        ("write this in C++, please", "c++"),
        ("a cpp solution", "c++"),
        ("Java method for the greatest common divisor", "java"),
        ("the greatest common divisor in Rust.", "rust"),
        ("translate this Python function to Rust", "rust"),
        ("convert the Java code into golang", "go"),
        ("a function in plain js", "javascript"),
        ("Node.js code that parses a log", "javascript"),
        ("python3 code that sorts", "python"),
        ("JavaScript that parses stack traces of Java", "javascript"),
    ],
)
def test_a_language_that_is_named_is_found(request_text: str, language: str) -> None:
    assert detect_language(request_text) == language


@pytest.mark.parametrize(
    "request_text",
    [
        "go to the park and pay the driver",
        "Go through the list with go, stop and wait signals",
        "find rust on a car",
        "the distance between a node and another node",
        "the weight of an egg without its shell",
        "read the file main.go.txt and data/go/x",
        "the number of letters",
        "",
        "not in JavaScript",
    ],
)
def test_ordinary_words_name_no_language(request_text: str) -> None:
    assert detect_language(request_text) == "python"


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("```js\nconst x = 1;\n```", "javascript"),
        ("Here it is:\n\n~~~ rust\nfn f() {}\n~~~", "rust"),
        ("```c++\nint f();\n```", "c++"),
        ("```{.go}\nfunc f() {}\n```", "go"),
        ("#!/usr/bin/env bash\necho 1", "bash"),
        ("#!/bin/sh\necho 1", "bash"),
        ("#!/usr/bin/env python3\nprint(1)", "python"),
    ],
)
def test_code_says_itself_what_it_is_written_in(code: str, language: str) -> None:
    assert detect_language("whatever, in Java", code) == language


def test_code_that_names_nothing_is_in_the_language_of_the_request() -> None:
    assert detect_language("in Go", "```\nfunc f() {}\n```") == "go"
    assert detect_language("in Go", "```brainfuck\n+\n```") == "go"


def test_a_fence_in_the_request_counts_when_its_words_name_nothing() -> None:
    assert detect_language("make this faster:\n```rust\nfn f() {}\n```") == "rust"
    assert detect_language("write this in Go:\n```rust\nfn f() {}\n```") == "go"
