"""Checks that every part of the installation works, and prints what to do about each that does not."""

import argparse
from collections.abc import Iterable
from dataclasses import asdict

from app.cli.console import Console
from app.cli.provider_argument import add_provider_argument
from app.config.part_check import PartCheck, PartStatus


def configure(parser: argparse.ArgumentParser) -> None:
    """Add where the text model is wanted."""
    add_provider_argument(parser)
    parser.add_argument("--window-alone", action="store_true", help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Exit code 1 where a part that is installed does not work."""
    checks = _window() if arguments.window_alone else _all(arguments.provider, console)
    ok = not any(check.status is PartStatus.BROKEN for check in checks)
    console.result({"ok": ok, "checks": [asdict(check) for check in checks]}, _as_text(checks))
    return 0 if ok else 1


def _all(provider: str, console: Console) -> list[PartCheck]:
    from app.workflows.self_test import SelfTestPlan, self_test

    checks = []
    for step in self_test(SelfTestPlan(provider=provider)):
        if isinstance(step, PartCheck):
            checks.append(step)
        else:
            console.progress(f"checking: {step}", part=step)
    return checks


def _window() -> list[PartCheck]:
    from app.gui.window_check import check_window

    return list(check_window())


def _as_text(checks: Iterable[PartCheck]) -> str:
    lines = [f"{check.status:14} {check.name:18} {check.detail}" for check in checks]
    broken = sum(check.status is PartStatus.BROKEN for check in checks)
    last = (
        "everything that is installed works" if not broken else f"{broken} of {len(lines)} parts do not work"
    )
    return "\n".join([*lines, last])
