"""Runs the real program with every place it could write to inside one folder, and watches its processes."""

import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tests.app.cli.leak_search import SECRET
from tests.no_network import forbid_network

ROOT = Path(__file__).parents[3]
WATCH = Path(__file__).with_name("leak_watch")
PLACES = {"HOME": "home", "TMPDIR": "tmp", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state"}
SAMPLED_EVERY_S = 0.1
_FEW = """
import sys
from functools import partial
from app.cli.main import main
from app.workflows import apply_update, publish_model, training_curve, write_notes
write_notes.PUBLIC_NOTES, training_curve.VALIDATION_NOTES = 8, 4
publish_model.PublishPlan = partial(publish_model.PublishPlan, probes=8, threads=1)
apply_update.ApplyPlan = partial(apply_update.ApplyPlan, probes=8, threads=1)
sys.exit(main(sys.argv[1:]))
"""
PROGRAM = ("-m", "app")
FEW_TEXTS = (
    "-c",
    _FEW,
)  # the program, which reads few of the public texts that a run or a version is judged by


class WatchedSession:
    """`watched` holds home, temporary, configuration, state and cache folders.

    `said` is all that was printed; `seen` are all processes' command lines and environments, from /proc.
    """

    def __init__(self, folder: Path, cache: Path):
        self.vault, self.log = folder / "v.vault", folder / "watch.log"
        self.watched = folder / "watched"
        for name in (*PLACES.values(), "cache"):
            (self.watched / name).mkdir(parents=True)
        self._public = list(self._link_public(cache))
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{WATCH}{os.pathsep}{ROOT}",
            "PYTHONFAULTHANDLER": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "QT_QPA_PLATFORM": "offscreen",
            "ANAMNESIS_CACHE": str(self.watched / "cache"),
            "ANAMNESIS_TEST_WATCH": str(self.log),
            **{variable: str(self.watched / name) for variable, name in PLACES.items()},
        }
        self.said = ""
        self.seen: set[bytes] = set()

    def run(self, *words: str, stdin: str = f"{SECRET}\n", code: int = 0) -> None:
        """A Python process of its own session; it must end with the code."""
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.watched / "home",
            env=self.environment,
            start_new_session=True,
            preexec_fn=_surroundings,
        )
        ended = threading.Event()
        sampler = threading.Thread(target=self._sample, args=(process.pid, ended))
        sampler.start()
        try:
            told = process.communicate(stdin.encode(), timeout=600)[0].decode("utf-8", "replace")
        finally:
            process.kill()
            ended.set()
            sampler.join()
        assert process.returncode == code, told[-2000:]
        self.said += told

    def verb(
        self,
        words: str,
        *,
        stdin: str = f"{SECRET}\n",
        code: int = 0,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        """A verb on the session's vault."""
        signed_in = f"--vault {self.vault} --user ann --passphrase-stdin".split()
        self.run(*program, *words.split(), *signed_in, stdin=stdin, code=code)

    def noted(self, kind: str) -> Iterator[object]:
        """What the audit hook of every process noted."""
        for line in self.log.read_text("utf-8").splitlines():
            noted, what = json.loads(line)
            if noted == kind:
                yield what

    def written_files(self) -> Iterator[Path]:
        """Every file outside the vault that the session wrote or changed."""
        public = {(path, path.stat().st_mtime_ns) for path in self._public if path.exists()}
        for path in self.watched.rglob("*"):
            if path.is_file() and (path, path.stat().st_mtime_ns) not in public:
                yield path

    def _link_public(self, cache: Path) -> Iterator[Path]:
        """What was derived from public files before the session."""
        for file in cache.iterdir():
            if file.is_file():
                os.link(file, self.watched / "cache" / file.name)
                yield self.watched / "cache" / file.name

    def _sample(self, session: int, ended: threading.Event) -> None:
        while not ended.wait(SAMPLED_EVERY_S):
            for process in filter(str.isdigit, os.listdir("/proc")):
                with suppress(OSError):
                    if session in (os.getsid(int(process)), os.getsid(_parent(process))):
                        self.seen.add(Path("/proc", process, "cmdline").read_bytes())
                        self.seen.add(Path("/proc", process, "environ").read_bytes())


def _parent(process: str) -> int:
    """A reader of foreign files has a session of its own; who started it has not."""
    return int(Path("/proc", process, "stat").read_text("utf-8").rpartition(")")[2].split()[1])


def _surroundings() -> None:
    """Core dumps as an administrator may want them, and no network where the system can take it away."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    forbid_network()
