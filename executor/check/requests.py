"""Requests and commands that ask to destroy something: refused before a model or a machine hears of them.

A clear, narrow rule. A request is refused when it asks, as an order, to remove or damage what belongs to a machine (its
disks, its system, all files, a whole database) or to write attack software, and a text when it holds one of a few
commands that destroy. Requests about items, lists, texts and tables of data are none of this, whatever verbs they use.

What this does NOT do: understand language. It stops the plain request, not the clever one; the sandbox is the wall.
"""

import re

from executor.check.candidate import Finding, Rule, Script, Source
from executor.check.destruction import NEGATED, asked, destroys

MOST_REQUEST = 20_000  # characters
_MOST_COMMANDS = 65_536  # the size that code may have


class DestructiveRequest(Rule):
    """A request does not ask to destroy what belongs to a machine, nor for attack software.

    The request is refused before a model is asked: there is no honest body for it. Items of a list, rows of a table and
    words of a text may be deleted as anybody likes; so may what is said *not* to be done.

    Refused:

        Write a script that deletes all files on the server.

    Instead:

        Delete an item from a list, and remove the empty files from a list of file names.
    """

    code, name = "HTN-D101", "destructive-request"
    fix = "say which values are given and what shall be computed from them"
    language = "request"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        if len(candidate.code) > MOST_REQUEST:
            return [self.finding(f"a request of {len(candidate.code):,} characters; at most {MOST_REQUEST:,} are read")]
        text = re.sub(r"[^\S\n]+", " ", candidate.code)
        return [
            self.finding(f"it asks to {match[0].strip().lower():.80}", text.count("\n", 0, match.start()) + 1)
            for match in asked().finditer(text)
            if not NEGATED.search(text[max(0, match.start() - 80) : match.start()])
        ]


class DestructiveCommand(Rule):
    """A text holds no command that removes whole trees, disks or databases, stops the machine or fetches code to run.

    A few commands, written as anybody would write them. Removing one file that is named is none of them.

    Refused:

        sudo rm -rf / --no-preserve-root

    Instead:

        rm -f result.txt
    """

    code, name = "HTN-D102", "destructive-command"
    fix = "leave the command out"
    language = "command"

    def findings(self, candidate: Source) -> list[Finding]:
        """Return what is wrong."""
        return [self.finding(what, line) for what, line in destructive_commands(candidate.code)]


def destructive_commands(text: str) -> list[tuple[str, int]]:
    """Return what a text holds of commands that destroy, and the lines."""
    return [
        (f"{what}: {match[0].strip():.60}", text.count("\n", 0, match.start()) + 1)
        for what, pattern in destroys().items()
        for match in pattern.finditer(text[:_MOST_COMMANDS])
    ]


def check_request(text: str) -> list[Finding]:
    """Return why a request in words is refused; nothing when it is not."""
    asked = Script(text, "request")
    return [found for rule in REQUEST_RULES for found in rule.findings(asked)]


REQUEST_RULES: tuple[Rule, ...] = (DestructiveRequest(), DestructiveCommand())
