"""ResultStore: training results in a folder, sealed, until they are published.

DIR/<run id>.result     one sealed TrainingResult, renamed into place
"""

from pathlib import Path

from ml.errors import ModelFileError
from ml.registry.model_store import Sealer, keep_as_is, replace_file
from ml.registry.training_result import TrainingResult

_ENDING = ".result"


class ResultStore:
    """Results by run id. `seal` and `unseal` take a purpose and bytes."""

    def __init__(self, folder: Path, seal: Sealer = keep_as_is, unseal: Sealer = keep_as_is):
        self._folder = folder
        self._seal = seal
        self._unseal = unseal

    def put(self, result: TrainingResult) -> None:
        """Keep a result under its run id."""
        path = self._path(result.run_id)
        self._folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, self._seal(_purpose(result.run_id), result.to_bytes()))

    def get(self, run_id: str) -> TrainingResult:
        """A kept result, unsealed; refuses a missing or altered one."""
        path = self._path(run_id)
        if not path.is_file():
            raise ModelFileError(f"there is no training result {run_id}; run `anamnesis train` first")
        return TrainingResult.from_bytes(self._unseal(_purpose(run_id), path.read_bytes()))

    def run_ids(self) -> tuple[str, ...]:
        """Kept runs, oldest file first."""
        paths = self._folder.glob(f"*{_ENDING}") if self._folder.is_dir() else ()
        return tuple(p.stem for p in sorted(paths, key=lambda p: (p.stat().st_mtime_ns, p.name)))

    def remove(self, run_id: str) -> None:
        """Forget a result, once it is published or given up."""
        self._path(run_id).unlink(missing_ok=True)

    def _path(self, run_id: str) -> Path:
        if not run_id or not all(c.isalnum() or c in "-_" for c in run_id):
            raise ModelFileError("a run id holds letters, digits, - and _ only")
        return self._folder / f"{run_id}{_ENDING}"


def _purpose(run_id: str) -> str:
    return f"training-result:{run_id}"
