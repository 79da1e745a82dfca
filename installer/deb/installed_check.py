"""What must hold of the packages in a clean system: they work, and they keep what is the user's."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from installer.deb.archive import pack
from installer.deb.clean_root import CleanRoot
from installer.deb.package import POLICY, PROGRAM, TRAINER

USER = "doctor"
HOME = f"/home/{USER}"
VAULT = f"{HOME}/ward.vault"
NOTE = f"{HOME}/inbox/note.txt"
PASSPHRASE = "correct horse battery staple\n"
STAYS_OPEN_S = 5
EDITED = f'idle_lock_s = 120\nepsilon_cap = 2.0\nexport_allowed = false\nimport_folders = ["{HOME}/inbox"]\n'
NOT_UNDERSTOOD = "idle_lock = 120\n"
RECIPIENT = "age1ucjjcswrrhwnuygy9fxctwe43ckck584g7x8y4lmt8d2dy3m9fyq6swxg5"  # whose secret half nobody has
OUTSIDE = "/var/tmp/elsewhere.txt"  # of the clean system: in no folder that the edited policy names
UPGRADE_SUFFIX = "+upgrade"
SIGN_IN = ("--vault", VAULT, "--user", USER, "--passphrase-stdin")
APT = ("apt-get", "--yes", "--quiet", "--no-install-recommends", "--option=Dpkg::Options::=--force-confold")


class CheckFailed(Exception):
    """A promise of the package does not hold; the message says which, and what was seen."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that held, how long it took, and a detail worth knowing."""

    what: str
    seconds: float
    detail: str


def check_packages(root: CleanRoot, packages: Sequence[Path]) -> Iterator[Step]:
    """Install, use, upgrade, remove and purge; raises CheckFailed at the first broken promise."""
    has_trainer = any(package.name.startswith(TRAINER.name + "_") for package in packages)
    _forget_earlier_runs(root)
    deeds: list[tuple[str, Callable[[], str]]] = [
        ("silent install", lambda: _install(root, packages)),
        ("every library is found", lambda: _libraries(root)),
        ("version", lambda: _as_user(root, "--version")),
        ("findings in a text, first start", lambda: _findings(root)),
        ("findings in a text, second start", lambda: _findings(root)),
        ("differential", lambda: _differential(root)),
        ("window opens and stays", lambda: _window(root)),
        ("self-test", lambda: _self_test(root)),
    ]
    if has_trainer:
        deeds += [(f"worker {name}", partial(_worker, root, name)) for name in ("train", "export")]
        deeds += [("demo: the whole main job, quick", lambda: _demo(root))]
    deeds += [
        ("vault made", lambda: _make_vault(root)),
        ("edited policy honoured: imports", lambda: _imports_held(root)),
        ("edited policy honoured: epsilon, export", lambda: _limits_held(root)),
        ("a policy that is not understood stops the program", lambda: _no_guessing(root)),
        ("upgrade keeps vault and policy", lambda: _upgrade(root, packages)),
        ("removal keeps vault and policy", lambda: _remove(root)),
        ("purge keeps the vault, takes the policy", lambda: _purge(root)),
        ("a second install opens the vault", lambda: _install_again(root, packages)),
    ]
    for what, deed in deeds:
        start = time.monotonic()
        detail = deed()
        yield Step(what, round(time.monotonic() - start, 2), detail)


def _forget_earlier_runs(root: CleanRoot) -> None:
    root.run("apt-get", "purge", "--yes", PROGRAM.name, TRAINER.name, check=False)
    if root.run("id", USER, check=False).returncode != 0:
        root.run("useradd", "--create-home", USER)
    root.run(
        "rm",
        "-rf",
        "/etc/anamnesis",
        VAULT,
        f"{HOME}/.cache",
        f"{HOME}/.config",
        f"{HOME}/inbox",
        f"{HOME}/demo",
    )
    root.run("mkdir", "-p", f"{HOME}/inbox", user=USER)
    text = "The boy has seizures since infancy, no hypotonia, and cleft palate.\n"
    (root.folder / NOTE.lstrip("/")).write_text(text, encoding="utf-8")
    shutil.copyfile(root.folder / NOTE.lstrip("/"), root.folder / OUTSIDE.lstrip("/"))


def _install(root: CleanRoot, packages: Sequence[Path]) -> str:
    inside = _carried_in(root, packages)
    done = root.run(*APT, "install", *inside, check=False)
    _require(done.returncode == 0, "the packages do not install", done)
    _require(
        "DEBCONF" not in done.stdout and "(Y/I/N/O/D/Z)" not in done.stdout,
        "the install asks questions",
        done,
    )
    sizes = root.run(
        "dpkg-query", "--show", "--showformat=${Package} ${Installed-Size} KiB; ", "anamnesis*"
    ).stdout
    return sizes.strip()


def _libraries(root: CleanRoot) -> str:
    script = (
        "find /usr/lib/anamnesis -name '*.so*' -exec env "
        "LD_LIBRARY_PATH=/usr/lib/anamnesis/program/_internal:/usr/lib/anamnesis/trainer/_internal "
        "ldd {} + 2>/dev/null | grep 'not found' | sort -u"
    )
    missing = root.run("sh", "-c", script, check=False).stdout.strip()
    _require(not missing, f"libraries are missing: {missing}")
    return root.run("sh", "-c", "find /usr/lib/anamnesis -name '*.so*' | wc -l").stdout.strip() + " libraries"


def _findings(root: CleanRoot) -> str:
    output = _as_user(root, "findings", "--text", NOTE)
    _require("HP:0001250" in output and "excluded" in output, f"findings are wrong: {output}")
    return "seizure observed, hypotonia excluded"


def _differential(root: CleanRoot) -> str:
    output = _as_user(root, "diagnose", "--findings", "HP:0001250,-HP:0001252", "--top", "1")
    _require("Seizure" in output, f"the differential is wrong: {output}")
    return output.splitlines()[0]


def _window(root: CleanRoot) -> str:
    done = root.run("timeout", str(STAYS_OPEN_S), "anamnesis", user=USER, check=False)
    _require(done.returncode == 124, "the window does not stay open", done)
    return f"still open after {STAYS_OPEN_S} s, offscreen"


def _self_test(root: CleanRoot) -> str:
    done = root.run("anamnesis", "self-test", "--json", user=USER, check=False)
    _require(done.returncode == 0, "the self-test fails", done)
    checks = json.loads(done.stdout)["checks"]
    absent = [check["name"] for check in checks if check["status"] == "not installed"]
    return f"{len(checks) - len(absent)} parts work; not installed: {', '.join(absent) or 'none'}"


def _worker(root: CleanRoot, name: str) -> str:
    done = root.run("anamnesis", "worker", name, user=USER, check=False)
    _require("Traceback" not in done.stderr, f"the worker {name} does not start", done)
    return f"loads torch and ends when nobody asks (exit {done.returncode})"


def _demo(root: CleanRoot) -> str:
    output = _as_user(root, "demo", "--headless", "--quick", "--json", "--workdir", f"{HOME}/demo")
    summary = json.loads(output)
    screens = list((root.folder / HOME.lstrip("/") / "demo/screens").glob("*.png"))
    _require(len(screens) > 0, f"the demo wrote no screenshots: {output[-500:]}")
    return f"{len(screens)} screenshots, {len(summary['written'])} files"


def _make_vault(root: CleanRoot) -> str:
    _as_user(root, "vault", "create", *SIGN_IN, stdin=PASSPHRASE)
    return _as_user(root, "vault", "status", *SIGN_IN, stdin=PASSPHRASE).splitlines()[0]


def _imports_held(root: CleanRoot) -> str:
    _write_policy(root, EDITED)
    _as_user(root, "import", *SIGN_IN, NOTE, stdin=PASSPHRASE)
    return _refused(root, "import", *SIGN_IN, OUTSIDE, because="policy")


def _limits_held(root: CleanRoot) -> str:
    update = f"{HOME}/out.fedupdate"
    said = [
        _refused(root, "train", *SIGN_IN, "--epsilon", "3", because="cap 2"),
        _refused(
            root, "update", "export", *SIGN_IN, "--to", update, "--recipient", RECIPIENT, because="policy"
        ),
    ]
    _require(not (root.folder / update.lstrip("/")).exists(), "an update file was written all the same")
    return "; ".join(said)


def _no_guessing(root: CleanRoot) -> str:
    _write_policy(root, NOT_UNDERSTOOD)
    said = _refused(root, because="idle_lock")  # no verb: the window
    for words in (("import", *SIGN_IN, NOTE), ("train", *SIGN_IN, "--epsilon", "1"), ("self-test",)):
        _refused(root, *words, because="idle_lock")
    _write_policy(root, EDITED)
    return said


def _write_policy(root: CleanRoot, text: str) -> None:
    (root.folder / POLICY.lstrip("/")).write_text(text, encoding="utf-8")


def _refused(root: CleanRoot, *words: str, because: str) -> str:
    done = root.run("timeout", "300", "anamnesis", *words, user=USER, stdin=PASSPHRASE, check=False)
    said = done.stdout + done.stderr
    plainly = because in said and "Traceback" not in said
    _require(done.returncode == 1 and plainly, f"`anamnesis {' '.join(words)}` is not refused in words", done)
    return done.stderr.strip().splitlines()[-1]


def _upgrade(root: CleanRoot, packages: Sequence[Path]) -> str:
    newer = [_newer(root, package) for package in packages]
    before = _fingerprint(root)
    done = root.run(*APT, "install", *newer, check=False)
    _require(done.returncode == 0, "the upgrade fails", done)
    _unchanged(root, before)
    _require(
        (root.folder / POLICY.lstrip("/")).read_text("utf-8") == EDITED,
        "the upgrade changed the policy",
        done,
    )
    return root.run("dpkg-query", "--show", PROGRAM.name).stdout.strip().replace("\t", " ")


def _remove(root: CleanRoot) -> str:
    before = _fingerprint(root)
    done = root.run(*APT, "remove", PROGRAM.name, TRAINER.name, check=False)
    _require(done.returncode == 0, "the removal fails", done)
    _unchanged(root, before)
    _require((root.folder / POLICY.lstrip("/")).is_file(), "the removal took the policy", done)
    _require(
        not (root.folder / "usr/lib/anamnesis").exists(), "the removal leaves the program's folder", done
    )
    return "the program's folder is gone"


def _purge(root: CleanRoot) -> str:
    before = _fingerprint(root)
    done = root.run("apt-get", "purge", "--yes", PROGRAM.name, TRAINER.name, check=False)
    _require(done.returncode == 0, "the purge fails", done)
    _unchanged(root, before)
    _require(not (root.folder / "etc/anamnesis").exists(), "the purge leaves /etc/anamnesis", done)
    return "/etc/anamnesis is gone"


def _install_again(root: CleanRoot, packages: Sequence[Path]) -> str:
    _install(root, packages)
    return _as_user(root, "vault", "check", *SIGN_IN, stdin=PASSPHRASE).splitlines()[-1]


def _newer(root: CleanRoot, package: Path) -> str:
    """The same package under a higher version, with another default policy; its path inside the root."""
    tree = root.folder / "var/tmp/newer"
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(tree)], check=True)
    control = tree / "DEBIAN/control"
    version = next(line for line in control.read_text("utf-8").splitlines() if line.startswith("Version: "))
    number = version.removeprefix("Version: ")
    control.write_text(control.read_text("utf-8").replace(number, number + UPGRADE_SUFFIX), encoding="utf-8")
    policy = tree / POLICY.lstrip("/")
    if policy.is_file():
        policy.write_text(policy.read_text("utf-8") + "# A newer default.\n", encoding="utf-8")
    made = pack(tree, root.folder / "var/tmp", int(time.time()), level=1)
    shutil.rmtree(tree)
    return "/" + str(made.relative_to(root.folder))


def _carried_in(root: CleanRoot, packages: Sequence[Path]) -> list[str]:
    return [
        "/" + str(shutil.copy(package, root.folder / "var/tmp")).removeprefix(f"{root.folder}/")
        for package in packages
    ]


def _fingerprint(root: CleanRoot) -> str:
    """A checksum of every file of the user's home, the vault among them."""
    script = f"cd {HOME} && find . -type f -print0 | sort -z | xargs -0 sha256sum"
    return root.run("sh", "-c", script).stdout


def _unchanged(root: CleanRoot, before: str) -> None:
    _require("ward.vault/vault.db" in before, "there was no vault to keep")
    _require(_fingerprint(root) == before, "a file in the user's home was changed")


def _as_user(root: CleanRoot, *words: str, stdin: str = "") -> str:
    done = root.run("anamnesis", *words, user=USER, stdin=stdin, check=False)
    _require(done.returncode == 0, f"`anamnesis {' '.join(words)}` fails", done)
    return done.stdout.strip()


def _require(holds: bool, complaint: str, done: subprocess.CompletedProcess[str] | None = None) -> None:
    if not holds:
        seen = "" if done is None else f" (exit {done.returncode}):\n{(done.stdout + done.stderr)[-2000:]}"
        raise CheckFailed(complaint + seen)
