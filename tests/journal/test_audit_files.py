"""The key and the anchors on a disk: made once, for one user, whole after a crash, and told in one sentence when they cannot be used."""

from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tidegate.journal.audit.anchors import (
    LINE_MAX,
    Anchors,
    AnchorsUnreadableError,
    AnchorsUnwritableError,
    anchor_lines,
    last_anchor,
)
from tidegate.journal.audit.heads import Head, key_name, named, sign, wrong_with
from tidegate.journal.audit.keys import PRIVATE_NAME, PUBLIC_NAME, AuditKeyError, public_keys, signing_key
from tidegate.journal.audit.record import Link
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("D2.3")

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def head(seq: int, account: str = "paper") -> Head:
    return sign(KEY, Link(seq, f"{seq:064x}"), account=account, epoch=1, ts_ns=seq)


def test_the_key_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    made = signing_key(folder)
    assert made.is_new
    assert (folder / PRIVATE_NAME).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    again = signing_key(folder)
    assert not again.is_new
    assert again.key.private_bytes_raw() == made.key.private_bytes_raw()
    (public,) = public_keys(folder / PUBLIC_NAME)
    assert wrong_with(sign(made.key, Link(1, "00"), account="a", epoch=1, ts_ns=0), named([public])) == ""


def test_a_new_key_leaves_what_the_old_one_signed_provable(tmp_path: Path) -> None:
    old = signing_key(tmp_path).key
    (tmp_path / PRIVATE_NAME).unlink()
    new = signing_key(tmp_path)
    assert new.is_new
    assert [key_name(key) for key in public_keys(tmp_path / PUBLIC_NAME)] == [key_name(old.public_key()), key_name(new.key.public_key())]


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    signing_key(tmp_path)
    (tmp_path / PRIVATE_NAME).chmod(0o640)
    with pytest.raises(AuditKeyError, match="is open to other users of this machine; run chmod 600") as refused:
        signing_key(tmp_path)
    assert refused.value.exit_code is ExitCode.ENVIRONMENT


@pytest.mark.parametrize(
    "data",
    [b"", b"a letter", X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())],
    ids=["empty", "text", "of another kind"],
)
def test_a_file_that_is_no_key_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / PRIVATE_NAME).write_bytes(data)
    (tmp_path / PRIVATE_NAME).chmod(0o600)
    with pytest.raises(AuditKeyError, match=r"put (it|the audit key) back from a copy"):
        signing_key(tmp_path)
    (tmp_path / PUBLIC_NAME).write_bytes(data)
    with pytest.raises(AuditKeyError, match="name the file with --key"):
        public_keys(tmp_path / PUBLIC_NAME)


def test_a_public_key_of_another_kind_is_named(tmp_path: Path) -> None:
    other = X25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "pub").write_bytes(other)
    for path in (tmp_path / "pub", tmp_path / "nowhere"):
        with pytest.raises(AuditKeyError, match="name the file with --key"):
            public_keys(path)


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AuditKeyError, match="cannot be read or made"):
        signing_key(tmp_path / "file" / "audit")
    with pytest.raises(AnchorsUnwritableError, match="cannot be written"):
        Anchors(tmp_path / "file" / "anchors").append(head(1))
    with pytest.raises(AnchorsUnreadableError, match="cannot be read"):
        list(anchor_lines(tmp_path))


def test_anchors_are_read_back_as_they_were_appended(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "anchors.jsonl"
    assert list(anchor_lines(path)) == []
    anchors = Anchors(path)
    heads = [head(1), head(2, "other"), head(3)]
    for one in heads:
        anchors.append(one)
    lines = list(anchor_lines(path))
    assert [line.head for line in lines] == heads
    assert [line.number for line in lines] == [1, 2, 3]
    assert [path.read_bytes()[line.offset : line.offset + 10] for line in lines] == [b'{"account"'] * 3
    assert last_anchor(path, "paper") == heads[2]
    assert last_anchor(path, "nobody") is None
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kept", [0, 1, 60, -1])
def test_a_line_torn_by_a_crash_is_cut_by_the_next_append(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "anchors.jsonl"
    anchors = Anchors(path)
    for seq in (1, 2):
        anchors.append(head(seq))
    data = path.read_bytes()
    first = data.index(b"\n") + 1
    path.write_bytes(data[:first] + data[first:][:kept])
    lines = list(anchor_lines(path))
    assert [(line.head is not None, line.is_torn) for line in lines[1:]] == ([(False, True)] if kept else [])
    Anchors(path).append(head(3))
    assert [line.head for line in anchor_lines(path)] == [head(1), head(3)]


def test_a_torn_line_longer_than_the_next_head_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    Anchors(path).append(head(1))
    Anchors(path).append(head(2, account="an account with a name that is rather long"))
    path.write_bytes(path.read_bytes()[:-1])
    Anchors(path).append(head(3))
    assert [line.head for line in anchor_lines(path)] == [head(1), head(3)]


def test_the_last_anchor_of_an_account_is_found_at_the_end_or_far_from_it(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    anchors = Anchors(path)
    anchors.append(head(1, "seldom"))
    with path.open("ab") as file:
        for seq in range(1, 400):
            file.write(msgspec.json.encode(head(seq), order="sorted") + b"\n")
    assert path.stat().st_size > 65_536 + 1_000
    assert last_anchor(path, "paper") == head(399)
    assert last_anchor(path, "seldom") == head(1, "seldom")
    assert next(line.head for line in anchor_lines(path, from_byte=10)) == head(1)


def test_only_a_first_line_that_was_torn_goes_away_too(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    path.write_bytes(b'{"acc')
    Anchors(path).append(head(1))
    assert [line.head for line in anchor_lines(path)] == [head(1)]


def test_a_line_longer_than_any_head_is_read_in_pieces_and_none_of_them_is_a_head(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    path.write_bytes(b"x" * (3 * LINE_MAX) + b"\n")
    assert [line.head for line in anchor_lines(path)] == [None] * 4
    Anchors(path).append(head(1))
    assert [line.head for line in anchor_lines(path)][-1] == head(1)
