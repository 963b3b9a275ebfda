"""One changed bit anywhere in a log is found, and located by segment, block and entries."""

import shutil

import pytest

from tests.events.examples import session_opened
from tests.journal.making import Block, blocks, damage_of, flip, small_log
from tidegate.journal import DamagedLogError, LogWriter, NewerFormatError, check, read, recover
from tidegate.journal.files import segment_numbers, segment_path
from tidegate.journal.layout import FORMAT_VERSION, pack_block, read_head
from tidegate.journal.recovery import NEWEST
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("B1.2", "C1.5")


@pytest.fixture(scope="module")
def sealed_log(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sealed")
    small_log(directory)
    return directory


@pytest.fixture(scope="module")
def open_log(tmp_path_factory):
    directory = tmp_path_factory.mktemp("open")
    small_log(directory, close=False)
    return directory


def entry_range(block: Block, all_blocks: list[Block]) -> tuple[int, int]:
    """Which entries a block vouches for: its own, or all of its segment."""
    own = [other for other in all_blocks if other.segment == block.segment and other.entries]
    if block.entries:
        return block.first_entry, block.first_entry + block.entries - 1
    return own[0].first_entry, own[-1].first_entry + own[-1].entries - 1


@pytest.mark.parametrize("log", ["sealed_log", "open_log"])
def test_every_flipped_bit_of_every_byte_is_located(log, request):
    directory = request.getfixturevalue(log)
    assert check(directory) is None
    layout = blocks(directory)
    for block in layout:
        path = segment_path(directory, block.segment)
        expected = entry_range(block, layout)
        for at in range(block.begin, block.end):
            in_header = at < block.begin + 64
            for bit in {at % 8, (at + 3) % 8} if in_header else {at % 8}:
                undo = flip(path, at, bit)
                damage = check(directory)
                undo()
                assert damage is not None, (block, at, bit)
                assert (damage.segment, damage.block) == (block.segment, block.block), (at, bit, damage)
                found = (damage.first_entry, damage.last_entry)
                assert found == expected, (block, at, bit, damage)
                assert not damage.torn
    assert check(directory) is None


def test_damage_is_never_read_over_nor_recovered(sealed_log):
    layout = blocks(sealed_log)
    for block in layout:
        for at in (block.begin + 3, block.begin + 17, block.end - 1):
            undo = flip(segment_path(sealed_log, block.segment), at, 5)
            for verb in (recover, lambda directory: list(read(directory).entries())):
                with pytest.raises(DamagedLogError) as caught:
                    verb(sealed_log)
                assert caught.value.exit_code is ExitCode.ANSWER_IS_NO
                assert (caught.value.damage.segment, caught.value.damage.block) == (
                    block.segment,
                    block.block,
                )
                assert f"segment {block.segment}, block {block.block} (entries " in str(caught.value)
            undo()


def test_a_log_whose_newest_segments_are_damaged_is_not_continued(sealed_log, tmp_path):
    for number in segment_numbers(sealed_log)[-NEWEST:]:
        copy = tmp_path / str(number)
        shutil.copytree(sealed_log, copy)
        flip(segment_path(copy, number), 70, 0)
        with pytest.raises(DamagedLogError):
            LogWriter(copy, session_opened(), continuing=True)


def a_copy(directory, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(directory, copy)
    return copy


def test_a_missing_segment_is_named(sealed_log, tmp_path):
    copy = a_copy(sealed_log, tmp_path)
    layout = blocks(copy)
    segment_path(copy, 2).unlink()
    first = next(block.first_entry for block in layout if block.segment == 2)
    damage = damage_of(copy)
    assert (damage.segment, damage.block, damage.first_entry) == (2, 0, first)
    assert "missing" in damage.what
    with pytest.raises(DamagedLogError, match=r"segment 2.*missing"):
        read(copy)
    with pytest.raises(DamagedLogError, match=r"segment 2.*missing"):
        recover(copy)


def test_a_missing_first_segment_is_named(sealed_log, tmp_path):
    copy = a_copy(sealed_log, tmp_path)
    segment_path(copy, 0).unlink()
    assert damage_of(copy).segment == 0


def resealed(data: bytes) -> bytes:
    """Give every block right checksums again, as somebody who changes a log on purpose would."""
    out, at = b"", 0
    while at < len(data):
        head = read_head(data, at)
        assert head is not None
        out += pack_block(head, data[at + 64 : at + 64 + head.length])
        at += head.bytes_total
    return out


def test_two_segments_that_changed_places_are_found(sealed_log, tmp_path):
    copy = a_copy(sealed_log, tmp_path)
    one, two = segment_path(copy, 1).read_bytes(), segment_path(copy, 2).read_bytes()
    segment_path(copy, 1).write_bytes(two)
    segment_path(copy, 2).write_bytes(one)
    damage = damage_of(copy)
    assert (damage.segment, damage.block) == (1, 0)
    assert "another place" in damage.what


def test_a_block_taken_out_is_found(sealed_log, tmp_path):
    copy = a_copy(sealed_log, tmp_path)
    gone = next(block for block in blocks(copy) if block.block == 1)
    path = segment_path(copy, gone.segment)
    whole = path.read_bytes()
    path.write_bytes(whole[: gone.begin] + whole[gone.end :])
    damage = damage_of(copy)
    assert (damage.segment, damage.block, damage.first_entry) == (gone.segment, 1, gone.first_entry)


def test_bytes_after_the_seal_are_found(sealed_log, tmp_path):
    copy = a_copy(sealed_log, tmp_path)
    newest = blocks(copy)[-1]
    for extra in (b"\0", bytes(64), b"TGLB"):
        with segment_path(copy, newest.segment).open("ab") as file:
            file.write(extra)
        assert "bytes follow the seal" in damage_of(copy).what


def test_a_lost_seal_in_the_middle_of_the_log_is_found(sealed_log, tmp_path):
    copy = a_copy(sealed_log, tmp_path)
    seal = [block for block in blocks(copy) if block.segment == 1][-1]
    path = segment_path(copy, 1)
    path.write_bytes(path.read_bytes()[: seal.begin])
    damage = damage_of(copy)
    assert (damage.segment, damage.block, damage.torn) == (1, seal.block, False)
    with pytest.raises(DamagedLogError, match="without a seal"):
        read(copy)
    with pytest.raises(DamagedLogError, match="without a seal"):
        recover(copy)


@pytest.mark.parametrize("verb", [read, check, recover])
def test_a_log_of_a_newer_format_says_so_and_is_left_alone(sealed_log, tmp_path, verb):
    copy = a_copy(sealed_log, tmp_path)
    path = segment_path(copy, 0)
    data = path.read_bytes()
    head = read_head(data, 0)
    assert head is not None
    newer = pack_block(head._replace(version=FORMAT_VERSION + 1), data[64 : 64 + head.length])
    path.write_bytes(newer + data[len(newer) :])
    with pytest.raises(NewerFormatError, match=r"log format 2.*upgrade") as caught:
        verb(copy)
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert path.read_bytes() == newer + data[len(newer) :]


def test_an_opening_of_a_newer_format_says_so(tmp_path):
    import msgspec

    opening = msgspec.structs.replace(session_opened(), format_version=FORMAT_VERSION + 1)
    LogWriter(tmp_path, opening).close()
    with pytest.raises(NewerFormatError, match="upgrade"):
        read(tmp_path)


@pytest.mark.parametrize("log", ["sealed_log", "open_log"])
def test_a_header_of_which_nothing_is_left_is_located_by_its_neighbors(log, request):
    directory = request.getfixturevalue(log)
    layout = blocks(directory)
    for block, after in zip(layout, [*layout[1:], None], strict=True):
        path = segment_path(directory, block.segment)
        whole = path.read_bytes()
        path.write_bytes(whole[: block.begin] + b"\xa5" * 64 + whole[block.begin + 64 :])
        damage = damage_of(directory)
        path.write_bytes(whole)
        assert (damage.segment, damage.block) == (block.segment, block.block)
        if after is not None:
            assert (damage.first_entry, damage.last_entry) == entry_range(block, layout), block
        else:
            assert damage.first_entry == block.first_entry


def test_a_cut_inside_an_older_segment_names_all_entries_that_are_gone(sealed_log, tmp_path):
    copy = a_copy(sealed_log, tmp_path)
    own = [block for block in blocks(copy) if block.segment == 1]
    path = segment_path(copy, 1)
    path.write_bytes(path.read_bytes()[: own[1].begin + 5])
    damage = damage_of(copy)
    assert (damage.segment, damage.block, damage.torn) == (1, 1, False)
    assert (damage.first_entry, damage.last_entry) == (own[1].first_entry, own[-1].first_entry - 1)


def test_damage_before_a_missing_segment_is_still_named(sealed_log, tmp_path):
    copy = a_copy(sealed_log, tmp_path)
    segment_path(copy, 2).unlink()
    flip(segment_path(copy, 1), 70, 1)
    assert damage_of(copy).segment == 1


def test_a_block_of_an_unknown_kind_is_not_passed_over(sealed_log, tmp_path):
    copy = a_copy(sealed_log, tmp_path)
    block = next(block for block in blocks(copy) if block.block == 1)
    path = segment_path(copy, block.segment)
    data = path.read_bytes()
    head = read_head(data, block.begin)
    assert head is not None
    strange = pack_block(head._replace(kind=9), data[block.begin + 64 : block.begin + 64 + head.length])
    path.write_bytes(data[: block.begin] + strange + data[block.end :])
    assert "kind is unknown" in damage_of(copy).what


def test_a_change_that_renewed_every_checksum_of_a_block_is_found_by_the_hash_of_the_segment(sealed_log, tmp_path):
    copy = a_copy(sealed_log, tmp_path)
    path = segment_path(copy, 0)
    path.write_bytes(resealed(path.read_bytes().replace(b"and another", b"and no other"[:11])))
    damage = damage_of(copy)
    own = [block for block in blocks(sealed_log) if block.segment == 0]
    assert (damage.segment, damage.block) == (0, own[-1].block)
    assert (damage.first_entry, damage.last_entry) == entry_range(own[-1], own)
    assert "not the one that was sealed" in damage.what


def test_another_sound_segment_in_place_of_the_right_one_breaks_the_chain(tmp_path):
    for name, word in (("log", b"one"), ("other", b"two")):
        writer = LogWriter(tmp_path / name, session_opened(), segment_bytes_max=1, block_bytes_max=1)
        writer.input(0, word)
        writer.input(1, b"same")
        writer.close()
    shutil.copy(segment_path(tmp_path / "other", 0), segment_path(tmp_path / "log", 0))
    damage = damage_of(tmp_path / "log")
    assert (damage.segment, damage.block) == (1, 0)
    assert "does not continue" in damage.what
