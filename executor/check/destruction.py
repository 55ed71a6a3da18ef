# ruff: noqa: E501 - a pattern that is broken over more lines is harder to read
"""The words and commands that mean destruction, as patterns. `requests.py` says what they are for."""

import re
from functools import cache

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
_FILES = (
    r"(?:(?:personal |user |private |important |home )?(?:files|documents|photos|directories|folders)|data(?:base)?s?)"
)
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
# "must not delete the disk", "without deleting all files", "how to avoid": what is not asked for.
NEGATED = re.compile(
    r"(?:\bnot|\bnever|n't|\bwithout|\bavoid|\bprevents?|\brefuses? to|\binstead of|\brather than)(?: \w+){0,2} ?$",
    re.I,
)

_CASELESS = ("removing a database", "deleting all rows")
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


# They take a twentieth of a second to compile, which only those wait for who look at a request.
@cache
def asked() -> re.Pattern[str]:
    """Return what asks to destroy something."""
    return re.compile(rf"(?<![\w-])(?:{'|'.join(_ASKS)})", re.IGNORECASE)


@cache
def destroys() -> dict[str, re.Pattern[str]]:
    """Return what destroys something, by what that is."""
    return {
        what: re.compile(pattern, re.MULTILINE | (re.IGNORECASE if what in _CASELESS else 0))
        for what, pattern in _COMMANDS.items()
    }
