"""From a passphrase to a wrapping key (Argon2id, RFC 9106), and from the data key to its subkeys (HKDF)."""

import os
import time
import unicodedata
from dataclasses import dataclass

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.errors import UsageError, VaultDamaged, VaultError

KEY_BYTES = 32
SMALLEST_MEMORY_KIB = 64 * 1024
LARGEST_MEMORY_KIB = 1024 * 1024
UNLOCK_S = 0.5
_PASSES = range(3, 17)  # RFC 9106 asks for three passes where memory is 64 MiB
_MEMORIES_MIB = (512, 256, 128, 64)


@dataclass(frozen=True, slots=True)
class KdfParameters:
    """Argon2id cost: memory in KiB, passes, lanes. Read from a file, so checked before use."""

    memory_kib: int = 256 * 1024
    time_cost: int = 3
    parallelism: int = 4

    @classmethod
    def fast_for_tests(cls) -> "KdfParameters":
        """The cheapest cost that a vault accepts."""
        return cls(memory_kib=SMALLEST_MEMORY_KIB, time_cost=1, parallelism=1)

    def checked(self) -> "KdfParameters":
        """Itself, or VaultDamaged: a weaker cost is an attack, a larger one would eat the machine."""
        sound = (
            SMALLEST_MEMORY_KIB <= self.memory_kib <= LARGEST_MEMORY_KIB
            and 1 <= self.time_cost <= 32
            and 1 <= self.parallelism <= 16
        )
        if not sound:
            raise VaultDamaged("the vault's header names an unsafe key derivation; restore it from a backup")
        return self


def wrapping_key(passphrase: str, salt: bytes, parameters: KdfParameters) -> bytes:
    """The key that wraps the data key of one slot, 32 bytes."""
    cost = parameters.checked()
    secret = normalised(passphrase).encode("utf-8")
    try:
        return hash_secret_raw(
            secret,
            salt,
            time_cost=cost.time_cost,
            memory_cost=cost.memory_kib,
            parallelism=cost.parallelism,
            hash_len=KEY_BYTES,
            type=Type.ID,
        )
    except HashingError as error:
        raise VaultError(
            f"the key derivation needs {cost.memory_kib >> 10} MiB of memory; close other programs, try again"
        ) from error


def bound_key(passphrase_key: bytes, secret: bytes, device: str) -> bytes:
    """What both halves give together and neither does alone: HKDF-SHA256 over both, in that order."""
    assert len(passphrase_key) == len(secret) == KEY_BYTES
    return subkey(passphrase_key + secret, f"bound-slot/{device}")


def cost_for_this_machine() -> KdfParameters:
    """As strong a cost as this machine works off in half a second; never under 64 MiB and three passes."""
    seconds = min(_seconds(KdfParameters(SMALLEST_MEMORY_KIB, 1)) for _ in range(3))
    return strongest_within(
        UNLOCK_S, s_per_mib=seconds * 1024 / SMALLEST_MEMORY_KIB, memory_mib=_memory_mib()
    )


def strongest_within(budget_s: float, *, s_per_mib: float, memory_mib: int) -> KdfParameters:
    """The most memory for which three passes fit, then the most passes; the floor where nothing fits.

    `s_per_mib` is what one pass over one MiB takes; of `memory_mib`, the machine's, an eighth may be used.
    """
    for memory in _MEMORIES_MIB:
        passes = [n for n in _PASSES if n * memory * s_per_mib <= budget_s]
        if passes and memory <= memory_mib // 8:
            return KdfParameters(memory * 1024, passes[-1])
    return KdfParameters(SMALLEST_MEMORY_KIB, _PASSES.start)


def _seconds(cost: KdfParameters) -> float:
    """What it takes on an idle machine: its processor time, so that a busy moment weakens no vault."""
    began = time.process_time()
    wrapping_key("a passphrase to measure with", bytes(16), cost)
    return (time.process_time() - began) / min(cost.parallelism, os.cpu_count() or 1)


def _memory_mib() -> int:
    """This machine's memory; 4 GiB where the system doesn't say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    except (AttributeError, ValueError, OSError):
        return 4096


def normalised(text: str) -> str:
    """Unicode NFC, as RFC 8265 asks: one passphrase whatever the keyboard composed. Raises UsageError."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError("a name or passphrase must be valid Unicode text; check the terminal's encoding")
    return unicodedata.normalize("NFC", text)


def subkey(data_key: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose (RFC 5869, HKDF-SHA256; the purpose is the info)."""
    info = b"anamnesis/" + purpose.encode("utf-8")
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(data_key)
