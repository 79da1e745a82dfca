"""Our encoder is transformers' BERT, and reads windows end to end as it reads them padded."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch

from ml.errors import ModelFileError
from ml.training.added_layers import add_adapters, add_prefixes
from ml.training.encoder import Encoder, EncoderConfig, added_to_scores
from ml.training.segments import Segments
from tests.ml.tiny_model import CONFIG, WORDS
from tests.ml.training.grouped import grouped

LENGTHS = (7, 2, 5)


@pytest.fixture
def encoder() -> Encoder:
    torch.manual_seed(4)
    made = Encoder(EncoderConfig.read(CONFIG)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made


def padded() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    ids = torch.randint(1, len(WORDS), (len(LENGTHS), max(LENGTHS)))
    mask = (torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]).long()
    return ids * mask, torch.arange(max(LENGTHS)).repeat(len(LENGTHS), 1), mask


@pytest.mark.slow
def test_states_are_those_of_transformers_bert(encoder: Encoder) -> None:
    from transformers import BertConfig, BertModel

    theirs = BertModel(BertConfig(**CONFIG), add_pooling_layer=False).eval()
    assert set(theirs.state_dict()) == set(encoder.state_dict())
    theirs.load_state_dict(encoder.state_dict())
    ids, positions, mask = padded()
    with torch.no_grad():
        wanted = theirs(input_ids=ids, attention_mask=mask, position_ids=positions).last_hidden_state
        found = encoder(ids, positions, added_to_scores(mask))
    assert torch.allclose(found[mask.bool()], wanted[mask.bool()], atol=1e-5)


@pytest.mark.parametrize("way", [nullcontext, grouped])
@pytest.mark.parametrize("add", [None, add_adapters, add_prefixes])
def test_windows_end_to_end_have_the_states_and_gradients_of_padded_ones(
    encoder: Encoder, add: Any, way: Any
) -> None:
    if add is not None:
        add(encoder)
    ids, positions, mask = padded()
    real = mask.bool()
    apart = encoder(ids, positions, added_to_scores(mask))[real]
    with way():
        segments = Segments(LENGTHS, ids.device)
    together = encoder(ids[real][None], positions[real][None], segments)[0]
    assert torch.allclose(together, apart, atol=1e-5)
    weights = torch.randn_like(apart)
    parameters = list(encoder.parameters())
    found = [torch.autograd.grad((part * weights).sum(), parameters) for part in (together, apart)]
    for ours, wanted in zip(*found, strict=True):
        assert torch.allclose(ours, wanted, atol=1e-4)


@pytest.mark.parametrize("changed", [{"hidden_act": "relu"}, {"num_attention_heads": 3}, {"vocab_size": "x"}])
def test_a_config_of_another_encoder_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ModelFileError, match="encoder"):
        EncoderConfig.read(CONFIG | changed)
