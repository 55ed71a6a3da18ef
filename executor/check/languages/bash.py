"""Rules for Bash."""

import re

from executor.check.candidate import Finding, Rule, Source
from executor.check.languages.shell import Commands, commands
from executor.check.languages.tokens import UnreadableError
from executor.check.requests import destructive_commands

_MOST_CODE = 65_536
_COMMANDS = frozenset({
    ":", "[", "awk", "base64", "basename", "break", "cat", "cksum", "cmp", "column", "comm", "continue", "cut",
    "declare", "diff", "dirname", "echo", "egrep", "exit", "expand", "expr", "factor", "false", "fgrep", "fmt",
    "fold", "grep", "head", "join", "jq", "let", "local", "mapfile", "md5sum", "nl", "numfmt", "od", "paste",
    "printf", "read", "readarray", "readonly", "return", "rev", "sed", "seq", "set", "sha1sum", "sha256sum",
    "shift", "sort", "tac", "tail", "test", "tr", "true", "tsort", "typeset", "unexpand", "uniq", "unset", "wc",
})  # fmt: skip
_TARGET = re.compile(
    r"(?:&?\d+-?|-|/dev/(?:null|stdin|stdout|stderr)|\"?\$\{?\w+\}?\"?|(?!/|~)(?!.*\.\.)[\w.\"'$ {}-]+)$"
)
# awk and sed can start programs and write files themselves.
_IN_A_WORD = {
    "awk": re.compile(r"system|getline|\||>|ENVIRON|/dev/|/inet"),
    "sed": re.compile(r"/[gpiIm0-9]*[ew][gpiIm0-9]*['\"]?$|(^|[;{'\"\s\d$/])[ewW]\s|^--?(?:in-place|i)"),
    "sort": re.compile(r"^--(?:compress|output|files0)|^-o"),
    "declare": re.compile(r"^-\w*n"), "local": re.compile(r"^-\w*n"), "typeset": re.compile(r"^-\w*n"),
    "set": re.compile(r"^-o$"), "printf": re.compile(r"^-v$"), "test": re.compile(r"^-v$"), "[": re.compile(r"^-v$"),
}  # fmt: skip
_OUTSIDE = re.compile(
    r"/dev/(?:tcp|udp|mem|kmsg|sd|nvme)|/proc/|/sys/|/etc/|BASH_ENV|LD_PRELOAD|PROMPT_COMMAND|BASH_FUNC"
)


class BashReadable(Rule):
    """The script is of a reasonable size and its texts and brackets have an end; a function that is asked for is there.

    What cannot be followed for certain is refused, because a command could hide in it. The other rules need the
    commands, so this one comes first and alone.

    Refused:

        total() { echo "the sum is

    Instead:

        total() { local sum=0; for item in "$@"; do sum=$((sum + item)); done; echo "$sum"; }
    """

    code, name = "HTN-B101", "readable"
    fix = "answer with the whole script and nothing else"
    language = "bash"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        if len(candidate.code) > _MOST_CODE or "\0" in candidate.code:
            return [self.finding(f"a script has at most {_MOST_CODE:,} characters, and no NUL")]
        try:
            found = commands(candidate.code)
        except (UnreadableError, RecursionError) as error:
            return [self.finding(f"it cannot be read: {error}", getattr(error, "line", 0))]
        if candidate.entry_point and candidate.entry_point not in found.defined:
            return [self.finding(f"no function {candidate.entry_point} is defined")]
        return []


class BashCommands(Rule):
    """Only commands that work on text are run, each under a name that is written out.

    An allow-list: network tools, `eval`, `source`, `exec`, shells, and whatever writes or removes files are not on it.
    A name that is computed, quoted or a path could be any command. `awk` and `sed` may not start programs themselves.

    Refused:

        total() { c=cu; "${c}rl" http://example.org; }

    Instead:

        total() { printf '%s\\\\n' "$@" | sort -n | tail -n 1; }
    """

    code, name = "HTN-B102", "commands"
    fix = "use the shell's own arithmetic and tools for text, such as grep, sed, awk, sort, jq"
    language = "bash"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        found = commands(candidate.code)
        wrong = []
        for command, *rest in found.run:
            if command.text not in _COMMANDS | found.defined:
                wrong.append(self.finding(f"the command {command.text:.60} is not allowed", command.line))
            inside = _IN_A_WORD.get(command.text)
            wrong += [
                self.finding(f"{command.text} with {word.text:.60} is not allowed", word.line)
                for word in rest
                if inside and inside.search(word.text)
            ]
        hidden = found.defined & {"echo", "printf", "test", "["}
        return wrong + [self.finding(f"{name} is a command's own name") for name in sorted(hidden)]


class BashReach(Rule):
    """Output goes to the streams or to files in the work folder; nothing names devices, settings or other processes.

    Bash opens connections by itself: `/dev/tcp/HOST/PORT` is no file.

    Refused:

        total() { exec 3<>/dev/tcp/example.org/80; cat <&3; }

    Instead:

        total() { echo "working" >&2; echo "$1"; }
    """

    code, name = "HTN-B103", "reach"
    fix = "write to the streams, or to a file in the work folder"
    language = "bash"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        found: Commands = commands(candidate.code)
        wrong = [self.finding(f"{word.text:.60} is not allowed", word.line) for word in found.odd]
        wrong += [
            self.finding(f"a redirection to {word.text:.60} is not allowed", word.line)
            for word in found.targets
            if not word.text.startswith(("'", '"')) and not _TARGET.match(word.text)
        ]
        wrong += [
            self.finding(f"{match[0]} is not allowed", number)
            for number, line in enumerate(candidate.code.split("\n"), 1)
            for match in [_OUTSIDE.search(re.sub(r"[\"'\\]", "", line))]
            if match
        ]
        return wrong + [self.finding(what, line) for what, line in destructive_commands(candidate.code)]
