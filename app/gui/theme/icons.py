"""Icons: one-colour drawings from `resources/icons`, tinted with a theme colour."""

from importlib import resources

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from app.gui.theme.look import Look


def pixmap(look: Look, name: str, *, role: str = "muted", size: int = 18) -> QPixmap:
    """An icon as a pixmap of `size` logical pixels (twice that many physical ones), kept by Qt's cache."""
    side, color = look.px(size) * 2, look.color(role).name()
    key, made = f"{name} {color} {side}", QPixmap()
    if not QPixmapCache.find(key, made):
        made = _drawn(name, color=color, side=side)
        QPixmapCache.insert(key, made)
    return made


def icon(look: Look, name: str, *, role: str = "muted", checked: str = "accent") -> QIcon:
    """An icon that takes another colour while its button is checked."""
    made = QIcon(pixmap(look, name, role=role))
    made.addPixmap(pixmap(look, name, role=checked), QIcon.Mode.Normal, QIcon.State.On)
    made.addPixmap(pixmap(look, name, role="control"), QIcon.Mode.Disabled, QIcon.State.Off)
    return made


def _drawn(name: str, *, color: str, side: int) -> QPixmap:
    """An icon in `#rrggbb`, `side` physical pixels wide and high."""
    svg = (resources.files("resources") / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    image = QPixmap(side, side)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(svg.replace("currentColor", color).encode())).render(painter)
    painter.end()
    image.setDevicePixelRatio(2.0)
    return image
