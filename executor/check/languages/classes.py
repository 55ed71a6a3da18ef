"""Rules for Java and C++."""

import re
from itertools import pairwise, takewhile

from executor.check.candidate import Finding
from executor.check.languages.rules import WordRule, members
from executor.check.languages.tokens import Token, meaningful

_JAVA_PACKAGES = frozenset({"java.math", "java.text", "java.time", "java.util", "java.util.function", "java.util.regex",
                            "java.util.stream"})  # fmt: skip
_JAVA_NOT = frozenset({"Timer", "TimerTask", "ServiceLoader", "ResourceBundle", "Scanner", "Random", "UUID",
                       "SplittableRandom",                       "Clock"})  # fmt: skip
_JAVA_PARTS = {
    "System": frozenset({"out", "err", "arraycopy", "lineSeparator", "identityHashCode"}),
    "Math": frozenset({
        "abs", "absExact", "acos", "addExact", "asin", "atan", "atan2", "cbrt", "ceil", "ceilDiv", "clamp", "cos",
        "cosh", "decrementExact", "exp", "expm1", "floor", "floorDiv", "floorMod", "fma", "hypot", "incrementExact",
        "log", "log10", "log1p", "max", "min", "multiplyExact", "negateExact", "pow", "rint", "round", "signum",
        "sin", "sinh", "sqrt", "subtractExact", "tan", "tanh", "toDegrees", "toIntExact", "toRadians", "ulp", "PI",
        "E",
    }),
}  # fmt: skip
_JAVA_REFUSED = frozenset({
    "Runtime", "ProcessBuilder", "ProcessHandle", "Process", "Class", "ClassLoader", "Thread", "ThreadGroup",
    "ThreadLocal", "Module", "ModuleLayer", "SecurityManager", "Unsafe", "MethodHandles", "MethodHandle",
    "VarHandle", "Lookup", "Compiler", "StackWalker", "getClass", "forName", "getDeclaredMethod",
    "getDeclaredField", "getMethod", "setAccessible", "invoke", "native", "finalize", "File", "Files", "Path",
    "Paths", "FileReader", "FileWriter", "FileInputStream", "FileOutputStream", "RandomAccessFile", "Socket",
    "ServerSocket", "URL", "URI", "HttpClient", "ObjectInputStream", "ObjectOutputStream", "ScriptEngine",
    "ScriptEngineManager", "currentTimeMillis", "nanoTime", "parallelStream",
})  # fmt: skip

_CPP = frozenset({
    "algorithm", "any", "array", "bit", "bitset", "cassert", "cctype", "cfloat", "charconv", "cinttypes", "climits",
    "cmath", "compare", "complex", "concepts", "cstddef", "cstdint", "cstring", "deque", "exception", "expected",
    "format", "forward_list", "functional", "initializer_list", "iomanip", "iostream", "iterator", "limits", "list",
    "map", "memory", "nlohmann/json.hpp", "numbers", "numeric", "optional", "ostream", "queue", "ranges", "ratio",
    "regex", "set", "span", "sstream", "stack", "stdexcept", "string", "string_view", "tuple", "type_traits",
    "unordered_map", "unordered_set", "utility", "valarray", "variant", "vector",
})  # fmt: skip
_CPP_REFUSED = frozenset({
    "system", "popen", "fork", "vfork", "execl", "execle", "execlp", "execv", "execve", "execvp", "execvpe",
    "posix_spawn", "syscall", "dlopen", "dlsym", "getenv", "setenv", "putenv", "exit", "_exit", "_Exit",
    "quick_exit", "atexit", "socket", "fopen", "freopen", "ifstream", "ofstream", "fstream", "filesystem", "thread",
    "jthread", "asm", "reinterpret_cast", "mmap", "mprotect", "ptrace", "extern", "module", "import", "export",
    "_Pragma", "cin", "scanf", "environ", "longjmp", "setjmp", "random_device", "chrono",
})  # fmt: skip
# These may be names of variables; they are refused where they are called.
_CPP_CALLS = frozenset({"async", "clock", "connect", "gets", "kill", "open", "raise", "rand", "read", "rename", "srand",
                        "signal", "time", "unlink"})  # fmt: skip
_INCLUDE = re.compile(r"\s*#\s*include\s*<([\w/.]+)>\s*(?://[^\n]*)?$")


class JavaPackages(WordRule):
    """Only packages for numbers, texts, dates and collections are imported or named.

    A class can be used without an import by its whole name, so `java.io.File` is looked for wherever it stands.

    Refused:

        import java.nio.file.*;
        static String total(int[] items) throws Exception { return Files.readString(Path.of("/etc/passwd")); }

    Instead:

        import java.util.*;
        static int total(List<Integer> items) { return items.stream().mapToInt(Integer::intValue).sum(); }
    """

    code, name = "HTN-V101", "packages"
    fix = "use java.util, java.math, java.text or java.time"
    language = "java"

    def look(self, found: list[Token]) -> list[Finding]:
        """Return what is wrong."""
        words = meaningful(found)
        wrong = []
        for at, token in enumerate(words):
            starts = token.kind == "word" and not (at and words[at - 1].text == ".")
            if starts and token.text in ("java", "javax", "jdk", "sun", "com", "org"):
                parts = _dotted(words[at:])
                package = ".".join(takewhile(lambda part: part[:1].islower(), parts))
                last = next((part for part in parts if not part[:1].islower()), "")
                if package not in _JAVA_PACKAGES or last in _JAVA_NOT:
                    wrong.append(self.finding(f"{'.'.join(parts)} is not allowed", token.line))
        return wrong


class JavaNames(WordRule):
    """No `Runtime`, no threads, no reflection, no files; of `System` only what prints, of `Math` no dice.

    `Class.forName` reaches every class by a text, and `System.exit` ends the whole machine of Java.

    Refused:

        static int total(int[] items) throws Exception { Runtime.getRuntime().exec("id"); return 0; }

    Instead:

        static int total(int[] items) { int sum = 0; for (int i : items) sum = Math.addExact(sum, i); return sum; }
    """

    code, name = "HTN-V102", "names"
    fix = "write the operation directly, on the arguments"
    language = "java"

    def look(self, found: list[Token]) -> list[Finding]:
        """Return what is wrong."""
        wrong = self.refused_words(found, _JAVA_REFUSED | _JAVA_NOT)
        words = meaningful(found)
        for dot, name, bracket in zip(words, words[1:], words[2:], strict=False):
            if dot.text == "." and name.text == "now" and bracket.text == "(":
                wrong.append(self.finding("now() changes from call to call", name.line))
            if dot.text in (".", "::") and name.text == "class":
                wrong.append(self.finding(".class is a way to reflection", name.line))
        return wrong + [self.finding(f"{what} is not allowed", line) for what, line in members(found, _JAVA_PARTS)]


class CppIncludes(WordRule):
    """Only headers of the allow-list are included, and the preprocessor does nothing else.

    A header that is read from a path could be any file, and a macro can put a name together that stands nowhere.

    Refused:

        #include <cstdlib>
        int total(std::vector<int> items) { return std::system("id"); }

    Instead:

        #include <numeric>
        #include <vector>
        int total(std::vector<int> items) { return std::accumulate(items.begin(), items.end(), 0); }
    """

    code, name = "HTN-C101", "includes"
    fix = "use headers for values, such as <vector>, <string>, <map>, <algorithm>, <numeric>"
    language = "c++"

    def look(self, found: list[Token]) -> list[Finding]:
        """Return what is wrong."""
        wrong = []
        for token in found:
            if token.kind == "directive":
                match = _INCLUDE.match(token.text)
                if match is None or match[1] not in _CPP:
                    wrong.append(self.finding(f"{token.text.strip():.80} is not allowed", token.line))
            elif token.kind == "mark" and token.text == "#":
                wrong.append(self.finding("a # may only begin a line", token.line))
        return wrong


class CppNames(WordRule):
    """No `system`, `fork`, `asm`, files, threads or environment, no cast of pointers, no name of the compiler's own.

    They reach memory and the system past the language's own rules.

    Refused:

        int total(std::vector<int> items) { asm("syscall"); return 0; }

    Instead:

        #include <vector>
        int total(std::vector<int> items) { int sum = 0; for (int item : items) sum += item; return sum; }
    """

    code, name = "HTN-C102", "names"
    fix = "write the operation directly, on the arguments"
    language = "c++"

    def look(self, found: list[Token]) -> list[Finding]:
        """Return what is wrong."""
        wrong = self.refused_words(found, _CPP_REFUSED)
        wrong += [
            self.finding(f"{token.text} is a name of the compiler's own", token.line)
            for token in found
            if token.kind == "word" and token.text.startswith("__")
        ]
        words = meaningful(found)
        for one, other in pairwise(words):
            if one.text in _CPP_CALLS and other.text == "(":
                wrong.append(self.finding(f"{one.text}() is not allowed", one.line))
            if (one.text, other.text) in (("%", ":"), ("<", ":"), ("<", "%")):
                wrong.append(self.finding("a digraph is not allowed", one.line))
        return wrong


def _dotted(words: list[Token]) -> list[str]:
    parts = [words[0].text]
    for dot, name in zip(words[1::2], words[2::2], strict=False):
        if dot.text != ".":
            break
        parts.append(name.text)
    return parts
