"""The model of answers as if publications were unknown: how questions fare on patients never seen."""

import numpy as np
import numpy.typing as npt

from knowledge_graph.questions.answer_model import AnswerModel, Said, answers_of, of_entries
from knowledge_graph.ranking.denial import denied_pairs
from knowledge_graph.ranking.dropped_publication import DroppedPublication


def answers_without(
    model: AnswerModel, dropped: DroppedPublication, references: set[str], shown_as: npt.NDArray[np.intp]
) -> AnswerModel:
    """A model of `dropped`'s graph without the rows of these publications; the background keeps its value."""
    graph = dropped.graph
    touched = dropped.diseases(references)
    if not touched:
        return model
    lines = np.unique(shown_as[list(touched)])
    members = np.flatnonzero(np.isin(shown_as, lines)).tolist()
    anew, said = answers_of(
        graph, _said_of(members, dropped, references), floor=model.floor, shown_as=shown_as
    )
    kept = ~np.isin(model.disease, lines)
    width = len(shown_as)
    key = model.owner[kept].astype(np.int64) * width + model.disease[kept]
    place = np.searchsorted(key, anew)
    return of_entries(
        np.insert(key, place, anew),
        np.insert(model.probability[kept], place, said),
        floor=model.floor,
        width=width,
    )


def _said_of(members: list[int], dropped: DroppedPublication, references: set[str]) -> Said:
    """What some ids say without the publications."""
    graph = dropped.graph
    profiles = [dropped.profile(member, references)[1] for member in members]
    shown = {member: set(terms.tolist()) for member, (terms, _) in zip(members, profiles, strict=True)}
    return Said(
        np.concatenate([terms for terms, _ in profiles]).astype(np.intp),
        np.repeat(np.array(members, np.int32), [len(terms) for terms, _ in profiles]),
        np.concatenate([likely for _, likely in profiles]),
        denied_pairs(graph, dropped.denied(members, references), shown=shown),
    )
