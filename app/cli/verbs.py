"""The table of verbs: name, one-line help, and the module that holds `configure` and `run`.

A verb's module is imported only when it is called, so that `anamnesis --help` and a
diagnosis start without torch and Qt.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb of the command line."""

    name: str
    help: str
    module: str


VERBS: tuple[Verb, ...] = (
    Verb("demo", "run the whole main job on a synthetic hospital", "app.cli.demo"),
    Verb("vault", "create, check, back up and restore the encrypted store", "app.cli.vault"),
    Verb("import", "bring records into a vault", "app.cli.import_records"),
    Verb("patients", "list a vault's patients and their ids", "app.cli.patients"),
    Verb("notes", "find notes by their words", "app.cli.notes"),
    Verb("note", "mark a note as entered in error, or let it count again", "app.cli.note"),
    Verb("findings", "find HPO terms in a text", "app.cli.findings"),
    Verb("diagnose", "rank diseases for a patient, a text or a list of findings", "app.cli.diagnose"),
    Verb("ask", "say which finding to ask about or test next, and what it would tell", "app.cli.ask"),
    Verb("rules", "check, list and trace red flags and other rules", "app.cli.rules"),
    Verb("knowledge", "list, add, remove and check the knowledge packs beside HPO", "app.cli.knowledge"),
    Verb("similar", "show diseases and local patients with like findings", "app.cli.similar"),
    Verb("evaluate", "measure the ranking on cases with a known diagnosis", "app.cli.evaluate"),
    Verb("labels", "count a vault's labels, list contradictions and weak labels", "app.cli.labels"),
    Verb("train", "fine-tune on the vault's labels with DP-SGD", "app.cli.train"),
    Verb("publish", "export a model to ONNX, check and register it", "app.cli.publish"),
    Verb("models", "list the model versions of a vault", "app.cli.models"),
    Verb("rollback", "go back to an earlier model version", "app.cli.rollback"),
    Verb("privacy", "show the privacy ledger: spent, left, per run", "app.cli.privacy"),
    Verb("update", "make, inspect, verify, aggregate and apply federated updates", "app.cli.update"),
    Verb("audit", "verify or show the audit chain", "app.cli.audit"),
    Verb("build-model", "rebuild the starting model from synthetic patients", "app.cli.build_model"),
    Verb("search", "look for good training settings on synthetic patients", "app.cli.search"),
    Verb("benchmark", "measure both sides of a speed in one run", "app.cli.benchmark"),
    Verb("self-test", "check that every part of the installation works", "app.cli.self_test"),
    Verb("worker", "run a worker process (used by the program itself)", "app.cli.worker"),
)
