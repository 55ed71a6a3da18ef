"""Java: compiled once into classes.

The body is one file with classes, or methods alone. The entry point is a method of one of its
classes, `name` or `Class.name`: a static one, or one of a class that is made without arguments.
Parameters may be primitives, String, BigInteger, BigDecimal, Object, List, Map, Optional, arrays,
enums and records.
"""

import base64
import re

from executor.sandbox.languages.job import Job, Language, driver, work
from executor.sandbox.protocol import Program, SandboxLimits

_PUBLIC = re.compile(
    r"^[ \t]*public\s+(?:(?:final|abstract|sealed|strictfp)\s+)*(?:class|record|enum|interface)\s+(\w+)", re.MULTILINE
)
_ANY = re.compile(
    r"^[ \t]*(?:(?:public|final|abstract|sealed|strictfp)\s+)*(?:class|record|enum|interface)\s+\w+", re.MULTILINE
)
_HEAD = re.compile(r"(?:\s*(?:import\s[^;]*;|package\s[^;]*;|//[^\n]*\n|/\*.*?\*/))*", re.DOTALL)
_PACKAGE = re.compile(r"^[ \t]*package\s+[\w.]+\s*;", re.MULTILINE)
_FLAGS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto")


def _compile(program: Program) -> Job:
    code = _PACKAGE.sub("", program.code, count=1)
    if not _ANY.search(code):
        head = _HEAD.match(code)
        at = head.end() if head else 0
        # The lines of a body keep their numbers.
        code = f"{code[:at]} public class Body {{ {code[at:]}\n}}"
    named = _PUBLIC.search(code)
    name = f"{named[1] if named else 'Body'}.java"
    helpers = {f"source/{each}": text for each, text in program.files.items() if each.endswith(".java")}
    return Job(
        way="compile",
        commands=(
            (
                "javac", *(f"-J{flag}" for flag in _FLAGS), "-J-Xmx512m",
                "-encoding", "UTF-8", "-proc:none", "-parameters", "-nowarn", "-d", "{folder}/classes",
                name, "HtnDriver.java", *(each.removeprefix("source/") for each in helpers),
            ),
        ),
        place="source",
        made="classes",
        files={f"source/{name}": code, "source/HtnDriver.java": driver("HtnDriver.java"), **helpers},
        file_mb=256,
    )  # fmt: skip


def _start(program: Program, limits: SandboxLimits, artefact: str) -> Job:
    return Job(
        way="start",
        command=(
            "java", *_FLAGS, f"-Xmx{limits.memory_mb}m", "-Xms16m", "-Xss1m", "-XX:ReservedCodeCacheSize=24m",
            "-XX:MaxMetaspaceSize=64m", "-XX:CICompilerCount=1", "-cp", "{folder}/body.jar", "HtnDriver",
            "{folder}/body.jar",
        ),
        files=work(program),
        packed={"body.jar": base64.b64decode(artefact)},
    )  # fmt: skip


JAVA = Language(
    "java",
    (),
    _start,
    _compile,
    overhead_mb=160,
    compile_signs={r"package \S+ does not exist": "import"},
    run_signs={
        r"OutOfMemoryError|insufficient memory|Cannot allocate memory|unable to create native thread": "memory",
        r"^Exception in thread": "runtime",
    },
)
