"""Icons: one-colour drawings from `resources/icons`, tinted with a theme colour."""

from importlib import resources

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.gui.theme.look import Look


def draw_icon(painter: QPainter, name: str, *, color: str, at: QRectF) -> None:
    """Paint an icon in `#rrggbb` into a rectangle."""
    svg = (resources.files("resources") / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    renderer = QSvgRenderer(QByteArray(svg.replace("currentColor", color).encode()))
    renderer.render(painter, at)


def pixmap(look: Look, name: str, *, role: str = "muted", size: int = 18) -> QPixmap:
    """An icon as a pixmap of `size` logical pixels (twice that many physical ones)."""
    side = look.px(size)
    image = QPixmap(QSize(side * 2, side * 2))
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    draw_icon(painter, name, color=look.color(role).name(), at=QRectF(0, 0, side * 2, side * 2))
    painter.end()
    image.setDevicePixelRatio(2.0)
    return image


def icon(look: Look, name: str, *, role: str = "muted", checked: str = "accent") -> QIcon:
    """An icon that takes another colour while its button is checked."""
    made = QIcon(pixmap(look, name, role=role))
    made.addPixmap(pixmap(look, name, role=checked), QIcon.Mode.Normal, QIcon.State.On)
    made.addPixmap(pixmap(look, name, role="control"), QIcon.Mode.Disabled, QIcon.State.Off)
    return made
