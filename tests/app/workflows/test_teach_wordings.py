"""Who teaches the wordings takes as many threads as it is told to."""

import pytest
import torch

from app.workflows.teach_wordings import Teacher

pytestmark = pytest.mark.slow


def test_the_teacher_takes_as_many_threads_as_it_is_given() -> None:
    before = torch.get_num_threads()
    try:
        Teacher(lambda _text: None, threads=before + 1)
        assert torch.get_num_threads() == before + 1
        Teacher(lambda _text: None)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
