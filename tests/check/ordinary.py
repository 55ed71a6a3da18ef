"""Ordinary functions, as programmers and models write them: no rule may refuse one. The last function counts."""

from pathlib import Path

_FILE = Path(__file__).with_name("ordinary.txt")
ORDINARY = [f"{part.strip()}\n" for part in _FILE.read_text(encoding="utf-8").split("\n---\n")]
