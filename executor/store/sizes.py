"""How large a text may be that the store keeps, and how long the mark of a write is."""

from htn.errors import UsageError

MOST_DOCUMENT = 1_000_000  # bytes
MOST_OF_A_RUN = 64_000_000  # bytes of a record or an event of a run
MARK = 32  # characters of the mark of a write


def small_enough(text: str, most: int = MOST_DOCUMENT) -> None:
    """Raise UsageError for a text that is too large to store."""
    size = len(text.encode(errors="surrogatepass"))
    if size > most:
        raise UsageError(f"a text of {size:,} bytes is too large to store ({most:,})")
