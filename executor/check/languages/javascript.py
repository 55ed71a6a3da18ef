"""Rules for JavaScript."""

import re

from executor.check.candidate import Finding
from executor.check.languages.rules import WordRule
from executor.check.languages.tokens import Token, meaningful, texts

_MODULES = frozenset({"assert", "querystring", "string_decoder", "url", "util"})
_REFUSED = frozenset({
    "eval", "Function", "AsyncFunction", "GeneratorFunction", "process", "global", "globalThis", "window", "self",
    "module", "exports", "constructor", "getPrototypeOf", "setPrototypeOf", "Reflect", "Proxy", "WebAssembly",
    "SharedArrayBuffer", "Atomics", "Worker", "fetch", "XMLHttpRequest", "WebSocket", "importScripts", "Deno",
    "Bun", "callee", "caller", "with", "performance", "FinalizationRegistry", "WeakRef", "queueMicrotask",
    "setImmediate", "setInterval", "structuredClone", "__dirname", "__filename", "__proto__", "__defineGetter__",
    "__defineSetter__", "__lookupGetter__", "prepareStackTrace",
})  # fmt: skip
_IN_A_TEXT = re.compile(r"constructor|__proto__|prepareStackTrace")


class JavaScriptModules(WordRule):
    """Only a few modules without reach are required or imported, each by a name that is written out.

    `require("child_process")` starts programs and `require("fs")` reads files. A name that is computed could be any.

    Refused:

        const fs = require("fs");
        function total(items) { return fs.readdirSync("/").length; }

    Instead:

        const util = require("util");
        function total(items) { return util.format("%d", items.length); }
    """

    code, name = "HTN-J101", "modules"
    fix = "do without modules, or use one of: " + ", ".join(sorted(_MODULES))
    language = "javascript"

    def look(self, found: list[Token]) -> list[Finding]:
        """Return what is wrong."""
        words = meaningful(found)
        wrong = []
        for at, token in enumerate(words):
            if token.kind != "word" or token.text not in ("require", "import"):
                continue
            following = [other.text for other in words[at + 1 : at + 40]]
            named = following[1] if following[:1] == ["("] and following[2:3] == [")"] else ""
            if token.text == "import":
                named = next((following[n + 1] for n, word in enumerate(following[:-1]) if word == "from"), "")
                named = following[0] if following and following[0][:1] in "\"'" else named
                named = "" if following[:1] == ["("] else named
            if named[1:-1].removeprefix("node:") not in _MODULES or named[:1] not in ("'", '"'):
                wrong.append(self.finding(f"{token.text} of {named or 'what is computed'} is not allowed", token.line))
        return wrong


class JavaScriptNames(WordRule):
    """No `eval`, `process`, `Function`, `globalThis` and the like, and no way to a constructor by a text.

    `[].constructor.constructor("return process")()` shows how far a harmless value leads. Clock and dice are refused as
    well: a body gives the same result for the same arguments.

    Refused:

        function total(items) { return items.constructor.constructor("return process")(); }

    Instead:

        function total(items) { return Math.max(...items.map((item) => item.price)); }
    """

    code, name = "HTN-J102", "names"
    fix = "write the operation directly, on the arguments"
    language = "javascript"

    def look(self, found: list[Token]) -> list[Finding]:
        """Return what is wrong."""
        wrong = self.refused_words(found, _REFUSED)
        wrong += [self.finding("a text that names a way out", n) for text, n in texts(found) if _IN_A_TEXT.search(text)]
        wrong += [self.finding("a text with an escape in a key", n) for text, n in _keys(found) if "\\" in text]
        wrong += [self.finding("a key that is put together", n) for text, n in _keys(found) if text == "+"]
        words = meaningful(found)
        for one, dot, other in zip(words, words[1:], words[2:], strict=False):
            if (one.text, dot.text, other.text) in (("Math", ".", "random"), ("Date", ".", "now")):
                wrong.append(self.finding(f"{one.text}.{other.text} changes from call to call", one.line))
            if (one.text, dot.text, other.text) == ("Date", "(", ")"):
                wrong.append(self.finding("Date() changes from call to call", one.line))
        return wrong


def _keys(found: list[Token]) -> list[tuple[str, int]]:
    """Return the texts and plus signs that follow a text within square brackets behind a value."""
    words = meaningful(found)
    kept = []
    for at in range(1, len(words) - 2):
        behind_a_value = words[at - 1].kind == "word" or words[at - 1].text in (")", "]")
        if words[at].text == "[" and behind_a_value and words[at + 1].kind == "text":
            kept.append((words[at + 1].text, words[at].line))
            if words[at + 2].text == "+":
                kept.append(("+", words[at].line))
    return kept
