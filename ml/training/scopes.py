"""What each scope trains: freezes the rest of a classifier, puts in what is needed, and folds it back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from ml.errors import TrainingRefused
from ml.training.adalora import RankAllocator, add_adalora, allocate_ranks, merge_adalora
from ml.training.added_layers import add_adapters, add_prefixes, added_names
from ml.training.classifier import Classifier
from ml.training.lora import add_lora, merge_lora
from ml.training.networks import Network, TokenNetwork, TopNetwork

HEAD, TOP = "head", "top"


@dataclass(frozen=True, slots=True)
class Scope:
    """`prepare` marks and adds what is trained (given the declared rows).

    `fold` puts what was trained where it belongs; None where it is there already. `allocator` makes what acts
    between the steps of a run of so many, on released numbers alone.
    """

    prepare: Callable[[Classifier, Sequence[int]], None]
    fold: Callable[[Classifier], None] | None = None
    network: Callable[[Classifier], Network] = TokenNetwork
    allocator: Callable[[Classifier, int], RankAllocator] | None = None


class SplitHead(nn.Module):
    """A frozen head of which some rows are trained."""

    def __init__(self, head: nn.Linear, rows: Sequence[int]):
        super().__init__()
        self.whole, self.in_features = head, head.in_features
        self.rows = nn.Buffer(torch.tensor(rows), persistent=False)
        self.trained = nn.Linear(head.in_features, len(rows))
        with torch.no_grad():
            self.trained.weight.copy_(head.weight[self.rows])
            self.trained.bias.copy_(head.bias[self.rows])

    @property
    def weight(self) -> torch.Tensor:
        """Of the frozen whole."""
        return self.whole.weight

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (batch, labels)."""
        logits: torch.Tensor = self.whole(features).index_copy(1, self.rows, self.trained(features))
        return logits

    def folded(self) -> nn.Linear:
        """The whole with the trained rows in their places."""
        with torch.no_grad():
            self.whole.weight[self.rows] = self.trained.weight
            self.whole.bias[self.rows] = self.trained.bias
        return self.whole


def scope_named(name: str) -> Scope:
    """Raises TrainingRefused for an unknown one, and for `head`, which trains without a network."""
    if name not in SCOPES:
        raise TrainingRefused(f"there is no scope {name!r}; choose one of {', '.join((HEAD, *SCOPES))}")
    return SCOPES[name]


def _freeze(classifier: Classifier) -> None:
    for parameter in classifier.parameters():
        parameter.requires_grad_(False)


def _biases(classifier: Classifier, _rows: Sequence[int]) -> None:
    _freeze(classifier)
    for name, parameter in classifier.encoder.named_parameters():
        parameter.requires_grad_(name.endswith("bias") and not list(added_names([f"encoder.{name}"])))


def _last_layer(classifier: Classifier, _rows: Sequence[int]) -> None:
    _freeze(classifier)
    for parameter in classifier.encoder.blocks[-1].parameters():
        parameter.requires_grad_(True)


def _everything(classifier: Classifier, rows: Sequence[int]) -> None:
    for parameter in classifier.parameters():
        parameter.requires_grad_(True)
    classifier.head.requires_grad_(False)
    classifier.add_module("head", SplitHead(classifier.head, rows))


def _fold_head(classifier: Classifier) -> None:
    head = classifier.get_submodule("head")
    assert isinstance(head, SplitHead)
    classifier.add_module("head", head.folded())


def _low_rank(classifier: Classifier, _rows: Sequence[int]) -> None:
    add_lora(classifier)


def _adaptive_rank(classifier: Classifier, _rows: Sequence[int]) -> None:
    add_adalora(classifier)


def _adapters(classifier: Classifier, _rows: Sequence[int]) -> None:
    _freeze(classifier)
    add_adapters(classifier.encoder)
    _train_added(classifier, ".adapter.")


def _prefixes(classifier: Classifier, _rows: Sequence[int]) -> None:
    _freeze(classifier)
    add_prefixes(classifier.encoder)
    _train_added(classifier, ".prefix.")


def _train_added(classifier: Classifier, mark: str) -> None:
    for name, parameter in classifier.named_parameters():
        parameter.requires_grad_(mark in name)


SCOPES = {
    TOP: Scope(_last_layer, network=TopNetwork),
    "bitfit": Scope(_biases),
    "lora": Scope(_low_rank, merge_lora),
    "adalora": Scope(_adaptive_rank, merge_adalora, allocator=allocate_ranks),
    "adapter": Scope(_adapters),
    "prefix": Scope(_prefixes),
    "full": Scope(_everything, _fold_head),
}
