"""How much wider than claimed noise is, which pays for single precision.

A patient moves a sum by her own clipped gradient, and by what she does to everybody else's: beside her they
are read in other micro-batches, and products of single precision round by how they are laid out. That the
sensitivity of a sum in floating point is more than the clip is shown by Casacuberta et al. 2022 (arXiv
2207.10635). What micro-batches give is added up in double precision, so that the second part grows with the
patients and not with their square.
"""

import math

OWN = 2.0**-13  # of the clip: single precision lengthens a gradient by less than 1e-4 of itself
ANOTHERS = 2.0**-20  # of the clip for each patient drawn; measured: at most 2.2e-7 (`test_rounding.py`)
UNLIKELY = 32.0  # more patients than `most_drawn` are drawn with a probability of at most exp(-32)


def wider(expected_batch: float) -> float:
    """The factor of the noise's standard deviation, from the public size of a draw."""
    return 1 + OWN + ANOTHERS * most_drawn(expected_batch)


def most_drawn(expected_batch: float) -> float:
    """Patients in a Poisson draw of this size, by Bernstein's inequality."""
    return expected_batch + math.sqrt(2 * UNLIKELY * expected_batch) + 2 * UNLIKELY / 3
