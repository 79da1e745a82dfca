"""The system's keyring of one account on one device, in memory; `test_secret_service` has a real one."""

from dataclasses import dataclass, field


@dataclass
class Keyring:
    """One account's keyring on one device; `fails` is what the bus does."""

    kept: dict[tuple[str, str], str] = field(default_factory=dict)
    fails: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        if self.fails is not None:
            raise self.fails
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.fails is not None:
            raise self.fails
        self.kept[service, username] = password
