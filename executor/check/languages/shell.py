"""A shell script as a row of commands: which words are run, where output goes, and which texts stand in it.

This follows quotes, comments, here-documents and substitutions, in which commands can stand as well. It is no shell: a
command whose name is not written out, and whatever cannot be followed for certain, is for the rules to refuse.
"""

import re
from dataclasses import dataclass, field

from executor.check.languages.tokens import UnreadableError

_OPERATOR = re.compile(r";;&|;;|;&|&&|\|\||\|&|&>>|&>|<<<|<<-|<<|<>|<&|>>|>&|>\||<\(|>\(|[;&|()<>\n]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(\[[^\]]*\])?\+?=")
_OPENS = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "time"})
_ENDS = frozenset({";", "&", "&&", "||", "|", "|&", "\n", "(", "<(", ">(", ";;", ";&", ";;&"})
_REDIRECTIONS = frozenset({"<", ">", ">>", ">|", "<>", "&>", "&>>", ">&", "<&", "<<<"})


@dataclass(frozen=True)
class Word:
    """A word as it is written, with its quotes; an operator is a word too."""

    text: str
    line: int
    operator: bool = False


@dataclass
class Commands:
    """What a script does, as far as it can be seen."""

    run: list[list[Word]] = field(default_factory=list)
    """The commands: the word that is run, and the words behind it."""
    targets: list[Word] = field(default_factory=list)
    """Where redirections lead."""
    defined: set[str] = field(default_factory=set)
    """The functions of the script."""
    odd: list[Word] = field(default_factory=list)
    """What is refused wherever it stands: texts with escapes, names of names."""


def commands(code: str, line: int = 1, into: Commands | None = None) -> Commands:
    """Return the commands of a script and of all that is substituted in it. Raises `UnreadableError`."""
    into = into if into is not None else Commands()
    _Gathering(_words(code, line, into), into).gather()
    return into


def _words(code: str, line: int, into: Commands) -> list[Word]:
    found: list[Word] = []
    waiting: list[tuple[str, bool]] = []  # here-documents that begin at the next line
    at = 0
    while at < len(code):
        char = code[at]
        if char in " \t\r" or code.startswith("\\\n", at):
            line += char == "\\"
            at += 2 if char == "\\" else 1
            continue
        if char == "#":
            at = _end(code.find("\n", at), code)
            continue
        if match := _OPERATOR.match(code, at):
            if match[0] == "(" and code.startswith("((", at) and _starts(found):
                end = _closing(code, at, "(", ")", line)
                _substituted(code[at + 1 : end - 1], line, into)
                found.append(Word("((", line))
            else:
                end = match.end()
                found.append(Word(match[0], line, operator=True))
            line += code.count("\n", at, end)
            at = end
            if match[0] == "\n" and waiting:
                at, line = _here(code, at, line, waiting, into)
            continue
        end = _word_end(code, at, line, into)
        text = code[at:end]
        if found and found[-1].text in ("<<", "<<-") and found[-1].operator:
            waiting.append((re.sub(r"['\"\\]", "", text), text[:1].isalnum() or text[:1] == "_"))
        found.append(Word(text, line))
        line += code.count("\n", at, end)
        at = end
    if waiting:
        raise UnreadableError(f"the text up to {waiting[0][0]} has no end", line)
    return found


def _starts(found: list[Word]) -> bool:
    return not found or (found[-1].operator and found[-1].text in _ENDS) or found[-1].text in (*_OPENS, "for")


def _word_end(code: str, at: int, line: int, into: Commands) -> int:
    """Return where the word that begins here ends; what is substituted in it is gathered."""
    while at < len(code) and code[at] not in " \t\r" and not _OPERATOR.match(code, at):
        char = code[at]
        if char == "\\":
            at += 2
        elif char == "'":
            at = _past(code, "'", at + 1, line)
        elif char == '"':
            at = _double(code, at + 1, line, into)
        elif char in "$`":
            at = _expansion(code, at, line, into)
        else:
            at += 1
    return min(at, len(code))


def _double(code: str, at: int, line: int, into: Commands) -> int:
    while at < len(code) and code[at] != '"':
        if code[at] == "\\":
            at += 2
        elif code[at] in "$`":
            at = _expansion(code, at, line, into, quoted=True)
        else:
            at += 1
    if at >= len(code):
        raise UnreadableError('a text that begins with " has no end', line)
    return at + 1


def _expansion(code: str, at: int, line: int, into: Commands, *, quoted: bool = False) -> int:
    """Return where `$x`, `${x}`, `$(x)`, `$((x))` or a text in backquotes ends."""
    if code[at] == "`":
        end = _past(code, "`", at + 1, line)
        commands(code[at + 1 : end - 1].replace("\\`", "`").replace("\\$", "$"), line, into)
        return end
    if code.startswith("$'", at) and not quoted:
        into.odd.append(Word("$'...'", line))
        return _past(code, "'", at + 2, line)
    if code.startswith("$((", at):
        end = _closing(code, at + 1, "(", ")", line)
        _substituted(code[at + 2 : end - 1], line, into)
        return end
    if code.startswith("$(", at):
        end = _closing(code, at + 1, "(", ")", line)
        commands(code[at + 2 : end - 1], line, into)
        return end
    if code.startswith("${", at):
        end = _closing(code, at + 1, "{", "}", line)
        inner = code[at + 2 : end - 1]
        if re.match(r"!(?!\w+\[[@*]\]$)", inner) or re.search(r"@[PEA]$", inner):
            into.odd.append(Word(code[at:end], line))
        _substituted(inner, line, into)
        return end
    return at + 1


def _substituted(part: str, line: int, into: Commands) -> None:
    """Gather the commands that are substituted in an expression or a here-document."""
    at = 0
    while at < len(part):
        if part[at] == "\\":
            at += 2
        elif part[at] in "$`":
            at = _expansion(part, at, line, into, quoted=True)
        else:
            at += 1


def _closing(code: str, at: int, opening: str, closing: str, line: int) -> int:
    """Return where the bracket that opens here is closed; quotes hide brackets."""
    depth, start = 0, at
    while at < len(code):
        char = code[at]
        if char == "\\":
            at += 1
        elif char == "'" and opening == "(":
            at = _past(code, "'", at + 1, line) - 1
        elif char == '"':
            at = _double(code, at + 1, line, Commands()) - 1
        elif char in (opening, closing):
            depth += 1 if char == opening else -1
            if not depth:
                return at + 1
        at += 1
    raise UnreadableError(f"{code[start : start + 2]} has no end", line)


def _past(code: str, mark: str, at: int, line: int) -> int:
    end = code.find(mark, at)
    while mark == "`" and end > 0 and code[end - 1] == "\\":
        end = code.find(mark, end + 1)
    if end < 0:
        raise UnreadableError(f"a text that begins with {mark} has no end", line)
    return end + 1


def _end(at: int, code: str) -> int:
    return len(code) if at < 0 else at


def _here(code: str, at: int, line: int, waiting: list[tuple[str, bool]], into: Commands) -> tuple[int, int]:
    for mark, expands in waiting:
        start, ended = at, False
        while at < len(code) and not ended:
            end = _end(code.find("\n", at), code)
            ended = code[at:end].strip("\t") == mark
            at = min(end + 1, len(code))
        if not ended:
            raise UnreadableError(f"the text up to {mark} has no end", line)
        if expands:
            _substituted(code[start:at], line, into)
        line += code.count("\n", start, at)
    waiting.clear()
    return at, line


class _Gathering:
    """Divides words into commands: which word is run depends on what stood before it."""

    def __init__(self, words: list[Word], into: Commands) -> None:
        self._words = words
        self._into = into
        self._starts = True  # whether the next word is run
        self._skipped_to = ""  # the word that ends what is no command: a pattern of a case, a condition
        self._cases = 0
        self._current: list[Word] = []

    def gather(self) -> None:
        for at, word in enumerate(self._words):
            before = self._words[at - 1] if at else Word("\n", 1, operator=True)
            if self._skipped_to:
                self._skip(word.text)
            elif word.operator:
                self._operator(word.text, before, at)
            elif before.operator and before.text in _REDIRECTIONS:
                self._into.targets.append(word)
            elif not (before.operator and before.text in ("<<", "<<-")):
                self._word(word, at)

    def _following(self, at: int) -> list[str]:
        return [word.text for word in self._words[at + 1 : at + 3]]

    def _skip(self, text: str) -> None:
        if text != self._skipped_to:
            return
        self._skipped_to = ")" if text == "in" else ""
        self._starts = text == ")"

    def _operator(self, text: str, before: Word, at: int) -> None:
        if text in _ENDS:
            self._starts, self._current = True, []
        if text in (";;", ";&", ";;&") and self._cases and "esac" not in self._following(at):
            self._skipped_to = ")"
        if text == "(" and not before.operator and before.text.endswith("="):
            self._starts = False  # the values of an array

    def _word(self, word: Word, at: int) -> None:
        text, following = word.text, self._following(at)
        if not self._starts:
            self._current.append(word)
            return
        if text in _OPENS or _ASSIGNMENT.match(text) or text == "((":
            return
        self._starts = False
        if text == "case":
            self._cases, self._skipped_to = self._cases + 1, "in"
        elif text == "esac":
            self._cases = max(0, self._cases - 1)
        elif text == "[[":
            self._skipped_to = "]]"
        elif text == "function" or following == ["(", ")"]:
            self._into.defined.add(following[0] if text == "function" and following else text)
        elif text not in ("fi", "done", "}", "for", "select"):
            self._current = [word]
            self._into.run.append(self._current)
