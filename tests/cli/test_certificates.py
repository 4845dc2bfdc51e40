"""Certificates in the configuration: found beside it, ours alone, and a pair."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from lpdesk.config import BadConfig, load

CONFIG = """
[[lps]]
name = "cumberland"
kind = "cumberland"
url = "https://127.0.0.1:1"
[lps.options]
counterparty = "cp"
user = "u"
certificate = "certs/desk.pem"
certificate_key = "certs/desk.key"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose files lie in a folder beside it."""
    (tmp_path / "certs").mkdir()
    write(tmp_path, "desk", 0o600)
    path = tmp_path / "desk.toml"
    path.write_text(CONFIG)
    return path


def write(folder: Path, name: str, mode: int) -> None:
    certificate = trustme.CA().issue_cert("desk@example.org")
    certificate.cert_chain_pems[0].write_to_path(str(folder / "certs" / f"{name}.pem"))
    key = folder / "certs" / f"{name}.key"
    certificate.private_key_pem.write_to_path(str(key))
    key.chmod(mode)


def problems(path: Path) -> list[str]:
    with pytest.raises(BadConfig) as bad:
        load(path)
    return bad.value.problems


def test_they_are_found_beside_the_file_wherever_the_desk_is_started(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent / "certs")
    options = load(Path("../desk.toml")).lps[0].options
    assert Path(str(options["certificate"])).samefile(config.parent / "certs" / "desk.pem")


def test_what_is_wrong_with_them_is_said_in_its_place(config: Path) -> None:
    key = config.parent / "certs" / "desk.key"
    key.chmod(0o640)
    assert problems(config) == [
        "lps.0.options.certificate_key: the file can be read by others: chmod 600"
    ]
    key.unlink()
    assert problems(config) == [
        "lps.0.options.certificate_key: the file cannot be read: No such file or directory"
    ]
    write(config.parent, "other", 0o600)
    (config.parent / "certs" / "other.key").rename(key)
    [said] = problems(config)
    assert said.startswith("lps.0.options.certificate: not a PEM certificate with its key")


def test_a_key_in_the_same_file_makes_that_one_a_secret(config: Path) -> None:
    pem, key = (config.parent / "certs" / f"desk.{end}" for end in ("pem", "key"))
    pem.write_text(pem.read_text() + key.read_text())
    config.write_text(CONFIG.replace('certificate_key = "certs/desk.key"', ""))
    pem.chmod(0o644)
    [said] = problems(config)
    assert said == "lps.0.options.certificate: the file can be read by others: chmod 600"
    pem.chmod(0o600)
    assert load(config).lps
