"""Requests and commands that ask to destroy something: refused before a model or a machine hears of them.

A clear, narrow rule. A request is refused when it asks, as an order, to remove or damage what belongs to a machine (its
disks, its system, all files, a whole database) or to write attack software, and a text when it holds one of a few
commands that destroy. Requests about items, lists, texts and tables of data are none of this, whatever verbs they use.

What this does NOT do: understand language. It stops the plain request, not the clever one; the sandbox is the wall.
"""

import re

from executor.check.candidate import Finding, Rule, Script, Source

MOST_REQUEST = 20_000  # characters
_MOST_COMMANDS = 65_536  # the size that code may have
_VERB = (
    r"(?:delet(?:e|es|ing)|remov(?:e|es|ing)|eras(?:e|es|ing)|wip(?:e|es|ing)(?: out)?|destroy(?:s|ing)?|shred(?:s|ding)?|"
    r"overwrit(?:e|es|ing)|corrupt(?:s|ing)?|purg(?:e|es|ing)|trash(?:es|ing)?|nuk(?:e|es|ing)|format(?:s|ting)?|"
    r"encrypt(?:s|ing)?|get(?:s|ting)? rid of|unlink(?:s|ing)?)"
)
_WHOLE = r"(?:all(?: of)?|every|each and every|everything (?:in|on|under)|the (?:whole|entire|complete)|any and all)"
_OWNER = r"(?:the|my|our|your|this|that|their|his|her|someone's|a|an|user(?:'s|s'|s)?|system(?:'s)?|server(?:'s)?|host(?:'s)?)"
_MACHINE = (
    r"(?:hard (?:disk|drive)s?|disks?|disk drives?|(?:system )?partitions?|boot (?:sector|record)|master boot record|mbr|"
    r"file ?systems?|root (?:folder|directory)|home (?:folder|directory)|system (?:files?|folders?)|operating system|"
    r"system32|registry|(?:c|d): ?drive|c:\\|/(?:etc|usr|bin|boot|var|home|root|lib)\b|production (?:database|data|server)s?)"
)
# Words that lists and simulations have too: only with a verb that means destruction, or all of them.
_ALSO = r"(?:computer|machine|server|host|kernel|backup)s?"
_STRONG = r"(?:eras(?:e|es|ing)|wip(?:e|es|ing)(?: out)?|destroy(?:s|ing)?|nuk(?:e|es|ing)|corrupt(?:s|ing)?|shred(?:s|ding)?)"
_FILES = r"(?:(?:personal |user |private |important |home )?(?:files|documents|photos|directories|folders)|data(?:base)?s?)"
_NOT_DATA = (
    r"(?! (?:names?|paths?|extensions?|from (?:a|the|this|that) (?:list|dict|dictionary|array|text|string|set|table|column)|"
    r"in (?:a|the|this|that) (?:list|dict|dictionary|array|text|string|set|column)|entr(?:y|ies)|objects?|structures?|items?|"
    r"types?|points?|rows?|columns?|fields?|frames?|sizes?|numbers?|usage|formats?|strings?|ids?|logs?|records?))"
)
_PLACE = rf"(?: (?:on|of|from|in|under) (?:{_WHOLE} )?(?:{_OWNER} )*(?:{_MACHINE}|{_ALSO}|/(?=\W|$)|/\w+|~))"
_ASKS = (
    rf"{_VERB} (?:{_WHOLE} )?(?:{_OWNER} )*{_MACHINE}{_NOT_DATA}",
    rf"{_STRONG} (?:{_OWNER} )+{_ALSO}{_NOT_DATA}(?=\W|$)",
    rf"{_VERB} {_WHOLE} (?:{_OWNER} )*(?:{_FILES}|file|document|folder|backups){_NOT_DATA}(?=\W|$)",
    rf"{_VERB} (?:{_WHOLE} )?(?:{_OWNER} )*{_FILES}{_PLACE}",
    rf"{_VERB} everything{_PLACE}",
    rf"drop(?:s|ping)? (?:{_WHOLE} )?(?:{_OWNER} )*(?:production )?databases?(?=\W|$)",
    rf"drop(?:s|ping)? (?:{_WHOLE} (?:{_OWNER} )*tables(?=\W|$){_NOT_DATA}|(?:{_OWNER} )*tables? (?:in|from|of) (?:{_OWNER} )*database)",
    rf"(?:crash|brick|take down|shut ?down|reboot|power off)(?:e?s|ing)? (?:{_OWNER} )+(?:computer|machine|server|host|system|network)s?(?=\W|$)",
    rf"(?:disable|turn off|kill|stop)(?:s|ing)? (?:{_OWNER} )*(?:firewall|antivirus|anti-virus|virus scanner)(?=\W|$)",
    r"(?:writ|creat|build|mak|generat|cod|deploy|install|run|launch|giv|start)\w* (?:me |us )?(?:a |an |some |the |my )?(?:\w+ )?"
    r"(?:ransomware|key ?logger|fork bomb|reverse shell|rootkit|computer virus|worm virus|trojan horse|botnet|denial[- ]of[- ]"
    r"service attack|ddos attack|crypto ?miner)s?(?! (?:detect|scan|signature|classif|report|remov|prevent|simulat|protect))",
    r"(?:steal|exfiltrate|harvest)(?:s|ing)? (?:\w+ )?(?:passwords|credentials|credit card|cookies|private keys|ssh keys|tokens)",
)
_ASKED = re.compile(rf"(?<![\w-])(?:{'|'.join(_ASKS)})", re.IGNORECASE)
# "must not delete the disk", "without deleting all files", "how to avoid": what is not asked for.
_NEGATED = re.compile(r"(?:\bnot|\bnever|n't|\bwithout|\bavoid|\bprevents?|\brefuses? to|\binstead of|\brather than)(?: \w+){0,2} ?$", re.I)

_COMMANDS = {
    "rm of a whole tree": r"\brm\s+(?:-[\w-]{1,20}\s+){0,4}-(?:[a-zA-Z]{0,6}[rR][a-zA-Z]{0,6}|-recursive)\s+(?:-[\w-]{1,20}\s+){0,4}[\"']?(?:/(?:\s|\*|$|[\"';&|)])|/(?:etc|usr|bin|boot|var"
    r"|home|root|lib|dev|opt)\b|~|\$HOME|\$\{HOME|\*|\.\.?(?:/|\s|$))",
    "rm without a guard of the root": r"--no-preserve-root",
    "making a file system": r"\bmkfs(?:\.\w+)?\s",
    "writing to a disk": r"\bdd\s[^\n;|]*\bof=/dev/(?!null|stdout|stderr)|>\s*/dev/(?:sd|hd|nvme|vd|mmcblk|mem)\w*|\bshred\s[^\n]*/dev/",
    "wiping a disk": r"\b(?:wipefs|blkdiscard|sgdisk|sfdisk|fdisk|parted)\s[^\n]*/dev/",
    "a fork bomb": r":\s*\(\s*\)\s*\{\s*:\s*\|\s*:\s*&?\s*\}\s*;?\s*:|\b(\w+)\s*\(\)\s*\{\s*\1\s*\|\s*\1\s*&",
    "rights for everybody": r"\bch(?:mod|own)\s+(?:-\w+\s+)*-\w*R\w*\s+\S+\s+/(?:\s|$)",
    "stopping the machine": r"(?:^|[;&|(\s])(?:sudo\s+)?(?:shutdown\s+(?:-\w|now)|reboot\s*(?:-f)?\s*(?:$|[;&|])|poweroff\s*(?:$|[;&|])|"
    r"halt\s+-f|init\s+0\b|telinit\s+0\b)",
    "killing everything": r"\bkill\s+(?:-9|-KILL|-SIGKILL)\s+-1\b|\bkillall5\b",
    "moving the root away": r"\bmv\s+(?:/|/\*|~)\s+\S*",
    "running what is fetched": r"\b(?:curl|wget)\b[^\n|;]{0,300}\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b",
    "a shell for somebody else": r"\b(?:nc|ncat|netcat)\b[^\n;]{0,300}\s-\w*[ec]\b|/dev/(?:tcp|udp)/",
    "removing a database": r"\bDROP\s+(?:DATABASE|SCHEMA|TABLE)\s+(?:IF\s+EXISTS\s+)?[\w\"`.\[]+\s*(?:CASCADE\s*)?(?:;|$)|\bTRUNCATE\s+TABLE\s+\w+",
    "deleting all rows": r"\bDELETE\s+FROM\s+[\w\"`.]+\s*(?:;|$)",
    "emptying a Redis": r"\bredis-cli\b[^\n]*\bflush(?:all|db)\b",
    "del of a whole drive": r"\bdel\s+(?:/\w\s+)+[A-Za-z]:\\|\brd\s+/s\s|\bformat\s+[A-Za-z]:(?:\s|$)|Remove-Item\s[^\n]*-Recurse[^\n]*[A-Za-z]:\\",
    "removing from Python": r"\bshutil\s*\.\s*rmtree\s*\(\s*[\"'](?:/|~|/home|/etc|C:\\)[\"']",
}  # fmt: skip
_DESTROYS = {what: re.compile(pattern, re.MULTILINE) for what, pattern in _COMMANDS.items()}
_CASELESS = {what: re.compile(_COMMANDS[what], re.MULTILINE | re.I) for what in ("removing a database", "deleting all rows")}


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
            for match in _ASKED.finditer(text)
            if not _NEGATED.search(text[max(0, match.start() - 80) : match.start()])
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
        for what, pattern in {**_DESTROYS, **_CASELESS}.items()
        for match in pattern.finditer(text[:_MOST_COMMANDS])
    ]


def check_request(text: str) -> list[Finding]:
    """Return why a request in words is refused; nothing when it is not."""
    asked = Script(text, "request")
    return [found for rule in REQUEST_RULES for found in rule.findings(asked)]


REQUEST_RULES: tuple[Rule, ...] = (DestructiveRequest(), DestructiveCommand())
