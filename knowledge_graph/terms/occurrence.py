"""How often a disease is met, where, and how soon it must be acted on."""

from enum import StrEnum


class Setting(StrEnum):
    """Where the patient is seen: what is common in one place is rare in another."""

    EMERGENCY = "emergency"
    PRIMARY_CARE = "primary_care"
    RARE_DISEASE_CLINIC = "rare_disease_clinic"


class Prevalence(StrEnum):
    """How often a disease is what a patient of a setting has (weights: `resources/priors.toml`)."""

    VERY_COMMON = "very common"
    COMMON = "common"
    UNCOMMON = "uncommon"
    RARE = "rare"


class Urgency(StrEnum):
    """How soon a suspected disease must be acted on."""

    EMERGENCY = "emergency"  # now: life, limb, sight or organ at risk
    URGENT = "urgent"  # within a day or so
    ROUTINE = "routine"
