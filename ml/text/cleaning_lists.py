"""The public lists by which notes are cleaned, as `resources/cleaning.toml` holds them."""

import tomllib
from functools import cache
from importlib.resources import files

import msgspec


class CleaningLists(msgspec.Struct, frozen=True):
    """What the file holds; its comments say how each is meant."""

    boilerplate: tuple[str, ...]
    notices: tuple[str, ...]
    notice_words: str
    units: dict[str, str]
    abbreviations: dict[str, str]


@cache
def cleaning_lists() -> CleaningLists:
    """The shipped lists."""
    text = files("resources").joinpath("cleaning.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), CleaningLists)
