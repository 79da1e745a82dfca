"""Shares and probabilities as people read them."""


def percent(share: float) -> str:
    """A share, 0 to 1: one digit below ten per cent, none above."""
    if share < 0.001:
        return "<0.1 %"
    return f"{share:.1%}".replace("%", " %") if share < 0.0995 else f"{share:.0%}".replace("%", " %")


def stated(probability: float) -> str:
    """A disease's probability: what is above 99 % no measurement tells from 99 %, and none is certain."""
    return ">99 %" if probability > 0.99 else percent(probability)
