"""Rules for Go and Rust."""

import re

from executor.check.candidate import Finding
from executor.check.languages.rules import WordRule
from executor.check.languages.tokens import Token, meaningful

_GO = frozenset({
    "bufio", "bytes", "cmp", "container/heap", "container/list", "container/ring", "crypto/md5", "crypto/sha1",
    "crypto/sha256", "crypto/sha512", "encoding/base64", "encoding/binary", "encoding/csv", "encoding/hex",
    "encoding/json", "errors", "fmt", "hash/crc32", "hash/fnv", "iter", "maps", "math", "math/big", "math/bits",
    "math/cmplx", "regexp", "slices", "sort", "strconv", "strings", "sync", "text/tabwriter", "unicode",
    "unicode/utf16", "unicode/utf8",
})  # fmt: skip
_GO_REFUSED = frozenset({"unsafe", "syscall", "reflect", "plugin", "cgo", "Scan", "Scanln", "Scanf", "Stdin"})
_DIRECTIVE = re.compile(r"//\s?(go:|export\b|line\b|\+build)|/\*\s?line\b|#cgo|#include")

_RUST = frozenset({
    "any", "array", "ascii", "borrow", "boxed", "cell", "char", "clone", "cmp", "collections", "convert", "default",
    "error", "f32", "f64", "fmt", "hash", "hint", "i128", "i16", "i32", "i64", "i8", "isize", "iter", "marker",
    "mem", "num", "ops", "option", "rc", "result", "slice", "str", "string", "sync", "u128", "u16", "u32", "u64",
    "u8", "usize", "vec", "format", "println", "assert", "write", "matches", "primitive",
})  # fmt: skip
_RUST_REFUSED = frozenset({
    "unsafe", "extern", "include", "include_str", "include_bytes", "env", "option_env", "asm", "global_asm",
    "macro_rules", "concat_idents", "transmute", "proc_macro", "mod", "crate", "r#std", "static_mut",
})  # fmt: skip
_ATTRIBUTES = frozenset({"derive", "allow", "inline", "must_use", "default", "warn", "deny"})


class GoImports(WordRule):
    """Only packages of the allow-list are imported; no directive stands in a comment.

    There is no file system, network or process to use. `import "C"` compiles C, and `//go:linkname` reaches what a
    package does not give away, although both look like a comment.

    Refused:

        import "os/exec"
        func total(items []int) string { out, _ := exec.Command("id").Output(); return string(out) }

    Instead:

        import "strings"
        func total(items []string) string { return strings.Join(items, ",") }
    """

    code, name = "HTN-G101", "imports"
    fix = "use the packages for numbers, texts and collections, such as strings, sort, strconv, math"
    language = "go"

    def look(self, found: list[Token]) -> list[Finding]:
        """Return what is wrong."""
        wrong = [
            self.finding("a directive to the compiler is not allowed", token.line)
            for token in found
            if token.kind == "comment" and _DIRECTIVE.search(token.text)
        ]
        for name, line in _go_imports(meaningful(found)):
            if name not in _GO:
                wrong.append(self.finding(f"import {name} is not allowed; allowed are {', '.join(sorted(_GO))}", line))
        return wrong


class GoNames(WordRule):
    """No `unsafe`, `reflect` or `syscall`, and nothing is read from outside.

    They reach memory and the system past the language's own rules.

    Refused:

        import "fmt"
        func total(items []int) int { var n int; fmt.Scan(&n); return n }

    Instead:

        func total(items []int) int { sum := 0; for _, item := range items { sum += item }; return sum }
    """

    code, name = "HTN-G102", "names"
    fix = "take what is needed as an argument"
    language = "go"

    def look(self, found: list[Token]) -> list[Finding]:
        """Return what is wrong."""
        return self.refused_words(found, _GO_REFUSED)


class RustPaths(WordRule):
    """Of the standard library only the parts for values are used, each by its path.

    `std::fs`, `std::net`, `std::process` and `std::env` reach the system, and `std` under another name could be any of
    them.

    Refused:

        use std::{fs, collections::HashMap};
        fn total(items: Vec<i64>) -> String { fs::read_to_string("/etc/passwd").unwrap() }

    Instead:

        use std::collections::{BTreeMap, HashMap};
        fn total(items: Vec<i64>) -> i64 { items.iter().sum() }
    """

    code, name = "HTN-R101", "paths"
    fix = "use the parts for values, such as std::collections, std::cmp, std::fmt"
    language = "rust"

    def look(self, found: list[Token]) -> list[Finding]:
        """Return what is wrong."""
        words = meaningful(found)
        wrong = []
        for at, token in enumerate(words):
            if token.text in ("std", "core", "alloc") and token.kind == "word":
                for name in _rust_parts(words[at + 1 :]):
                    if name not in _RUST:
                        wrong.append(self.finding(f"{token.text}::{name} is not allowed", token.line))
        return wrong


class RustNames(WordRule):
    """No `unsafe`, no `extern`, no macro that reads files or defines others, and only plain attributes.

    They lift the rules of the language, or let the compiler read what lies beside the code.

    Refused:

        fn total(items: Vec<i64>) -> String { include_str!("/etc/passwd").to_string() }

    Instead:

        #[derive(Debug, Clone)]
        struct Item { price: i64 }
        fn total(items: Vec<i64>) -> i64 { items.iter().map(|&price| Item { price }.price).sum() }
    """

    code, name = "HTN-R102", "names"
    fix = "write safe Rust without macros of your own"
    language = "rust"

    def look(self, found: list[Token]) -> list[Finding]:
        """Return what is wrong."""
        wrong = self.refused_words(found, _RUST_REFUSED)
        words = meaningful(found)
        for at, token in enumerate(words[:-2]):
            if token.text == "#" and words[at + 1].text in ("[", "!"):
                name = words[at + 2].text if words[at + 1].text == "[" else words[min(at + 3, len(words) - 1)].text
                if name not in _ATTRIBUTES:
                    wrong.append(self.finding(f"the attribute {name} is not allowed", token.line))
        return wrong


def _go_imports(words: list[Token]) -> list[tuple[str, int]]:
    found = []
    for at, token in enumerate(words):
        if token.kind == "word" and token.text == "import":
            rest = words[at + 1 :]
            if rest and rest[0].text == "(":
                end = next((n for n, other in enumerate(rest) if other.text == ")"), len(rest))
                found += [(other.text[1:-1], other.line) for other in rest[:end] if other.kind == "text"]
            else:
                found += [(other.text[1:-1], other.line) for other in rest[:2] if other.kind == "text"][:1]
    return found


def _rust_parts(rest: list[Token]) -> list[str]:
    """Return what is taken from a crate: the name behind `::`, or each first name within `::{...}`."""
    if not rest or rest[0].text != "::":
        return ["as a name of its own"]
    if len(rest) < 2 or rest[1].text != "{":
        return [rest[1].text] if len(rest) > 1 else [""]
    names, depth, first = [], 0, False
    for token in rest[1:]:
        if token.text == "{":
            depth, first = depth + 1, depth == 0
        elif token.text == "}":
            depth -= 1
            if not depth:
                break
        elif token.text == ",":
            first = depth == 1
        elif first:
            names.append(token.text)
            first = False
    return names
