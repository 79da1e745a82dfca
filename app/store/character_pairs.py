"""Words of texts that put no spaces between them (Chinese, Japanese, Korean): as pairs of neighbours.

A full-text index knows words by their spaces. "患者发热" is indexed as "患者 者发 发热 热", and a search
for 发热 as that pair; for three characters or more, as a phrase of their pairs.
"""

import re

_RUN = re.compile(
    "[\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af]+"
)


def character_pairs(text: str) -> str:
    """The pairs of every run of such characters, and each run's last character alone."""
    pairs: list[str] = []
    for run in _RUN.findall(text):
        pairs += [run[at : at + 2] for at in range(len(run))]
        pairs.append("x")  # two runs are no neighbours
    return " ".join(pairs)


def phrase(run: str) -> str:
    """What finds a run: its pairs in their order; one character alone as a prefix."""
    if len(run) == 1:
        return f'"{run}"*'
    return '"' + " ".join(run[at : at + 2] for at in range(len(run) - 1)) + '"'


def runs_of(text: str) -> list[str]:
    """The runs of such characters in a text."""
    return _RUN.findall(text)


def without_runs(text: str) -> str:
    """A text with spaces in their place."""
    return _RUN.sub(" ", text)
