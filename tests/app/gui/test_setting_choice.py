"""The setting is chosen beside the patient's name, ranks anew, shows its share, and is remembered."""

from collections.abc import Callable
from dataclasses import replace

from app.clinical.diagnosis import Elsewhere
from app.config.packs import read_user_packs
from app.gui.operations.runner import Failure
from app.gui.patient.setting_choice import WORDS
from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from knowledge_graph.terms.occurrence import Setting
from knowledge_graph.terms.term import DiseaseId
from tests.app.gui.hands import open_chart

Settle = Callable[[], None]


def test_every_setting_has_words() -> None:
    assert set(WORDS) == set(Setting)


def test_a_chosen_setting_ranks_anew_and_is_kept(window: MainWindow, vault: Vault, settle: Settle) -> None:
    page = open_chart(window, vault, settle)
    workspace = window.workspace
    assert workspace is not None
    box = page.setting.box
    assert (box.isEnabled(), box.currentData()) == (True, "rare_disease_clinic")
    opinion = page._consultation.opinion
    assert opinion is not None
    assert opinion.differential.setting == "rare_disease_clinic"
    box.setCurrentIndex(box.findData("emergency"))
    box.activated.emit(box.currentIndex())
    settle()
    again = page._consultation.opinion
    assert again is not None
    assert again.differential.setting == "emergency"
    folder = workspace.session.around.settings_file.parent
    assert read_user_packs(folder).setting == "emergency"
    workspace.load_assistant()
    settle()
    assert box.currentData() == "emergency"


def test_a_setting_that_cannot_be_kept_is_told_and_ranks_all_the_same(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = open_chart(window, vault, settle)
    told: list[Failure] = []
    window.around.runner.failed.disconnect()
    window.around.runner.failed.connect(told.append)
    (window.around.settings_file.parent / "knowledge.json").mkdir()
    page.setting.box.setCurrentIndex(page.setting.box.findData("emergency"))
    page.setting.box.activated.emit(page.setting.box.currentIndex())
    settle()
    (failure,) = told
    assert "knowledge.json" in failure.message
    opinion = page._consultation.opinion
    assert opinion is not None
    assert opinion.differential.setting == "emergency"


def test_a_patient_who_reads_like_another_setting_is_told_where_to_choose_it(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = open_chart(window, vault, settle)
    opinion = page._consultation.opinion
    assert opinion is not None
    migraine = Elsewhere("primary_care", DiseaseId("COMMON:migraine"), "Migraine")
    page.differential.show(replace(opinion.differential, elsewhere=migraine), lambda _disease: None)
    said = page.differential.standing.label.text()
    assert "reads like a patient of primary care, where Migraine would come first" in said
    assert "Alt+I" in said
