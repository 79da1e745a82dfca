"""What policy, user and caller choose is loaded; an edit of the hospital's file counts at once."""

import math
import os
from pathlib import Path

import pytest

from app.config.packs import UserPacks, read_user_packs, write_user_packs
from app.config.policy import Policy
from app.errors import UsageError
from app.workflows.diagnose import DiagnosisService
from app.workflows.load_knowledge import KnowledgeChoice, LiveKnowledge, choose_knowledge
from app.workflows.weighed import Presentation
from knowledge_graph.errors import SourceRefused
from knowledge_graph.findings.finding import Finding
from knowledge_graph.sources.pack_reading import COMMON
from knowledge_graph.terms.occurrence import Setting
from knowledge_graph.terms.term import TermId
from ml.recognition.recogniser import Recogniser

PACK = """
[pack]
id = "ward"
name = "Ward"

[[condition]]
name = "Seaside fever"
source = "Protocol"
prevalence = "very common"
urgency = "emergency"
findings = [["HP:0001945", "Fever", "very frequent"], ["HP:0000988", "Skin rash", "frequent"]]
"""
ASKED = Presentation((Finding(TermId("HP:0001945")), Finding(TermId("HP:0000988"))))


def edit(path: Path, text: str) -> None:
    """Write, with a time that no earlier writing had."""
    newest = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, "utf-8")
    os.utime(path, ns=(newest + 10**9, newest + 10**9))


def unread() -> Recogniser:
    raise AssertionError("a list of findings needs no recogniser")


def service(live: LiveKnowledge, setting: Setting = Setting.EMERGENCY) -> DiagnosisService:
    return DiagnosisService(live.graph, None, recogniser=unread, knowledge=live, setting=setting)


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    edit(tmp_path / "ward.toml", PACK)
    return tmp_path / "ward.toml"


def test_the_common_pack_is_on_unless_policy_user_or_caller_say_otherwise() -> None:
    one, two, three = Path("/a.toml"), Path("/b.csv"), Path("/c.xml")
    policy, user = Policy(packs=(one,), setting="primary_care"), UserPacks((two,), setting="emergency")
    assert choose_knowledge(Policy(), UserPacks()) == KnowledgeChoice((COMMON,), Setting.RARE_DISEASE_CLINIC)
    chosen = choose_knowledge(policy, user, more=[three, one])
    assert chosen == KnowledgeChoice((COMMON, one, two, three), Setting.EMERGENCY)
    assert choose_knowledge(policy, UserPacks()).setting is Setting.PRIMARY_CARE
    assert choose_knowledge(policy, user, setting="primary_care").setting is Setting.PRIMARY_CARE
    assert choose_knowledge(policy, user, more=[three], bare=True).packs == (three,)
    assert choose_knowledge(Policy(common_pack=False), UserPacks()).packs == ()
    assert choose_knowledge(Policy(), UserPacks(common=False)).packs == ()


def test_the_users_choice_is_kept(tmp_path: Path) -> None:
    assert read_user_packs(tmp_path) == UserPacks()
    chosen = UserPacks((tmp_path / "a.toml",), common=False, setting="emergency")
    write_user_packs(chosen, tmp_path)
    assert read_user_packs(tmp_path) == chosen
    (tmp_path / "knowledge.json").write_text("{")
    with pytest.raises(UsageError, match="delete it"):
        read_user_packs(tmp_path)


def test_an_edit_counts_from_the_next_ranking_on(public_cache: Path, ward: Path) -> None:
    desk = service(LiveKnowledge(public_cache, KnowledgeChoice((ward,))))
    first = desk.diagnose(ASKED, top=1).lines[0]
    assert (first.disease_id, first.urgency) == ("WARD:seaside-fever", "emergency")
    edit(ward, PACK.replace("Seaside fever", "Hillside fever"))
    assert desk.diagnose(ASKED, top=1).lines[0].disease_id == "WARD:hillside-fever"


def test_a_broken_edit_leaves_the_knowledge_and_says_why(public_cache: Path, ward: Path) -> None:
    desk = service(LiveKnowledge(public_cache, KnowledgeChoice((ward,))))
    edit(ward, PACK.replace("very frequent", "often"))
    shown = desk.diagnose(ASKED, top=1)
    assert shown.lines[0].disease_id == "WARD:seaside-fever"
    assert "ward.toml:11: 'often' is not a frequency" in shown.warning
    ward.unlink()
    assert "cannot be read" in desk.diagnose(ASKED, top=1).warning
    edit(ward, PACK)
    assert desk.diagnose(ASKED, top=1).warning == ""


def test_a_pack_that_is_broken_from_the_start_is_refused(public_cache: Path, ward: Path) -> None:
    edit(ward, PACK.replace("HP:0001945", "HP:9999999"))
    with pytest.raises(SourceRefused, match=r"ward.toml:11: HP:9999999"):
        LiveKnowledge(public_cache, KnowledgeChoice((ward,)))


def test_the_parts_of_a_probability_add_up_with_the_settings_share(public_cache: Path, ward: Path) -> None:
    live = LiveKnowledge(public_cache, KnowledgeChoice((COMMON, ward)))
    for setting in Setting:
        desk = service(live, setting)
        weighed = desk.weigh(ASKED)
        fused, lines = weighed.fused, desk.differential(weighed, top=30).lines
        known = fused.log_normaliser - fused.prior_of_unstated
        for line in lines:
            parts = line.text_score + line.graph_score + line.prior_score
            parts += line.rule_score + line.same_as_score
            number = live.graph.disease_number(line.disease_id)
            assert parts - known == pytest.approx(math.log(fused.shown[number]), abs=1e-6)


def test_a_common_disease_needs_less_evidence_where_it_is_common(public_cache: Path) -> None:
    live = LiveKnowledge(public_cache, KnowledgeChoice((COMMON,)))
    cough = Presentation(tuple(Finding(TermId(t)) for t in ("HP:0012735", "HP:0001945", "HP:0002094")))
    emergency = service(live).diagnose(cough, top=10)
    assert {line.disease_id.split(":")[0] for line in emergency.lines[:5]} == {"COMMON"}
    assert emergency.lines[0].prior_score > 5
    clinic = service(live, Setting.RARE_DISEASE_CLINIC).diagnose(cough, top=10)
    assert any(line.disease_id.startswith(("OMIM", "ORPHA")) for line in clinic.lines)


def test_in_the_window_a_pack_that_cannot_be_used_is_left_out_and_told(
    public_cache: Path, ward: Path
) -> None:
    lost, gone = ward.with_name("lost.xml"), ward.with_name("gone.xml")
    edit(ward, PACK.replace("HP:0001945", "HP:9999999"))
    live = LiveKnowledge(public_cache, KnowledgeChoice((COMMON, lost, gone, ward), lenient=True))
    assert [pack.pack_id for pack in live.packs] == ["common"]
    assert all(said in live.warning for said in ("ward.toml:11: HP:9999999", "lost.xml", "gone.xml"))
    edit(ward, PACK)
    desk = service(live)
    shown = desk.diagnose(ASKED, top=1)
    assert shown.lines[0].disease_id == "WARD:seaside-fever"
    assert "lost.xml cannot be read" in shown.warning  # that one stays amiss
    assert "gone.xml cannot be read" in shown.warning
    assert "ward.toml" not in shown.warning
