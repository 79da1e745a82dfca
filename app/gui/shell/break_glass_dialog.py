"""Asks for a reason before someone whose role may not open charts does so in an emergency."""

from collections.abc import Callable

from PySide6.QtWidgets import QLineEdit, QWidget

from app.gui.session import OpenSession
from app.gui.shell.field_dialog import FieldDeed, FieldDialog
from app.store.break_glass import LONGEST, break_glass

_ABOUT = (
    "Your role does not open charts and notes. In an emergency you may do so until the vault is locked. Your "
    "name and reason are kept in the audit log, and the privacy officer reviews them. Name no patient."
)


def break_glass_dialog(parent: QWidget, session: OpenSession, then: Callable[[], object]) -> FieldDialog:
    """`then` is called once the glass is broken."""
    reason = QLineEdit(placeholderText="Why you need it now", maxLength=LONGEST)
    reason.setAccessibleName("Reason for the emergency access")
    vault = session.vault
    deed = FieldDeed(
        "Emergency access", _ABOUT, "Break the glass", lambda typed: break_glass(vault, typed), role="danger"
    )
    return FieldDialog(parent, session, deed, reason, then)
