"""Self-test of the reasoning: knowledge, recogniser, text model, where it runs, and their fusion."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from app.config.packs import UserPacks
from app.config.policy import load_policy
from app.errors import PartBroken
from app.workflows.diagnose import DiagnosisService
from app.workflows.load_knowledge import choose_knowledge, load_graph
from app.workflows.load_rules import load_rules
from app.workflows.suggest_findings import build_recogniser
from app.workflows.weighed import Presentation
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.facts import Facts
from knowledge_graph.rules.trace import apply_rules
from knowledge_graph.sources.hpo_release import content_hash, find_release
from knowledge_graph.terms.term import TermId
from ml.errors import ModelFileError
from ml.inference.predictor import Predictor
from ml.inference.providers import cuda_compiled
from ml.inference.version_loading import card_precision, cpu_precision, load_predictor
from ml.recognition.recogniser import Recogniser
from ml.registry.model_version import VersionContent
from ml.registry.starting_model import starting_version
from ml.text.encoder_files import find_encoder

NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
MARFAN = frozenset({"OMIM:154700", "ORPHA:558"})
PICTURE = (
    *("HP:0001166", "HP:0000098", "HP:0001083", "HP:0002616"),  # spidery fingers, tall, lens, aortic root
    *("HP:0002650", "HP:0000767", "HP:0001634", "HP:0000545"),  # spine, chest, mitral valve, short sight
)
NOTE = (
    "A tall man with arachnodactyly, ectopia lentis, scoliosis and pectus excavatum. "
    "Echocardiography shows an aortic root aneurysm and mitral valve prolapse. No intellectual disability."
)
ALARM = ("HP:0001945", "HP:0031179", "HP:0000613")  # fever, stiff neck, photophobia
SENTENCE = "The boy has a cleft palate but no seizures. His mother has scoliosis."
EXPECTED = {
    ("HP:0000175", "observed", "patient"),
    ("HP:0001250", "excluded", "patient"),
    ("HP:0002650", "observed", "family"),
}
REINSTALL = "install the program again"


@dataclass
class Reasoning:
    """The parts that later checks build on, each loaded when first asked for."""

    cache_dir: Path
    provider: str = "auto"

    @cached_property
    def graph(self) -> CompiledGraph:
        """The compiled knowledge."""
        return load_compiled(self.cache_dir)

    @cached_property
    def recogniser(self) -> Recogniser:
        """What finds terms in notes."""
        return build_recogniser(self.graph, self.cache_dir)

    @cached_property
    def starting(self) -> VersionContent:
        """The starting model, every byte checked."""
        try:
            return starting_version()
        except ModelFileError as error:
            raise PartBroken(f"the program's own model cannot be used ({error}); {REINSTALL}") from error

    @cached_property
    def predictor(self) -> Predictor:
        """The starting model on the processor."""
        return load_predictor(self.starting, find_encoder(), provider="cpu")

    def service(self, *, with_text: bool) -> DiagnosisService:
        """Knowledge alone, or with the text model."""
        return DiagnosisService(
            self.graph, self.predictor if with_text else None, recogniser=lambda: self.recogniser
        )


def check_release(parts: Reasoning) -> str:
    """The HPO release is there, with its version."""
    release = find_release()
    return f"HPO {parts.graph.version}, content {content_hash(release)[:12]}"


def check_graph(parts: Reasoning) -> str:
    """A hand-made picture of Marfan syndrome is recognised by the knowledge alone."""
    picture = tuple(Finding(TermId(term), FindingState.OBSERVED) for term in PICTURE)
    first = parts.service(with_text=False).diagnose(Presentation(picture), top=1).lines[0]
    if first.disease_id not in MARFAN:
        raise PartBroken(
            f"a picture of Marfan syndrome ranks {first.disease_id} first; delete {parts.cache_dir}, "
            f"and where that does not help, {REINSTALL}"
        )
    graph = parts.graph
    return f"{len(graph.term_ids):,} terms, {len(graph.disease_ids):,} diseases; Marfan syndrome ranks first"


def check_rules(parts: Reasoning, policy: Path | None = None) -> str:
    """The program's rules see a picture of meningitis; the policy's rules file has no mistake."""
    book = load_rules(parts.graph)
    facts = Facts(tuple(Finding(TermId(term)) for term in ALARM))
    if not apply_rules(parts.graph, book, facts).alerts:
        raise PartBroken(f"a picture of meningitis raises no alert; {REINSTALL}")
    told = f"{len(book.red_flags) + len(book.pairs)} red flags and pairs; a picture of meningitis raises one"
    rules = load_policy(policy)
    own = rules.rules_file
    if own is None:
        return told
    load_rules(load_graph(parts.cache_dir, choose_knowledge(rules, UserPacks())), (own,))
    return f"{told}; {own} is in force"


def check_recogniser(parts: Reasoning) -> str:
    """A sentence with an observed, an excluded and a relative's finding."""
    found = {(m.term_id, m.state, m.experiencer) for m in parts.recogniser.mentions(SENTENCE)}
    if found != EXPECTED:
        raise PartBroken(f"a plain sentence is misread ({sorted(found)}); {REINSTALL}")
    return "observed, excluded and a relative's finding told apart"


def check_encoder(_parts: Reasoning) -> str:
    """Every file of the text encoder is the published one."""
    encoder = find_encoder()
    return f"{encoder.name}, {len(encoder.tensors())} tensors, sha256 {encoder.weights_sha256[:12]}"


def check_starting_model(parts: Reasoning) -> str:
    """The shipped model's bytes are right, ONNX Runtime runs it, and its answer is a distribution."""
    content, predictor = parts.starting, parts.predictor
    _check_distribution(predictor)
    name = content.version.version_id[:12]
    return f"{name}, every byte checked; ONNX Runtime runs {cpu_precision(content)} on {predictor.provider}"


def check_fusion(parts: Reasoning) -> str:
    """A note about Marfan syndrome, read, ranked by both and fused into one distribution."""
    service = parts.service(with_text=True)
    shown = service.diagnose_text(NOTE, sex=Sex.MALE, age=None, top=10)
    first = shown.lines[0]
    if first.disease_id not in MARFAN or not 0 < first.probability <= 1:
        raise PartBroken(f"a note about Marfan syndrome ranks {first.disease_id} first; {REINSTALL}")
    if not first.evidence or first.graph_score == 0 or first.text_score == 0:
        raise PartBroken(f"the differential lacks the graph's or the text's share; {REINSTALL}")
    return f"note to differential: {first.disease_id} first at {first.probability:.0%}"


def gpu_is_absent(parts: Reasoning) -> str:
    """Why no GPU is used, where nobody asked for one and none could be; else empty."""
    if parts.provider == "cpu":
        return "not asked for (--provider cpu)"
    if parts.provider != "auto" or cuda_compiled():
        return ""
    if NVIDIA_DRIVER.exists():
        return (
            "there is an NVIDIA GPU, but this ONNX Runtime is for the processor; "
            "an installation from source takes the GPU's: python3 installer/bootstrap.py setup"
        )
    return "no NVIDIA driver here; the processor is used"


def check_gpu(parts: Reasoning) -> str:
    """The session really runs on the card. Where a driver is there and CUDA fails, that is a fault, said."""
    predictor = load_predictor(parts.starting, find_encoder(), provider=parts.provider)
    if predictor.provider == "cpu":
        raise PartBroken(
            "ONNX Runtime was built for CUDA but its session runs on the processor; install NVIDIA's driver "
            "and the gpu extra, or take the GPU build away with onnxruntime in its place"
        )
    _check_distribution(predictor)
    precision = "half precision" if predictor.provider == "tensorrt" else card_precision(parts.starting)
    return f"ONNX Runtime runs {precision} on {predictor.provider}"


def _check_distribution(predictor: Predictor) -> None:
    total = float(np.exp(predictor.log_probabilities([NOTE])).sum())
    if not np.isclose(total, 1.0, atol=1e-6):
        raise PartBroken(f"the text model's probabilities add up to {total:g}, not 1; {REINSTALL}")
