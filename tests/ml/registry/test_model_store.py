"""Versions are named by content, refused when altered, and the way back is kept."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
import rfc8785

from ml.errors import ModelFileError
from ml.registry.model_store import ModelStore
from ml.registry.model_version import (
    CARD_FILE,
    LABELS_FILE,
    TENSORS_FILE,
    ModelCard,
    VersionContent,
    described,
    pack_version,
    unpack_version,
)

CARD = ModelCard(
    title="t", base_version="", scope="head", encoder="e", encoder_sha256="0" * 64, label_count=2
)


def version(tensors: bytes = b"weights") -> VersionContent:
    return pack_version({TENSORS_FILE: tensors, LABELS_FILE: b'["OMIM:1","OMIM:2"]'}, CARD)


def mask(purpose: str, data: bytes) -> bytes:
    """A toy seal that is its own inverse and depends on the purpose."""
    key = sum(purpose.encode()) % 255 + 1
    return bytes(b ^ key for b in data)


def test_the_same_content_has_the_same_name() -> None:
    assert version().version == version().version


def test_one_other_byte_gives_another_name() -> None:
    assert version().version.version_id != version(b"Weights").version.version_id


def test_the_card_is_part_of_the_name() -> None:
    other = pack_version({TENSORS_FILE: b"weights"}, replace(CARD, scope="lora"))
    assert other.version.version_id != pack_version({TENSORS_FILE: b"weights"}, CARD).version.version_id


def test_a_version_comes_back_as_it_went_in(tmp_path: Path) -> None:
    store, content = ModelStore(tmp_path, mask, mask), version()
    store.add(content)
    assert store.load(content.version.version_id) == content
    assert store.describe(content.version.version_id) == content.version
    assert content.labels == ("OMIM:1", "OMIM:2")


def test_nothing_lies_unsealed_on_the_disk(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, mask, mask)
    store.add(version(b"private weights"))
    store.set_current(store.version_ids()[0], at="2025-01-01", reason="publish")
    kept = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()]
    assert kept
    assert all(b"private weights" not in data for data in kept)


@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("name", [TENSORS_FILE, LABELS_FILE, "card.json", "manifest.json"])
def test_one_altered_byte_is_refused(tmp_path: Path, name: str, place: str) -> None:
    store = ModelStore(tmp_path)
    version_id = store.add(version()).version_id
    path = tmp_path / "versions" / version_id / name
    data = bytearray(path.read_bytes())
    data[{"first": 0, "middle": len(data) // 2, "last": -1}[place]] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="altered"):
        store.load(version_id)


def test_a_missing_and_an_extra_file_are_refused() -> None:
    files = version().files
    with pytest.raises(ModelFileError, match="lacks or adds"):
        unpack_version({n: d for n, d in files.items() if n != TENSORS_FILE})
    with pytest.raises(ModelFileError, match="lacks or adds"):
        unpack_version(files | {"code.pkl": b"\x80\x04."})


def test_a_manifest_in_another_spelling_is_refused() -> None:
    files = version().files
    with pytest.raises(ModelFileError, match="canonical"):
        unpack_version(files | {"manifest.json": files["manifest.json"] + b"\n"})


def test_an_unknown_version_is_named_in_the_refusal(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="ffffffffffff"):
        ModelStore(tmp_path).load("f" * 64)
    with pytest.raises(ModelFileError):
        ModelStore(tmp_path).load("../../etc")


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")
def test_only_the_owner_may_read_a_kept_file(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.set_current(store.add(version()).version_id, at="1", reason="publish")
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_the_pointer_keeps_its_history(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    first, second = (store.add(version(d)).version_id for d in (b"a", b"b"))
    store.set_current(first, at="1", reason="publish")
    store.set_current(second, at="2", reason="publish")
    store.set_current(None, at="3", reason="roll back")
    pointer = ModelStore(tmp_path).pointer()
    assert pointer.current is None
    assert [m.version_id for m in pointer.history] == [first, second, ""]


def test_a_version_that_is_not_kept_cannot_become_current(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no model version"):
        ModelStore(tmp_path).set_current("0" * 64, at="1", reason="publish")


def test_a_version_is_found_by_the_beginning_of_its_name(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    version_id = store.add(version()).version_id
    assert store.find(version_id[:6]) == version_id
    for wrong in ("", "zz"):
        with pytest.raises(ModelFileError):
            store.find(wrong)


def test_adding_twice_changes_nothing(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.add(version())
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    store.add(version())
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("card", [b"{}", b"[]", b"", b"\xff", b'{"title":5}', b'{"title":"\xff"}'])
def test_a_card_of_another_form_is_refused(card: bytes) -> None:
    manifest = rfc8785.dumps({"files": {CARD_FILE: hashlib.sha256(card).hexdigest()}})
    with pytest.raises(ModelFileError, match="is not understood"):
        described(manifest, card)
