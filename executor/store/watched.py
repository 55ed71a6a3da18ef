"""What is seen of the uses of a version, and what comes of it: counts, promotion, demotion, counterexamples.

Each deed is one script: trust, evidence, the events of all names that it concerns and the counterexample change
together or not at all, and a deed that is sent again because an answer was lost happens once. What depends on a
version that goes down is found inside of the script, at the same moment.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from executor.store import trust_scripts as scripts
from executor.store.connection import Connection
from executor.store.keys import Keys, identifier
from executor.store.sizes import small_enough

MOST_COUNTEREXAMPLES = 50
_HASH = 64  # characters in front of a counterexample


@dataclass(frozen=True)
class PutBack:
    """What becomes of the versions that depend on one that goes down.

    Those at the level `high` go to `low`, with `record` in their evidence and `event` in the history of their name:
    in it `{version}` stands for the version. Those at `kept` stay, with `note` in their evidence.
    """

    high: str
    low: str
    kept: str
    record: str
    note: str
    event: str

    def text(self, keys: Keys) -> str:
        """Return it as the scripts take it."""
        for text in (self.record, self.note, self.event):
            small_enough(text)
        levels = {"high": self.high, "low": self.low, "kept": self.kept}
        texts = {"record": self.record, "note": self.note}
        return json.dumps({**levels, **texts, "told": self.event, **keys.beginnings()}, ensure_ascii=False)


@dataclass(frozen=True)
class Promotion:
    """When a version goes from one level to another: after clean uses with `after` different inputs.

    `records` is how many records its evidence had when it was found to allow that; None where it does not.
    """

    after: int
    low: str
    high: str
    record: str
    event: str
    records: int | None


class Use(IntEnum):
    """What became of a use: nothing, where there is no such version; counted; promoted with it; or counted, and due.

    It is due where there were enough different inputs, and the evidence was not known to allow a promotion.
    """

    UNKNOWN = 0
    COUNTED = 1
    PROMOTED = 2
    DUE = 3


class Watched:
    """The uses of versions under one prefix of one server; `Store.watched` makes it."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def used(
        self, version: str, inputs: str, *, digest: str, most: int, promotion: Promotion, counted: bool = False
    ) -> Use:
        """Count a clean use of a version; return what became of that.

        Its inputs are kept unless they are "": the last `most` of them. Uses of the same `digest` count once for a
        promotion, and one without a digest does not. One that is `counted` already is only looked at for a promotion.
        Where the connection broke meanwhile the use may be counted twice, the promotion not.
        """
        keys = (
            self._keys.entry(version),
            self._keys.inputs(version),
            self._keys.tried(version),
            self._keys.evidence(version),
        )
        known = "" if promotion.records is None else str(promotion.records)
        change = promotion.low, promotion.high, promotion.record, promotion.event, known
        use = uuid.uuid4().hex, inputs, str(most), digest, str(promotion.after)
        given = *use, *change, self._keys.beginnings()["history"], "01"[counted]
        return Use(self._script(scripts.USED, keys, given))

    def demote(
        self,
        domain: str,
        name: str,
        version: str,
        *,
        level: str,
        stays: str,
        record: str,
        event: str,
        counterexample: str,
        digest: str,
        back: PutBack,
    ) -> bool:
        """Lower the trust in a version that broke its contract, and that in what depends on its name.

        A version at the level `stays` keeps it. The counterexample, unless it is "", is kept with the name. Return
        whether there is such a version.
        """
        keys = (
            self._keys.entry(version),
            self._keys.evidence(version),
            self._keys.history(domain, name),
            self._keys.counterexamples(domain, name),
            self._keys.tried(version),
        )
        told = identifier(level, "the level of trust"), stays, record, event
        kept = counterexample, _checked(digest), str(MOST_COUNTEREXAMPLES)
        given = uuid.uuid4().hex, version, f"{domain}:{name}", *told, *kept, back.text(self._keys)
        return bool(self._script(scripts.DEMOTE, keys, given) == 1)

    def keep_counterexample(self, domain: str, name: str, text: str, digest: str) -> None:
        """Keep a counterexample with a name, the newest of those with this digest."""
        keys = (self._keys.counterexamples(domain, name),)
        self._script(scripts.COUNTEREXAMPLE, keys, (text, _checked(digest), str(MOST_COUNTEREXAMPLES)))

    def counterexamples(self, domain: str, name: str) -> list[str]:
        """Return the counterexamples of a name, oldest first."""
        key = self._keys.counterexamples(domain, name)
        rows: Any = self._connection.run(lambda client, again: client.lrange(key, 0, -1))
        return [str(row)[_HASH:] for row in rows]

    def _script(self, script: str, keys: Sequence[str], arguments: Sequence[str]) -> Any:
        for text in arguments:
            small_enough(text)
        return self._connection.run(lambda client, again: client.register_script(script)(keys, arguments))


def digest(text: str) -> str:
    """Return the hash by which inputs are told apart."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _checked(digest: str) -> str:
    assert len(digest) in (0, _HASH)  # it is made above, or there is none
    return digest
