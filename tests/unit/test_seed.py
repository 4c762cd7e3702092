"""Seeds: kept whole, copied, and believed only when nothing of them has changed."""

from __future__ import annotations

from pathlib import Path

from claude_orchestrator.graders.seed import SeedCache


def test_a_seed_is_copied_and_replaced(tmp_path: Path) -> None:
    seeds = SeedCache(tmp_path / "seeds")
    assert not seeds.copy_to("k", tmp_path / "first")
    source = tmp_path / "source"
    (source / "3.11").mkdir(parents=True)
    (source / "3.11" / "db").write_text("one")
    seeds.store("k", source)
    seeds.store("k", source)
    assert seeds.copy_to("k", tmp_path / "second")
    (tmp_path / "second" / "3.11" / "db").write_text("changed by a run")
    assert seeds.copy_to("k", tmp_path / "third")
    assert (tmp_path / "third" / "3.11" / "db").read_text() == "one"
    (source / "3.11" / "db").write_text("two")
    seeds.store("k", source)
    assert seeds.copy_to("k", tmp_path / "fourth")
    assert (tmp_path / "fourth" / "3.11" / "db").read_text() == "two"
    assert len(list((tmp_path / "seeds").iterdir())) == 1
    assert not seeds.copy_to("other", tmp_path / "fifth")


def test_a_damaged_or_strange_seed_is_none(tmp_path: Path) -> None:
    seeds = SeedCache(tmp_path / "seeds")
    source = tmp_path / "source"
    source.mkdir()
    (source / "db").write_text("one")
    seeds.store("k", source)
    (kept,) = (tmp_path / "seeds").iterdir()
    (kept / "more").symlink_to("/etc/hostname")
    assert not seeds.copy_to("k", tmp_path / "first")
    (kept / "more").unlink()
    (kept / "db").write_text("two")
    assert not seeds.copy_to("k", tmp_path / "second")
    assert not (tmp_path / "second").exists()


def test_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for seeds in (SeedCache(None), SeedCache(tmp_path / "file" / "below")):
        seeds.store("k", tmp_path)
        assert not seeds.copy_to("k", tmp_path / "copy")
    SeedCache(tmp_path / "seeds").store("k", tmp_path / "missing")
    assert not SeedCache(tmp_path / "seeds").copy_to("k", tmp_path / "copy")
