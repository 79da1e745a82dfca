"""What a list paints with and shows ends with the list, not when some thread's collector comes by."""

from PySide6.QtWidgets import QAbstractItemView, QComboBox, QListWidget

from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from tests.app.gui.hands import Settle, open_chart


def test_every_lists_delegate_and_model_are_its_own(window: MainWindow, vault: Vault, settle: Settle) -> None:
    open_chart(window, vault, settle)
    lists = [view for view in window.findChildren(QAbstractItemView) if type(view.parent()) is not QComboBox]
    ours = [view for view in lists if type(view.itemDelegate()).__module__.startswith("app.gui")]
    assert len([view for view in ours if isinstance(view, QListWidget)]) >= 7
    assert [view.accessibleName() for view in ours if view.itemDelegate().parent() is not view] == []
    models = {view.model() for view in lists if type(view.model()).__module__.startswith("app.gui")}
    assert len(models) == 2  # of the patients and of the audit log
    assert all(isinstance(model.parent(), QAbstractItemView) for model in models)
