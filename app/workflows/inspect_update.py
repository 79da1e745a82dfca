"""Looks into an update or base file and says what it holds; checks no signature."""

from pathlib import Path

from app.errors import ImportRefused
from app.exchange.foreign_kind import BASE, UPDATE
from app.workflows.foreign_gate import check_foreign
from ml.errors import UpdateRefused
from ml.federated.base_file import BaseFile, read_base
from ml.federated.package import BASE_MAGIC, LARGEST_FILE, unseal_with
from ml.federated.payload import Tensors, read_payload, sha256
from ml.federated.update_file import OpenedUpdate, open_update

NOT_CHECKED = "Signatures were NOT checked; use `anamnesis update verify`."


def read_file(path: Path) -> bytes:
    """A file's bytes. Refuses a missing or far too large one."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UpdateRefused(f"{path} is larger than {LARGEST_FILE >> 20} MiB; it can't be an update")
        return path.read_bytes()
    except OSError as error:
        raise UpdateRefused(f"{path} can't be read ({error.strerror}); check its name") from None


def inspect_update(path: Path, identity: str | None) -> tuple[str, ...]:
    """Lines about a file. An update needs the coordinator's age identity; a base is readable by anybody."""
    data = read_file(path)
    if data.startswith(BASE_MAGIC):
        _try_parsing(BASE, data, path)
        return (*_about_base(read_base(data, coordinator_key=None)), NOT_CHECKED)
    if identity is None:
        raise UpdateRefused("an update is sealed; name the coordinator's key file with --identity")
    _try_parsing(UPDATE, unseal_with(identity, data), path)
    return (*_about_update(open_update(data, identity)), NOT_CHECKED)


def read_base_file(path: Path, *, coordinator_key: str) -> BaseFile:
    """A base that the confined reader could parse, its signature checked."""
    data = read_file(path)
    _try_parsing(BASE, data, path)
    return read_base(data, coordinator_key=coordinator_key)


def read_update_file(path: Path, identity: str) -> bytes:
    """The bytes of an update that the confined reader could parse; no signature is checked."""
    data = read_file(path)
    _try_parsing(UPDATE, unseal_with(identity, data), path)
    return data


def _try_parsing(kind: str, data: bytes, path: Path) -> None:
    try:
        check_foreign(kind, data, name=path.name)
    except ImportRefused as error:
        raise UpdateRefused(str(error)) from None


def _about_update(opened: OpenedUpdate) -> list[str]:
    statement, privacy = opened.statement, opened.statement.privacy
    whole = "is" if sha256(opened.payload) == opened.payload_sha256 else "is NOT"
    return [
        f"update of the site {statement.site}, round {statement.round}, statement {opened.digest}",
        f"base: {statement.base}",
        f"sealed for: {statement.recipient}",
        f"weight claimed: {statement.weight:,}",
        f"privacy: epsilon {privacy.epsilon:.4g}, delta {privacy.delta:.2g}, unit {privacy.unit}",
        f"mechanism: {privacy.mechanism}, {privacy.steps:,} steps, sample rate {privacy.sample_rate:.4g}, "
        f"noise multiplier {privacy.noise_multiplier:.4g}, max_grad_norm {privacy.max_grad_norm:.4g}",
        f"the payload {whole} the one that the statement names",
        *_about_tensors(read_payload(opened.payload)),
    ]


def _about_base(file: BaseFile) -> list[str]:
    statement = file.statement
    return [
        f"base {file.base_id}, round {statement.round}, made by {statement.method}",
        f"from the base: {statement.base}",
        f"of {len(statement.updates)} updates: {', '.join(digest[:12] for digest in statement.updates)}",
        f"privacy of any patient of any site: epsilon at most {statement.epsilon:.4g}, "
        f"delta at most {statement.delta:.2g}",
        *_about_tensors(file.tensors),
    ]


def _about_tensors(tensors: Tensors) -> list[str]:
    return [f"tensor {name}: shape {tuple(t.shape)}, {t.nbytes:,} bytes" for name, t in tensors.items()]
