"""How often a long computation tells how far it is: at each hundredth, not at each of its items."""


def told_share(done: int, total: int) -> float | None:
    """The share done in whole hundredths (0 to 1), where the last item completed one; else None."""
    hundredths = 100 * done // total
    return hundredths / 100 if hundredths > 100 * (done - 1) // total else None
