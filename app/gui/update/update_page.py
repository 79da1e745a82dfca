"""The update file: read exactly what would leave, then sign it with the privacy officer and save it."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QTextBrowser,
    QWidget,
)

from app.gui.operations.runner import Failure
from app.gui.session import OpenSession
from app.gui.shell.choice import choice_box
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import (
    button,
    card,
    field_form,
    label,
    named_field,
    page_frame,
    row,
    scrolled,
    set_role,
)
from app.gui.shell.reading import limit_lines
from app.gui.shell.row_ring import choose_rows
from app.gui.shell.width_watch import WidthWatch, turn
from app.gui.shell.withheld import withhold_writing
from app.store.vault import Vault
from app.workflows.export_update import ExportedUpdate, export_update
from app.workflows.list_models import list_models
from app.workflows.review_update import UpdateReview, review_update
from ml.privacy.ledger import MECHANISM
from ml.registry.model_version import ModelVersion

COLUMNS = ("Part", "Shape", "Bytes")
ROOM_FOR_TWO = 700  # pixels at 100 % text


class UpdatePage:
    """At the left what leaves, at the right who signs and where it goes."""

    def __init__(self, session: OpenSession) -> None:
        self._session = session
        self._review: UpdateReview | None = None
        self.version = choice_box("Version to export")
        self.text = QTextBrowser()
        limit_lines(self.text, session.look)
        self.table = QTableWidget(0, len(COLUMNS))
        self.recipient = QLineEdit()
        self.passphrase = QLineEdit()
        self.path = QLineEdit()
        self.message = label("", "notice", wrap=True)
        self.choose_button = button("Choose…", self.choose, tip="Where the file is written")
        self.sign_button = button("Sign and save", self.sign, role="primary")
        self.widget, column, _head = page_frame(
            "Update file",
            "The only thing that ever leaves the hospital. Nothing is written before it is signed.",
        )
        column.addWidget(self._body(), 1)
        for field in (self.recipient, self.passphrase, self.path):
            field.textChanged.connect(lambda _text: self._show_ready())
        self.version.activated.connect(lambda _index: self._choose_version())
        self._tell("", "muted")
        withhold_writing(session, self.sign_button)

    def refresh(self) -> None:
        """List the versions that learned privately here, and review the latest."""
        vault = self._session.vault
        if not self._session.around.policy.export_allowed:
            self._without_review(Failure(_FORBIDDEN, expected=True))
            return
        self._session.runner.read(lambda: private_versions(vault), self._list, self._without_review)

    def _list(self, versions: tuple[ModelVersion, ...]) -> None:
        chosen = self.version.currentData()
        self.version.clear()
        for found in versions:
            spent = f"epsilon {found.card.privacy.epsilon:.3g}"
            words = f"{found.version_id[:12]}   {found.card.created_at[:10]}   {spent}"
            self.version.addItem(words, found.version_id)
        self.version.setVisible(bool(versions))
        self.version.setCurrentIndex(max(self.version.findData(chosen), 0))
        if versions:
            self._read_review()
        else:
            self._without_review(Failure(_NOTHING, expected=True))

    def _choose_version(self) -> None:
        """What is shown of the one before can't be signed any more."""
        self._review = None
        self.text.setPlainText("Reading what would leave…")
        self.table.hide()
        self._show_ready()
        self._read_review()

    def _read_review(self) -> None:
        vault, version_id = self._session.vault, str(self.version.currentData())

        def is_chosen() -> bool:
            return bool(self.version.currentData() == version_id)

        self._session.runner.read(
            lambda: review_update(vault, version_id=version_id),
            lambda review: self._show(review) if is_chosen() else None,
            lambda failure: self._without_review(failure) if is_chosen() else None,
        )

    def sign(self) -> None:
        """Sign exactly what is shown and write the file."""
        review, vault, policy = self._review, self._session.vault, self._session.around.policy
        if review is None or not self._ready():
            return
        path, recipient, passphrase = self._target(), self.recipient.text().strip(), self.passphrase.text()
        self.passphrase.clear()
        self.sign_button.setEnabled(False)
        self._tell("Signing…", "muted")
        self._session.runner.write(
            lambda: export_update(
                vault, review, path, officer_passphrase=passphrase, recipient=recipient, policy=policy
            ),
            self._saved,
            self._refuse,
        )

    def clear(self) -> None:
        """Leave nothing on the screen."""
        self._review = None
        for field in (self.recipient, self.passphrase, self.path):
            field.clear()
        self.text.clear()
        self.table.setRowCount(0)

    def _body(self) -> QWidget:
        inner = QWidget()
        body = row(spacing=14)
        body.addWidget(self._review_card(), 3)
        body.addWidget(self._sign_card(), 2)
        inner.setLayout(body)
        look = self._session.look
        self._watch = WidthWatch(self.widget, look, lambda width: turn(body, beside=width >= ROOM_FOR_TWO))
        return scrolled(inner)

    def _review_card(self) -> QWidget:
        frame, column = card()
        column.addLayout(row(label("What exactly leaves", "heading"), self.version))
        self.text.setProperty("role", "bare")
        self.text.setAccessibleName("What the update file would hold")
        self.text.setMinimumHeight(self._session.look.px(150))
        column.addWidget(self.text, 3)
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        self.table.setProperty("role", "bare")
        self.table.setAccessibleName("Parts of the update file")
        self.table.setShowGrid(False)
        choose_rows(self.table, self._session.look)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(self._session.look.px(30))
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        column.addWidget(self.table, 1)
        return frame

    def _sign_card(self) -> QWidget:
        frame, column = card()
        column.addWidget(label("Sign and save", "heading"))
        column.addWidget(label(_WHO, "muted", wrap=True))
        self.recipient.setPlaceholderText("age1…  (the coordinator's address)")
        self.passphrase.setEchoMode(QLineEdit.EchoMode.Password)
        self.passphrase.setPlaceholderText("The officer's own passphrase")
        self.path.setPlaceholderText("hospital.fedupdate")
        form = field_form()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        form.addRow(named_field("&Recipient", self.recipient), self.recipient)
        place = QWidget()
        place.setLayout(row(self.path, self.choose_button))
        form.addRow(named_field("&File", self.path), place)
        form.addRow(named_field("&Privacy officer's passphrase", self.passphrase), self.passphrase)
        column.addLayout(form)
        column.addWidget(self.message)
        column.addStretch(1)
        column.addLayout(row(None, self.sign_button))
        return frame

    def choose(self) -> None:
        """Ask where to write."""
        name, _kind = QFileDialog.getSaveFileName(
            self.widget, "Save the update file", "hospital.fedupdate", "Update file (*.fedupdate)"
        )
        if name:
            self.path.setText(name)

    def _show(self, review: UpdateReview) -> None:
        self._review = review
        self.text.setPlainText(in_paragraphs(review.paragraphs))
        self.table.setRowCount(len(review.tensors))
        for number, part in enumerate(review.tensors):
            shape = " x ".join(f"{n:,}" for n in part.shape)
            for column, cell in enumerate((part.name, shape, f"{part.bytes:,}")):
                self.table.setItem(number, column, QTableWidgetItem(cell))
        self.table.show()
        self._tell("Read it first. The signature is for exactly these bytes.", "muted")
        self._show_ready()

    def _without_review(self, failure: Failure) -> None:
        self._review = None
        self.text.setPlainText(f"Nothing can leave now.\n\n{sentence(failure.message)}")
        self.table.setRowCount(0)
        self.table.hide()
        self._tell("", "muted")
        self._show_ready()

    def _saved(self, written: ExportedUpdate) -> None:
        size = f"{written.bytes / 1e6:.1f} MB"
        self._tell(f"{written.path.name} is written ({size}, sha256 {written.sha256[:16]}…).", "notice")
        self._show_ready()

    def _refuse(self, failure: Failure) -> None:
        self._tell(sentence(failure.message), "error")
        self._show_ready()

    def _target(self) -> Path:
        return Path(self.path.text().strip()).expanduser()

    def _ready(self) -> bool:
        fields = (self.recipient, self.passphrase, self.path)
        return self._review is not None and all(field.text().strip() for field in fields)

    def _missing(self) -> str:
        return (
            _UNFILLED if self._review is not None else "Nothing can leave now: the text at the left says why"
        )

    def _show_ready(self) -> None:
        for field in (self.recipient, self.passphrase, self.path, self.choose_button):
            field.setEnabled(self._review is not None)
        self.sign_button.setEnabled(self._ready())
        self.sign_button.setToolTip("" if self._ready() else self._missing())

    def _tell(self, text: str, role: str) -> None:
        set_role(self.message, role)
        self.message.setText(text)
        self.message.setVisible(bool(text))


def in_paragraphs(lines: Sequence[str]) -> str:
    """The review with an empty line before each new subject."""
    told = [f"\n{line}" if line.startswith(_SUBJECTS) else line for line in lines]
    return "\n".join(told)


def private_versions(vault: Vault) -> tuple[ModelVersion, ...]:
    """Versions that a private run at this site made, latest first."""
    found = [row.version for row in list_models(vault)]
    return tuple(v for v in reversed(found) if v.card.privacy.mechanism == MECHANISM)


_SUBJECTS = ("It does not hold", "Privacy:", "Mechanism:", "In all")
_NOTHING = "no version here has learned from patients yet; train and publish one first"
_FORBIDDEN = "this hospital's policy does not allow update files to leave; ask IT"
_UNFILLED = "Fill in the recipient, the file and the privacy officer's passphrase"
_WHO = (
    "Two keys sign: the site's, which lies in this vault, and the privacy officer's own, which only her "
    "passphrase opens. The file can be opened by the coordinator alone."
)
