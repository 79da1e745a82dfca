"""Cryptographic randomness for sampling and noise: a ChaCha20 key stream keyed by os.urandom.

torch's secure mode is gone (torchcsprng), and a Mersenne twister's state can be recovered from its
output. Gaussians come by the polar method (Marsaglia, Bray 1964) from 64-bit whole numbers, each rounded to
53 significant bits: nowhere coarser than 53-bit uniforms, and finer near the centre, where the tails come
from. Each number of `gaussians` is the sum of four over two, which blunts attacks on the floating-point grid
(Holohan, Braghin 2021, as in Opacus). They are made in pieces that fit a processor's cache, by operations
that let Python's other threads run.
They are double precision: added to a sum in single precision, they would leave its last bits readable
(Mironov 2012). Add in double precision, then round.

The key is replaced by the stream's own next 32 bytes long before the cipher's counter ends, so no
stretch of the stream comes twice and earlier noise can't be computed from a later state. A generator serves
one thread; for others it makes `branches`, each with a key of its own.
"""

import os

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

PIECE = 1 << 16  # normals, made at once: in a processor's cache, yet rarely waiting for Python's lock
RADIUS = 2.0**63
INSIDE = np.pi / 4  # the share of points of a square that lie in its circle
_KEY_BYTES = 32
_ZEROS = memoryview(bytes(1 << 24))  # what is enciphered, so much at once: never written, it takes no memory
GRID = 2.0**36  # units in one standard deviation: a unit holds 2^16 doubles and more where |z| < 1
FRESH_KEY_AFTER = 1 << 30  # bytes; the cipher's 32-bit counter ends after 2^38

Doubles = npt.NDArray[np.float64]


class SecureRandom:
    """Random numbers that can't be foretold. A key may be given in tests alone."""

    def __init__(self, key: bytes | None = None):
        self._given = key is not None
        self._begin(os.urandom(_KEY_BYTES) if key is None else key)

    def branches(self, count: int) -> "list[SecureRandom]":
        """As many generators, for as many threads: keyed by os.urandom, or by the stream of a given key."""
        return [SecureRandom(self._bytes(_KEY_BYTES) if self._given else None) for _ in range(count)]

    def fill(self, words: npt.NDArray[np.int64]) -> None:
        """Put uniform 64-bit words into an array, for at most FRESH_KEY_AFTER bytes."""
        self._account(words.nbytes)
        room = words.view(np.uint8).data
        for start in range(0, words.nbytes, len(_ZEROS)):
            part = room[start : start + len(_ZEROS)]
            self._stream.update_into(_ZEROS[: len(part)], part)

    def uniforms(self, count: int) -> Doubles:
        """Numbers in [0, 1), each a multiple of 2^-53."""
        words = np.frombuffer(self._bytes(8 * count), np.uint64)
        return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def gaussians(self, count: int) -> Doubles:
        """Standard normal numbers, each the sum of four divided by two."""
        made, room, normals = np.empty(count), Workspace(PIECE), np.empty(PIECE)
        for start in range(0, count, PIECE // 4):
            size = min(PIECE // 4, count - start)
            self._normals(normals[: 4 * size], 1.0, room)
            made[start : start + size] = normals[: 4 * size].reshape(4, size).sum(axis=0) / 2
        return made

    def grid_gaussians(self, count: int, *, room: "Workspace | None" = None) -> Doubles:
        """Standard normal numbers in units of 1 / GRID, each rounded to a whole number.

        Added to a sum that is rounded to the same grid, what is released is a whole number of units: no bit
        below the grid is left to be read, so one normal does where `gaussians` takes four. `room` may be
        given to a generator that makes piece after piece.
        """
        made, room = np.empty(count), room or Workspace(min(count, PIECE))
        for start in range(0, count, PIECE):
            some = made[start : start + PIECE]
            self._normals(some, GRID, room)
            np.rint(some, out=some)
        return made

    def poisson_sample(self, population: int, sample_rate: float) -> npt.NDArray[np.intp]:
        """Numbers of those drawn, each on its own with probability `sample_rate`."""
        drawn: npt.NDArray[np.intp] = np.flatnonzero(self.uniforms(population) < sample_rate)
        return drawn

    def _begin(self, key: bytes) -> None:
        self._stream = Cipher(ChaCha20(key, b"\0" * 16), mode=None).encryptor()
        self._used = 0

    def _bytes(self, count: int) -> bytes:
        self._account(count)
        return self._stream.update(bytes(count))

    def _account(self, count: int) -> None:
        if self._used + count > FRESH_KEY_AFTER:
            self._begin(self._stream.update(bytes(_KEY_BYTES)))
        self._used += count

    def _normals(self, made: Doubles, spread: float, room: "Workspace") -> None:
        done = 0
        while done < len(made):
            x, y, square = self._points(_pairs_for(len(made) - done), room)
            inside = room.inside(square)[: (len(made) - done + 1) // 2]
            count = len(inside)
            factor, logarithm = room.factors[:count], room.logarithms[:count]
            np.take(square, inside, out=factor, mode="clip")  # as checked as by default, but in place
            np.log(np.multiply(factor, 1 / RADIUS**2, out=logarithm), out=logarithm)
            np.divide(np.multiply(logarithm, -2 * spread**2, out=logarithm), factor, out=factor)
            np.sqrt(factor, out=factor)
            for coordinates in (x, y):
                found = made[done : done + count]
                np.take(coordinates, inside[: len(found)], out=found, mode="clip")
                found *= factor[: len(found)]
                done += len(found)

    def _points(self, pairs: int, room: "Workspace") -> tuple[Doubles, Doubles, Doubles]:
        """Of a square around the origin: x, y, and the square of the distance, each (pairs,)."""
        words, points, squares = room.words[: 2 * pairs], room.points[: 2 * pairs], room.squares[: 2 * pairs]
        self.fill(words)
        np.copyto(points, words)
        np.square(points, out=squares)
        square = np.add(squares[:pairs], squares[pairs:], out=squares[:pairs])
        return points[:pairs], points[pairs:], square


class Workspace:
    """Room for a piece's normals, used for piece after piece: fresh memory would cost more than they do."""

    def __init__(self, most: int):
        pairs = _pairs_for(most)
        self.words = np.empty(2 * pairs, np.int64)
        self.points, self.squares = np.empty(2 * pairs), np.empty(2 * pairs)
        self.factors, self.logarithms = np.empty(pairs), np.empty(pairs)
        self._near, self._apart = np.empty(pairs, np.bool_), np.empty(pairs, np.bool_)

    def inside(self, square: Doubles) -> npt.NDArray[np.intp]:
        """Which points lie in the circle, its centre left out."""
        near, apart = self._near[: len(square)], self._apart[: len(square)]
        np.less(square, RADIUS**2, out=near)
        np.greater(square, 0, out=apart)
        return np.flatnonzero(np.logical_and(near, apart, out=near))


def _pairs_for(count: int) -> int:
    """So many points that hardly ever too few of them lie in the circle."""
    return int(count / 2 / INSIDE * 1.02) + 16
