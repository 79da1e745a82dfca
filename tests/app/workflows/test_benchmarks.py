"""The benchmarks run both sides for real and report plain figures; no test asserts a time."""

import gzip
import json
import sys
from pathlib import Path

import pytest
import torch

from app.cli.main import main
from app.config.settings import CACHE_VARIABLE
from app.errors import UsageError
from app.workflows import (
    benchmark_gpu,
    benchmark_graph,
    benchmark_import,
    benchmark_startup,
    benchmark_text,
    benchmark_train,
    benchmark_vault,
)
from app.workflows.benchmark_vault_side import DEEDS
from app.workflows.hpo3_peer import hpo3_peer

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, public_cache: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))


def silent(text: str, **fields: object) -> None:
    assert text


def test_plain_python_ranks_the_same_as_the_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_graph, "LOADINGS", 1)
    monkeypatch.setattr(benchmark_graph, "WALKS", 1)
    found = benchmark_graph.measure(silent, size=3)
    assert (found["nodes"], found["edges"]) == (36853, 307396)
    assert float(str(found["largest difference of a score"])) < 1e-4
    assert float(str(found["PageRank / arrays"])) > 0


def test_the_vault_is_measured_beside_plain_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_vault, "COMMITS", 4)
    monkeypatch.setattr(benchmark_vault, "OPENINGS", 1)
    monkeypatch.setattr(benchmark_vault, "MEASURED", 100)
    found = benchmark_vault.measure(silent, size=200, data=str(tmp_path))
    ratios = {name: value for name, value in found.items() if name.endswith("encrypted / plain")}
    assert len(ratios) == 1 + 2 * (1 + len(DEEDS))
    assert found["annotation events"] == 2000
    page = "page of the timeline"
    assert {name.removeprefix(page) for name in found if name.startswith(page)} == {
        *(", encrypted, ms", ", processor, encrypted, ms"),
        *(", encrypted / plain", ", processor, encrypted / plain", ", encrypted / plain, aimed at"),
    }
    assert all(isinstance(value, float) and value > 0 for value in ratios.values())
    assert 1.0 < float(str(found["size, encrypted / plain"])) < 1.2  # each page keeps 80 bytes for IV and MAC
    assert list(tmp_path.iterdir()) == []


def test_a_stop_in_the_middle_leaves_nothing_and_a_small_disk_is_said_first(tmp_path: Path) -> None:
    def stop(text: str, **fields: object) -> None:
        assert text.startswith("filling")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        benchmark_vault.measure(stop, size=50, data=str(tmp_path))
    with pytest.raises(UsageError, match="--data"):
        benchmark_vault.measure(silent, size=1 << 40, data=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("size", "place", "said"), [(5, "", "--size"), (0, "", "--size"), (20, "absent", "--data")]
)
def test_what_the_vaults_benchmark_cannot_measure_is_said_first(
    tmp_path: Path, size: int, place: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        benchmark_vault.measure(silent, size=size, data=str(tmp_path / place))


def test_importing_is_measured_beside_importing_in_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark_import, "REPEATS", 1)
    found = benchmark_import.measure(silent, size=4)
    for shape in ("many bundles", "one large file"):
        assert found[f"{shape}: records"] == 4 * (1 + 3 + 12 + 4)
        assert float(str(found[f"{shape}: confined / in this process"])) > 0


def test_a_cold_start_is_measured_with_its_memory() -> None:
    found = benchmark_startup.measure(silent, size=1)
    assert float(str(found["findings, memory with torch, MiB"])) > float(str(found["findings, memory, MiB"]))
    assert {k for k in found if "with torch / without" in k} == {
        "findings, with torch / without",
        "text, with torch / without",
    }


def test_training_is_timed_on_synthetic_patients_in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_train, "ROUNDS", {"head": 2, "encoder": 1})
    found = benchmark_train.measure(silent, size=2)
    assert found["patients a step"] == 2
    for name in (*benchmark_train.RATIOS, "head: DP-SGD / plain", "full: memory of a step, DP-SGD / plain"):
        assert float(str(found[name])) > 0


def test_a_graphics_cards_measures_run_with_the_processor_on_both_sides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(benchmark_train.ROUNDS, "encoder", 1)
    monkeypatch.setattr(benchmark_gpu, "DEFAULT_ROUNDS", 1)
    monkeypatch.setattr(benchmark_gpu, "LENGTHS", (2000,))
    found = benchmark_gpu.measure(silent, size=2, gpu="cpu")
    names = [f"{step} step, cpu, patients a second" for step in benchmark_gpu.STEPS]
    names += [f"{step} step: cpu / cpu" for step in benchmark_gpu.STEPS]
    for count in benchmark_gpu.BATCHES:
        names += [f"reading {count} at once, cpu, windows a second", f"reading {count} at once: cpu / cpu"]
        names.append(f"reading {count} at once: recorded fp16 / plain fp32, cpu")
    names += [f"{scope}: DP-SGD / plain, cpu" for scope in benchmark_gpu.SCOPES]
    names.append("2,000 characters, cpu: last answer by the clock, ms")
    for name in names:
        assert float(str(found[name])) > 0
    assert float(str(found["same first disease, cpu and fp32"])) >= 0.95


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a graphics card")
def test_without_a_graphics_card_there_is_nothing_to_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "gpu"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "neither torch nor ONNX Runtime sees a graphics card" in line


def test_the_starting_model_knows_styles_and_names_it_never_saw(tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    rows = [
        {"label": "Migraine", "text": "A throbbing headache on one side, with nausea and flashing lights."},
        {"label": "Psoriasis", "text": "Dry, scaly, silvery patches on my elbows and knees."},
        {"label": "Pneumonia", "text": "I cough up phlegm, have a fever and it hurts to breathe."},
    ]
    with gzip.open(texts / "symptom2disease_own.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    found = benchmark_text.measure(silent, size=20, data=str(tmp_path))
    assert (found["zero-shot texts"], found["zero-shot names"]) == (3, 3)
    assert found["zero-shot top-1"] == 1.0
    for style in ("telegram", "discharge summary"):
        assert float(str(found[f"{style}, 50 diseases, top-1"])) >= 0.6
    with pytest.raises(UsageError, match="--data"):
        benchmark_text.measure(silent, size=1, data=str(texts))


def test_a_python_without_hpo3_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="pip install hpo3"),
        hpo3_peer(Path(sys.executable), tmp_path, [["HP:0000118"]]),
    ):
        pass
    with pytest.raises(UsageError, match="cannot be run"), hpo3_peer(tmp_path / "none", tmp_path, []):
        pass
