"""The policy file is read strictly: a policy that cannot be understood stops the program."""

from pathlib import Path

import pytest

from app.config.policy import Policy, load_policy
from app.errors import PolicyError


def test_a_missing_policy_means_the_defaults(tmp_path: Path) -> None:
    assert load_policy(tmp_path / "none.toml") == Policy()


def test_a_policy_is_read(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(
        'idle_lock_s = 60\nepsilon_cap = 3.0\nexport_allowed = false\nimport_folders = ["/srv/in"]\n'
    )
    policy = load_policy(file)
    assert (policy.idle_lock_s, policy.epsilon_cap, policy.export_allowed) == (60, 3.0, False)
    assert policy.import_folders == (Path("/srv/in"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("idle_lock_s = 1", "idle_lock_s"),
        ("epsilon_cap = 0", "epsilon_cap"),
        ('epsilon_cap = "much"', "epsilon_cap"),
        ('import_folders = ["here"]', "absolute"),
        ("idle_locks = 60", "idle_locks"),
        ("idle_lock_s = = 1", "not valid"),
        ('question_costs = "costs.toml"', "question_costs .* absolute"),
        ("export_allowed = 1", "export_allowed"),
        ("a = " + "[" * 50_000, "not valid .*deep"),
        ("idle_lock_s = " + "9" * 5_000, "not valid"),
        ("# " + "x" * (1 << 20), "cannot be read"),
        ('"two\\nlines" = 1', "not valid"),
        ('[[report_groups]]\nname = "Sex"', "'Sex' is a group of every report"),
        ('[[report_groups]]\nname = "a"\n[[report_groups]]\nname = "a"', "there twice"),
        ('[[report_groups]]\nname = "a"\nsex = "woman"', "female or male"),
        ('[[report_groups]]\nname = "a"\nfrom_age = 80\nbelow_age = 70', "from_age below below_age"),
        ('[[report_groups]]\nname = "a"\nfrom_age = 70\nbelow_age = 70', "from_age below below_age"),
        ('[[report_groups]]\nname = "a"\nbelow_age = nan', "between 0 and 150"),
    ],
)
def test_a_policy_that_cannot_be_understood_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(PolicyError, match=says):
        load_policy(file)
