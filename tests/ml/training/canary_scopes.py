"""The canary audit of scopes that take too long for the suite, of the task `mlm`, or of those named.

`python -m tests.ml.training.canary_scopes [SCOPE ... | mlm]`; fails where more is proven than was claimed,
or the run without noise is not convicted.
"""

import sys

from ml.privacy.ledger import epsilon_bound
from ml.privacy.loss_distribution import least_epsilon
from tests.ml.training.canary_audit import DELTA
from tests.ml.training.canary_sums import SOLVED, proven_of_sums
from tests.ml.training.test_canary_audit import AUDITED, LONGER, proven_of_an_encoder


def main(scopes: list[str]) -> int:
    """Print what is claimed and proven; 1 where the audit fails."""
    failed = False
    for scope in scopes or (*LONGER, *SOLVED):
        proven_of = proven_of_sums if scope in SOLVED else proven_of_an_encoder
        audited = (AUDITED | SOLVED)[scope]
        claim, bound = least_epsilon(audited.spent, DELTA), epsilon_bound(audited.spent, DELTA)
        private, bare = (proven_of(scope, noise) for noise in (audited.noise, 0.0))
        print(f"{scope}: claimed {claim:.2f}, proven {private:.2f}, without noise {bare:.2f}", flush=True)
        failed |= private > claim or bare <= bound
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
