"""Known ways to break the promise where a run looks at the fusion's weights; see `planted_bugs`."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ml.training import fusion_looks, head_learner, looks
from ml.training.looks import Looks
from tests.bug_bank import BugBank

FUSION_BUGS = BugBank()
bug = FUSION_BUGS.plant
look, fused_gains, step = Looks.look, fusion_looks.fused_gains, head_learner.HeadLearner.step
learned_fusion = fusion_looks.learned_fusion


def at_the_fusion(patch: pytest.MonkeyPatch, changed: Any) -> None:
    """Looks with other settings, at the fusion alone."""

    def other(self: Any, shown: Any, *, settings: Any, random: Any) -> None:
        own = changed(settings, shown) if self._name == "fusion" else settings
        look(self, shown, settings=own, random=random)

    patch.setattr(Looks, "look", other)


@bug
def a_look_at_the_fusion_without_noise(patch: pytest.MonkeyPatch) -> None:
    at_the_fusion(patch, lambda settings, _: replace(settings, noise_multiplier=0.0))


@bug
def a_look_at_the_fusion_noised_only_where_somebody_was_drawn(patch: pytest.MonkeyPatch) -> None:
    at_the_fusion(patch, lambda s, shown: s if len(shown) else replace(s, noise_multiplier=0.0))


@bug
def gains_that_are_not_clipped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(looks, "clip_factors", lambda norms, *_: np.isfinite(norms).astype(float))


@bug
def gains_clipped_number_by_number(patch: pytest.MonkeyPatch) -> None:
    def total(shown: Any, settings: Any) -> Any:
        return np.nan_to_num(np.clip(shown, -settings.max_grad_norm, settings.max_grad_norm)).sum(axis=0)

    patch.setattr(looks, "clipped_total", total)


@bug
def gains_of_each_note_instead_of_the_patient(patch: pytest.MonkeyPatch) -> None:
    def by_note(state: Any, people: Any, beside: Any, leaders: Any) -> Any:
        notes = [
            (replace(p, features=p.features[i : i + 1]), b)
            for p, b in zip(people, beside, strict=True)
            for i in range(len(p.features))
        ]
        return fused_gains(state, [p for p, _ in notes], [b for _, b in notes], leaders)

    patch.setattr(fusion_looks, "fused_gains", by_note)


@bug
def losses_that_are_not_centred(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fusion_looks, "fused_gains", lambda *a: fused_gains(*a) - 1.0)


@bug
def what_is_not_finite_let_into_the_gains(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(looks, "clip_factors", lambda norms, *_: np.full(len(norms), 0.1))


@bug
def looks_at_the_fusion_beside_the_granted_steps(patch: pytest.MonkeyPatch) -> None:
    def more(self: Any, drawn: Any, settings: Any, random: Any) -> None:
        step(self, drawn, settings, random)
        while self._left == 0 and self._fusion._looks < 2 * self._fusion.wanted:
            self._left = 1
            step(self, drawn, settings, random)

    patch.setattr(head_learner.HeadLearner, "step", more)


@bug
def a_look_that_is_not_taken_where_nobody_speaks(patch: pytest.MonkeyPatch) -> None:
    def spoken(self: Any, shown: Any, *, settings: Any, random: Any) -> None:
        if self._name != "fusion" or shown.any():
            look(self, shown, settings=settings, random=random)

    patch.setattr(Looks, "look", spoken)


@bug
def looks_only_where_patients_have_findings(patch: pytest.MonkeyPatch) -> None:
    start = head_learner.HeadLearner.__init__

    def told(self: Any, classifier: Any, tokenizer: Any, patients: Any, job: Any) -> None:
        speaks = any(p.beside for p in patients)
        start(self, classifier, tokenizer, patients, job if speaks else replace(job, leaders=b""))

    patch.setattr(head_learner.HeadLearner, "__init__", told)


@bug
def a_choice_by_what_was_not_noised(patch: pytest.MonkeyPatch) -> None:
    def both(self: Any, shown: Any, *, settings: Any, random: Any) -> None:
        look(self, shown, settings=settings, random=random)
        if self._name == "fusion":
            self.bare = getattr(self, "bare", 0.0) + looks.clipped_total(shown, settings)

    def chosen(taken: Any, taught: Any) -> Any:
        best = fusion_looks.CANDIDATES[int(np.argmax(getattr(taken, "bare", 0.0)))]
        return replace(best, taught=taught)

    patch.setattr(Looks, "look", both)
    patch.setattr(head_learner, "learned_fusion", chosen)


@bug
def a_choice_that_takes_noise_for_a_gain(patch: pytest.MonkeyPatch) -> None:
    def bold(taken: Any, taught: Any) -> Any:
        return replace(fusion_looks.CANDIDATES[int(taken.mean().argmax())], taught=taught)

    patch.setattr(head_learner, "learned_fusion", bold)


@bug
def a_choice_that_forgets_how_much_noise_there_was(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Looks, "deviation", lambda _: 0.0)


@bug
def gains_under_a_wider_clip_than_their_noise(patch: pytest.MonkeyPatch) -> None:
    at_the_fusion(
        patch,
        lambda s, _: replace(s, max_grad_norm=3 * s.max_grad_norm, noise_multiplier=s.noise_multiplier / 3),
    )
