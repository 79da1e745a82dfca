"""Audits what one sitting looks at, before it is handed out; a vault that can't be written is left as it is.

A patient's chart, the list, all charts at once and a differential are noted once between the opening of a
vault and its closing, a search each time that it begins. No event holds a name or a word.
"""

import hashlib

from app.clinical.diagnosis import Differential
from app.store.note_search import NoteHits
from app.store.patient_query import PatientRow, chart_digest
from app.store.session import Session


class ViewLog:
    """What was seen between the opening of a vault and its closing."""

    def __init__(self, session: Session):
        self._session = session
        self._seen: set[tuple[str, ...]] = set()
        self._searched = ""

    def opened(self, patient_id: str) -> None:
        """A chart was opened, or a part of it."""
        self._note(("chart-opened", patient_id), "")

    def listed(self, rows: list[PatientRow]) -> list[PatientRow]:
        """Patients are listed; of a long list the event says how many the first page had."""
        self._note(("patients-listed", ""), f"{len(rows)} patients")
        return rows

    def read_all(self, count: int) -> None:
        """Every chart was read, to count, compare or guess."""
        self._note(("all-charts-read", ""), f"{count} patients")

    def searched(self, query: str, hits: NoteHits) -> NoteHits:
        """Notes were searched; a query that is typed on is the search that it began as."""
        goes_on = bool(self._searched) and query.startswith(self._searched)
        if query.strip() and not goes_on:
            among = " among the newest" if hits.older_left_out else ""
            self._audit("notes-searched", "", f"{len(hits)} notes{among}")
        self._searched = query
        return hits

    def forget(self) -> None:
        """The sitting has ended."""
        self._seen.clear()
        self._searched = ""

    def shown(self, patient_id: str, differential: Differential) -> None:
        """A differential was shown: which patient, model and knowledge; no disease, no finding.

        `inputs` and `list` are digests of the chart and of the ranked diseases, to prove later which they
        were.
        """
        ranked = hashlib.sha256(" ".join(line.disease_id for line in differential.lines).encode()).hexdigest()
        model, knowledge = differential.model_version[:16], differential.knowledge_version
        inputs = chart_digest(self._session, patient_id)
        detail = f"model {model}, knowledge {knowledge}, inputs {inputs[:16]}, list {ranked[:16]}"
        self._note(("differential-shown", patient_id, detail), detail)

    def _note(self, view: tuple[str, ...], detail: str) -> None:
        """Audit a view, by its action and record, the first time."""
        if view not in self._seen:
            self._audit(view[0], view[1], detail)
            self._seen.add(view)

    def _audit(self, action: str, record_id: str, detail: str) -> None:
        if self._session.read_only_because is None:
            with self._session.transaction(action, record_id, detail):
                pass
