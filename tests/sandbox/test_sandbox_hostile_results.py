"""Results are hostile: the child refuses what JSON would change, the host reads what is forged."""

import json
from collections.abc import Callable

import pytest

from executor.sandbox import Outcome
from executor.sandbox.inside.plain import MAX_DEPTH, NotPlainError, as_plain
from executor.sandbox.strict import RefusedError, read_strictly

Run = Callable[..., Outcome]

# Each body returns it, and the child refuses it.
REFUSED_BY_THE_CHILD = {
    "nan": "float('nan')",
    "infinity in a list": "[float('inf')]",
    "an integer of 20,000 digits": "10 ** 20_000",
    "a lone surrogate": "'\\ud800'",
    "a lone surrogate in a key": "{'\\udfff': 1}",
    "keys that would merge": "{1: 'a', '1': 'b'}",
    "a key that is None": "{None: 1}",
    "a set": "{1}",
    "bytes": "b'x'",
    "a function": "len",
    "a complex number": "1j",
    "100,000 levels": "__import__('functools').reduce(lambda x, _: [x], range(100_000), 0)",
    "a list that holds itself": "(lambda x: x.append(x) or x)([])",
}

# Each is written straight to the answer's pipe; {id} is the call's own, found in the frames.
REFUSED_BY_THE_HOST = {
    "nan": '{"id":"ID","value":NaN,"arguments":{}}',
    "infinity": '{"id":"ID","value":-Infinity,"arguments":{}}',
    "a float beyond all floats": '{"id":"ID","value":1e999,"arguments":{}}',
    "an integer of 20,000 digits": '{"id":"ID","value":' + "9" * 20_000 + ',"arguments":{}}',
    "a lone surrogate": '{"id":"ID","value":"\\ud800","arguments":{}}',
    "the same key twice": '{"id":"ID","value":{"1":1,"1":2},"arguments":{}}',
    "100,000 levels": '{"id":"ID","value":' + "[" * 100_000 + "]" * 100_000 + ',"arguments":{}}',
    "100,000 levels that never close": '{"id":"ID","value":' + "[" * 100_000,
    "300 levels": '{"id":"ID","value":' + "[" * 300 + "]" * 300 + ',"arguments":{}}',
    "two answers": '{"id":"ID","value":1,"arguments":{}}' * 2,
    "no answer at all": "hello",
    "an answer without arguments": '{"id":"ID","value":1}',
    "arguments that are no object": '{"id":"ID","value":1,"arguments":[]}',
    "something beside it": '{"id":"ID","value":1,"arguments":{},"ok":true}',
    "a category that is the host's": '{"id":"ID","problem":["environment","x",""]}',
    "an unknown category": '{"id":"ID","problem":["fine","x",""]}',
    "another identity": '{"id":"0123456789abcdef","value":1,"arguments":{}}',
}

FORGE = """
    import os, sys
    def body(text):
        frame = sys._getframe()
        while "identity" not in frame.f_locals:
            frame = frame.f_back
        data = text.replace("ID", frame.f_locals["identity"]).encode()
        while data:
            data = data[os.write(3, data):]
        os._exit(0)
"""


@pytest.mark.parametrize("what", REFUSED_BY_THE_CHILD)
def test_a_value_that_json_would_change_is_a_protocol_problem(run: Run, what: str) -> None:
    outcome = run(f"def body(): return {REFUSED_BY_THE_CHILD[what]}")
    assert outcome.problem is not None
    assert outcome.problem.category == "protocol"
    assert "result" in outcome.problem.message


@pytest.mark.parametrize("what", REFUSED_BY_THE_HOST)
def test_a_forged_answer_that_is_not_plain_json_is_a_protocol_problem(run: Run, what: str) -> None:
    outcome = run(FORGE, text=REFUSED_BY_THE_HOST[what])
    assert outcome.problem is not None
    assert outcome.problem.category == "protocol"
    assert outcome.problem.message.startswith("the answer")


def test_an_answer_that_is_not_utf_8_is_a_protocol_problem(run: Run) -> None:
    outcome = run("import os\ndef body():\n    os.write(3, b'\"\\xff\"')\n    os._exit(0)")
    assert outcome.problem is not None
    assert outcome.problem.category == "protocol"


def test_an_answer_of_100_megabytes_is_an_output_problem(run: Run) -> None:
    code = "import os\ndef body():\n    for _ in range(1600): os.write(3, b'[' * 65536)"
    outcome = run(code)
    assert outcome.problem is not None
    assert outcome.problem.category == "output"


def test_writing_the_result_and_then_returning_forges_nothing(run: Run) -> None:
    code = "import os\ndef body():\n    os.write(3, b'{\"value\":1}')\n    return 2"
    outcome = run(code)
    assert outcome.problem is not None
    assert outcome.problem.category == "protocol"


def test_a_printed_line_that_looks_like_an_answer_is_only_printed(run: Run) -> None:
    line = json.dumps({"id": "x", "value": 42, "arguments": {}, "ending": "exit"})
    outcome = run("import os\ndef body(line):\n    print(line)\n    os._exit(0)", line=line)
    assert outcome.problem is not None
    assert outcome.problem.category == "killed"
    assert outcome.stdout == line + "\n"


def test_writing_to_every_descriptor_forges_nothing_and_breaks_nothing(run: Run) -> None:
    code = """
        import os
        def body():
            written = []
            for number in range(64):
                try:
                    os.write(number, b'{"hello": 1}\\n')
                    written.append(number)
                except OSError:
                    pass
            os._exit(0)
    """
    assert run(code).problem is not None
    assert run("def body(): return 'fine'").value == "fine"


def test_an_exception_whose_text_raises_is_still_described(run: Run) -> None:
    code = """
        class Bad(Exception):
            def __str__(self): raise RuntimeError
            __repr__ = __str__
        def body(): raise Bad
    """
    outcome = run(code)
    assert outcome.problem is not None
    assert outcome.problem.category == "runtime"
    assert "Bad" in outcome.problem.message


def test_a_message_that_is_not_text_is_shown_escaped(run: Run) -> None:
    outcome = run("def body(): raise ValueError('\\ud800')")
    assert outcome.problem is not None
    assert outcome.problem.category == "runtime"
    assert outcome.problem.message == "ValueError: \\ud800"


def test_a_message_of_megabytes_is_cut(run: Run) -> None:
    outcome = run("def body(): raise ValueError('x' * 10**7)")
    assert outcome.problem is not None
    assert outcome.problem.category == "runtime"
    assert len(outcome.problem.message) < 3000
    assert len(outcome.problem.traceback) < 5000


def test_replacing_the_builtins_only_spoils_the_bodys_own_call(run: Run) -> None:
    code = """
        import builtins, json
        def body():
            builtins.isinstance = lambda *_: True
            json.dumps = lambda *_, **__: '"forged"'
            return object()
    """
    assert run(code).problem is not None
    assert run("def body(): return 1").value == 1


@pytest.mark.parametrize("text", ["0", "[]", '{"a":[1,2.5,null,true,"\\u00e9"]}', '"\\ud83d\\ude00"', "-0.0", "1e10"])
def test_the_strict_reader_reads_ordinary_json_as_everybody_does(text: str) -> None:
    assert repr(read_strictly(text.encode())) == repr(json.loads(text))


def test_what_the_child_allows_at_most_the_host_reads() -> None:
    nested: object = 0
    for _ in range(MAX_DEPTH):
        nested = [nested]
    plain = as_plain(nested)
    assert read_strictly(json.dumps(plain).encode()) == plain
    with pytest.raises(NotPlainError, match="levels deep"):
        as_plain([nested])


def test_a_refusal_says_where_the_trouble_is() -> None:
    with pytest.raises(NotPlainError, match=r"result\['a'\]\[1\] is a set"):
        as_plain({"a": [0, {1}]})


def test_the_strict_reader_never_raises_anything_but_its_refusal() -> None:
    for raw in (b"", b"\xff", b"{", b'{"a":}', b"nul", b'"\x00"', b"[" * 10**6, b"1" * 10**6):
        with pytest.raises(RefusedError):
            read_strictly(raw)
