"""Loads the rules in force: the program's own, and the files of a hospital's policy or of an option."""

from collections.abc import Sequence
from pathlib import Path

from app.config.policy import Policy
from app.errors import RulesRefused
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.checking import check_file
from knowledge_graph.rules.rule import LaboratoryRule, RuleBook
from knowledge_graph.rules.rule_file import SHIPPED, Problem, RuleFile, merge, read_rules, shipped_rules

LARGEST_BYTES = 4 << 20


def load_rules(graph: CompiledGraph, own: Sequence[Path] = ()) -> RuleBook:
    """One book; a hospital's files are checked first. Raises RulesRefused: no file is in force by halves."""
    files = shipped_rules()
    for path in own:
        file, problems = check_rules(graph, path, files)
        _refuse(path, problems)
        files = (*files, file)
    return merge(files)


def site_rules(policy: Policy) -> tuple[Path, ...]:
    """The hospital's own rules files, as its policy names them."""
    return () if policy.rules_file is None else (policy.rules_file,)


def rule_places(own: Sequence[Path] = ()) -> dict[tuple[str, str], str]:
    """Where each rule in force stands, `file:line`, by its kind of block and its id (a test's name).

    `own` are files that `load_rules` has taken; the later place counts, as the later rule does.
    """
    shipped = zip((f"resources/rules/{name}.toml" for name in SHIPPED), shipped_rules(), strict=True)
    files = [*shipped, *((str(path), _read(path)) for path in own)]
    return {
        (placed.block, placed.rule.name if isinstance(placed.rule, LaboratoryRule) else placed.rule.id): (
            f"{name}:{file.line_of(placed)}"
        )
        for name, file in files
        for placed in file.rules
    }


def _read(path: Path) -> RuleFile:
    return read_rules(path.read_text("utf-8-sig"), origin=str(path))


def _refuse(path: Path, problems: Sequence[Problem]) -> None:
    if problems:
        more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise RulesRefused(
            f"{path}, line {problems[0].line}: {problems[0].message}{more}; no rule of the file is in force. "
            "See all with: anamnesis rules check FILE"
        )


def check_rules(
    graph: CompiledGraph, path: Path, earlier: tuple[RuleFile, ...]
) -> tuple[RuleFile, tuple[Problem, ...]]:
    """A hospital's file and all that is wrong with it, merged after `earlier`. Raises RulesRefused."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise RulesRefused(
            f"the rules file {path} can't be read ({error.strerror}); check its name"
        ) from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise RulesRefused(f"{path}, line {line}: this is not UTF-8 text; save it as UTF-8") from error
    if len(data) > LARGEST_BYTES:
        raise RulesRefused(f"the rules file {path} is larger than {LARGEST_BYTES >> 20} MiB; split it")
    file = read_rules(text, origin=str(path))
    return file, check_file(graph, file, earlier)


def laboratory_rules() -> tuple[LaboratoryRule, ...]:
    """The program's own laboratory rules alone."""
    return merge(shipped_rules(("laboratory",))).laboratory
