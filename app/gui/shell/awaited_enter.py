"""Enter in a field that searches: it takes what belongs to the words that stand there, and nothing older."""

from collections.abc import Callable

from PySide6.QtWidgets import QLineEdit


class AwaitedEnter:
    """Takes the answer to what is typed at once where it is there, else when it comes."""

    def __init__(self, field: QLineEdit, take: Callable[[], object]) -> None:
        self._take = take
        self._answered = True
        self._pressed = False
        field.textChanged.connect(lambda _text: self.expect())
        field.returnPressed.connect(self.press)

    def expect(self) -> None:
        """Something else is asked; what is listed is not its answer, and Enter was not meant for it."""
        self._answered = self._pressed = False

    def answer(self) -> None:
        """What is listed answers what was asked last."""
        pressed, self._answered, self._pressed = self._pressed, True, False
        if pressed:
            self._take()

    def press(self) -> None:
        """Enter was pressed in the field."""
        if self._answered:
            self._take()
        else:
            self._pressed = True
