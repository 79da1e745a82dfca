"""Every byte of a vault's database and log, decrypted page by page: free pages and old frames too.

SQLCipher 4: AES-256-CBC under the raw key; the last 48 bytes of a page are its IV and its HMAC; the first
page begins with 16 bytes of salt in the clear.
"""

from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE, RESERVED, SALT, FRAME_HEAD, LOG_HEAD = 4096, 48, 16, 24, 32


def decrypted_bytes(folder: Path, database_key: bytes) -> bytes:
    """All pages of `vault.db`, and all frames of its log, whether they still count or not."""
    data = (folder / "vault.db").read_bytes()
    plain = [
        _page(data[at : at + PAGE], database_key, first=at == 0)
        for at in range(0, len(data) - PAGE + 1, PAGE)
    ]
    log = folder / "vault.db-wal"
    frames = log.read_bytes() if log.exists() else b""
    for at in range(LOG_HEAD, len(frames) - PAGE - FRAME_HEAD + 1, PAGE + FRAME_HEAD):
        number = int.from_bytes(frames[at : at + 4], "big")
        body = frames[at + FRAME_HEAD : at + FRAME_HEAD + PAGE]
        plain.append(_page(body, database_key, first=number == 1))
    return b"".join(plain)


def _page(page: bytes, key: bytes, *, first: bool) -> bytes:
    start, end = SALT if first else 0, PAGE - RESERVED
    decryptor = Cipher(algorithms.AES(key), modes.CBC(page[end : end + 16])).decryptor()
    return decryptor.update(page[start:end]) + decryptor.finalize()
