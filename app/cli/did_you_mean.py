"""Names the terms that words may mean, where an id was asked for or nothing was recognised."""

import re

from app.config.settings import cache_dir

MOST_WORDS = 12  # a longer text is a note, not one finding
_LETTERS = re.compile(r"[^\W\d_]{3}")


def did_you_mean(words: str, *, most: int = 3) -> str:
    """`did you mean HP:0000787 (Nephrolithiasis)?`; empty where nothing is like it."""
    if not _LETTERS.search(words) or ":" in words or len(words.split()) > MOST_WORDS:
        return ""
    from app.workflows.search_terms import TermCatalogue
    from knowledge_graph.graph.cache import load_compiled

    hits = TermCatalogue(load_compiled(cache_dir())).search(words, limit=most)
    named = " or ".join(f"{hit.term_id} ({hit.name})" for hit in hits)
    return f"did you mean {named}?" if named else ""
