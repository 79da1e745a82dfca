"""Runs the whole main job on two synthetic hospitals, then opens the window on the first."""

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.console import Console
from app.errors import UsageError

if TYPE_CHECKING:
    from app.workflows.run_demo import DemoSummary
    from app.workflows.run_site import SiteReport

MARKER = "made-by-the-demo.txt"
SUMMARY = "summary.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add where to work, and how."""
    parser.add_argument("--workdir", metavar="DIR", type=Path, default=Path("demo-work"))
    parser.add_argument("--headless", action="store_true", help="write screenshots, open no window")
    parser.add_argument(
        "--quick", action="store_true", help="fewer patients, passphrases cheaper to guess; a minute"
    )
    parser.add_argument("--epsilon", type=float, default=3.0)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Demo, summary, and screenshots or the window."""
    from app.config.screen import has_screen
    from app.config.settings import cache_dir
    from app.workflows.run_demo import DemoPlan, DemoSummary, run_demo

    folder = _emptied(arguments.workdir)
    plan = DemoPlan(folder, cache_dir(), quick=arguments.quick, epsilon=arguments.epsilon, threads=_threads())
    summary: DemoSummary | None = None
    pace = _Pace()
    for word in run_demo(plan):
        if isinstance(word, DemoSummary):
            summary = word
        elif console.as_json or pace.lets_through(word.stage, word.text):
            console.progress(f"{word.stage:10} {word.text}", stage=word.stage, share=word.share)
    assert summary is not None
    pictures = arguments.headless or not has_screen()
    if not arguments.headless and pictures:
        console.progress("no screen was found: the window's pages are written as pictures instead")
    if pictures:
        themes = ("light",) if plan.quick else ("light", "dark")
        summary.written += _screenshots(summary, folder / "screens", themes, console)
    (folder / SUMMARY).write_text(json.dumps(asdict(summary), indent=1), encoding="utf-8")
    summary.written.append(str(folder / SUMMARY))
    console.result(asdict(summary), _as_text(summary))
    return 0 if pictures else _open_window(summary)


def _emptied(folder: Path) -> Path:
    """A folder of the demo's own: new, empty, or left by an earlier demo (which is then removed)."""
    folder = folder.resolve()
    if folder.is_dir() and (folder / MARKER).is_file():
        shutil.rmtree(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty and not a demo's; name another with --workdir")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text("Synthetic patients only. The next demo replaces this folder.\n", "utf-8")
    return folder


class _Pace:
    """For a reader's eyes: what a site does, once when it begins and then once a second."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[float, str]] = {}

    def lets_through(self, stage: str, text: str) -> bool:
        """Whether a line is worth a reader's time now."""
        key, now = (stage, text.partition(":")[0]), time.monotonic()
        told_at, told = self._last.get(key, (-1.0, ""))
        if told == text or (told and now - told_at < 1.0):
            return False
        self._last[key] = (now, text)
        return True


def _threads() -> int:
    """All processors, up to four; two sites that train at once share them."""
    import os

    return max(1, min(4, os.cpu_count() or 1))


def _screenshots(
    summary: "DemoSummary", folder: Path, themes: tuple[str, ...], console: Console
) -> list[str]:
    import os

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from app.gui.screens import render_screens
    from app.store.vault import Vault
    from app.workflows.run_demo import PASSPHRASE, USER

    written = []
    with Vault.open(Path(summary.vault), user=USER, passphrase=PASSPHRASE) as vault:
        for theme in themes:
            console.progress(f"screens    the window's pages, {theme}", stage="screens")
            written += [str(path) for path in render_screens(vault, folder, theme=theme)]
    return written


def _open_window(summary: "DemoSummary") -> int:
    from app.gui.program import open_window
    from app.workflows.run_demo import PASSPHRASE, USER

    print(f"\nOpening the window. User: {USER}   Passphrase: {PASSPHRASE}\n", flush=True)
    return open_window(vault=summary.vault, user=USER)


def _as_text(summary: "DemoSummary") -> str:
    lines = ["", "The demo is done. Every patient in it is synthetic.", ""]
    lines += [line for site in (summary.north, summary.south) for line in _site(site)]
    lines += ["", *_accuracies(summary), ""]
    lines += [
        *(
            f"{d['patient']}: {d['name']} ({d['disease_id']}) {d['probability']:.0%}"
            for d in summary.diagnoses
        ),
        f"provider {summary.provider}, {summary.ms_per_diagnosis:.0f} ms a diagnosis",
        f"an altered update file: {summary.exchange.altered_refused}",
        f"new base {summary.exchange.base_id[:12]} installed as {summary.applied_version[:12]}",
        "",
        *(f"{seconds:7.1f} s  {part}" for part, seconds in summary.seconds.items()),
        f"{sum(summary.seconds.values()):7.1f} s  in all",
        "",
        "written:",
        *(f"  {path}" for path in summary.written),
    ]
    return "\n".join(lines)


def _site(site: "SiteReport") -> Iterator[str]:
    counts = ", ".join(f"{n} {kind}" for kind, n in sorted(site.imported.items()))
    yield f"{site.site}: imported {counts}"
    yield f"       findings {', '.join(f'{count} {deed}' for deed, count in sorted(site.deeds.items()))}"
    yield (
        f"       epsilon {site.privacy.epsilon:.3g} spent at delta {site.privacy.delta:g}, "
        f"{site.privacy.steps} steps, noise {site.privacy.noise_multiplier:.3g}"
    )


def _accuracies(summary: "DemoSummary") -> Iterator[str]:
    yield f"{summary.before.n} held-out synthetic patients, all diseases of the graph ranked:"
    yield "                       text top-1  top-5    fused top-1  top-5  top-10"
    for name, measured in (
        ("starting model", summary.before),
        ("north, private run", summary.after),
        ("aggregate of both", summary.aggregated),
    ):
        yield (
            f"  {name:20} {measured.text_top1:9.1%} {measured.text_top5:6.1%} "
            f"{measured.fused_top1:13.1%} {measured.fused_top5:6.1%} {measured.fused_top10:7.1%}"
        )
