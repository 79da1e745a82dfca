"""Signs and writes an update file that has been reviewed; needs the privacy officer's passphrase."""

from dataclasses import dataclass
from pathlib import Path

from app.config.policy import Policy
from app.errors import PolicyError
from app.store.signing_keys import officer_private_key, site_private_key
from app.store.vault import Vault
from app.workflows.review_update import UpdateReview
from app.workflows.write_file import check_new_file, write_file
from ml.federated.keys import read_recipient
from ml.federated.payload import sha256
from ml.federated.statement import UpdateStatement
from ml.federated.update_file import write_update


@dataclass(frozen=True, slots=True)
class ExportedUpdate:
    """The file written."""

    path: Path
    sha256: str
    bytes: int


def check_export(policy: Policy, path: Path, recipient: str) -> None:
    """Refuse early what would be refused anyway: by policy, an existing file, an unusable recipient."""
    if not policy.export_allowed:
        raise PolicyError("this hospital's policy does not allow update files to leave; ask IT")
    check_new_file(path)
    read_recipient(recipient)


def export_update(
    vault: Vault,
    review: UpdateReview,
    path: Path,
    *,
    officer_passphrase: str,
    recipient: str,
    policy: Policy,
) -> ExportedUpdate:
    """Sign exactly what was reviewed, with both keys, and seal it for the coordinator. Audited first."""
    check_export(policy, path, recipient)
    statement = UpdateStatement(
        site=review.site,
        round=review.round,
        base=review.base,
        recipient=recipient.strip(),
        weight=review.weight,
        privacy=review.privacy,
    )
    data = write_update(
        statement,
        review.payload,
        site_private=site_private_key(vault),
        officer_private=officer_private_key(vault, officer_passphrase),
    )
    written = ExportedUpdate(path, sha256(data), len(data))
    detail = f"round {review.round}, epsilon {review.epsilon:.4g}, sha256 {written.sha256[:16]}"
    vault.audit("update-exported", review.version_id, detail)
    write_file(path, data)
    return written
