"""Audits what one sitting looks at, each view once; a vault that can't be written is left as it is."""

import hashlib

from app.clinical.diagnosis import Differential
from app.store.patient_query import chart_digest
from app.store.session import Session


class ViewLog:
    """What was seen between the opening of a vault and its closing."""

    def __init__(self, session: Session):
        self._session = session
        self._seen: set[tuple[str, str, str]] = set()

    def shown(self, patient_id: str, differential: Differential) -> None:
        """A differential was shown: which patient, model and knowledge; no disease, no finding.

        `inputs` and `list` are digests of the chart and of the ranked diseases, to prove later which they
        were.
        """
        ranked = hashlib.sha256(" ".join(line.disease_id for line in differential.lines).encode()).hexdigest()
        model, knowledge = differential.model_version[:16], differential.knowledge_version
        inputs = chart_digest(self._session, patient_id)
        detail = f"model {model}, knowledge {knowledge}, inputs {inputs[:16]}, list {ranked[:16]}"
        self._audit("differential-shown", patient_id, detail)

    def _audit(self, action: str, record_id: str, detail: str) -> None:
        view = (action, record_id, detail)
        if self._session.read_only_because is None and view not in self._seen:
            with self._session.transaction(action, record_id, detail):
                pass
            self._seen.add(view)
