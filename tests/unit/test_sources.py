"""What a commit may hold: its tree is read within limits, and nothing that a build reads by name is a link."""

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from celadon.adapters import build_inputs, git, git_command, git_export, git_tree, no_follow
from celadon.adapters.child_limits import Limits
from celadon.errors import CeladonError, CommandError, RefusedError
from tests.attack import repositories
from tests.attack.repositories import POINTER, Repository


@pytest.fixture
def pushed(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "pushed.git")


def inputs(commit: str, context: str = ".", **build: object) -> build_inputs.Inputs:
    return build_inputs.of_commit("web", commit, context, build)


def export(pushed: Repository, tree: str, context: str = ".", **build: object) -> tuple[str, ...]:
    return git_export.export(pushed.folder, inputs(pushed.commit(tree), context, **build), pushed.folder.parent / "out")


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        (Repository.bomb, "it has more than 20000 files and folders"),
        (Repository.many, "it has more than 20000 files and folders"),
        (Repository.hollow, "it has more than 20000 files and folders"),
        (Repository.deep, r"the path a/a/a/.*… is too long"),
    ],
)
def test_a_tree_that_grows_as_it_is_read_is_refused_at_the_limit(
    pushed: Repository, tree: Callable[[Repository], str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tree of a hundred million files is read as far as the limit, and no file of it is written."""
    monkeypatch.setattr(git_tree, "ENTRIES", 20_000)
    commit = pushed.commit(tree(pushed))
    with pytest.raises(RefusedError, match=f"web: commit {commit[:7]} cannot be used: {why}") as refused:
        git_export.export(pushed.folder, inputs(commit), pushed.folder.parent / "out")
    assert "--ref" in refused.value.hint and not (pushed.folder.parent / "out").exists()


def test_files_that_the_disk_does_not_hold_are_refused_before_they_are_written(
    pushed: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = pushed.blob(bytes(64 << 20))
    tree = pushed.tree(("100644", f"zeros{n:05d}", blob) for n in range(100_000))  # 6 TB
    with pytest.raises(RefusedError, match="half of the free space on this disk"):
        export(pushed, tree)
    assert not (pushed.folder.parent / "out").exists()


def test_a_commit_within_the_limits_is_read_whole(pushed: Repository) -> None:
    commit = pushed.commit(pushed.many(10_000))
    assert sum(1 for _entry in git_tree.entries(pushed.folder, commit, "web")) == 10_010


@pytest.mark.parametrize("name", ["..", ".", ".git", ".GIT"])
def test_names_that_lead_elsewhere_are_refused(pushed: Repository, name: str) -> None:
    tree = pushed.tree([("40000", "web", pushed.tree([("40000", name, pushed.bomb(1, 1))]))])
    with pytest.raises(RefusedError, match=rf"the path web/{name.replace('.', '[.]')} is not allowed"):
        export(pushed, tree)


def test_names_that_are_hard_to_show_are_read_written_and_escaped(pushed: Repository) -> None:
    tree = pushed.files({"Dockerfile": "FROM scratch\n"}, more=pushed.strange())
    export(pushed, tree)
    out = pushed.folder.parent / "out"
    assert {os.fsencode(path.name) for path in out.iterdir()} == {b"Dockerfile", *repositories.NAMES}
    shown = [git_tree.escaped_path(name.decode("utf-8", "surrogateescape")) for name in repositories.NAMES]
    assert all(one.isprintable() for one in shown) and "한글" in shown and "right\\u202eto-left" in shown
    assert "not \\udcff UTF-8" in shown and "new\\nline" in shown


LINKS = {
    "relative, as the context": ({"app": "../../.."}, "app", "../Dockerfile", "app"),
    "absolute, as the context": ({"app": "/etc"}, "app", "../Dockerfile", "app"),
    "to a link, as the context": ({"app": "two", "two": "three", "three": "/"}, "app", "../Dockerfile", "app"),
    "to nothing, as the context": ({"app": "nowhere"}, "app", "../Dockerfile", "app"),
    "to itself, as the context": ({"app": "app"}, "app", "../Dockerfile", "app"),
    "within the commit, as the context": ({"app": "src"}, "app", "../Dockerfile", "app"),
    "a folder above the context": ({"a": "/"}, "a/etc", "../../Dockerfile", "a"),
    "a folder on the way to the context": ({"src/b": "../.."}, "src/b/c", "../../../Dockerfile", "src/b"),
    "the Dockerfile, out of the commit": ({"src/D": "/etc/shadow"}, "src", "D", "src/D"),
    "the Dockerfile, within the commit": ({"src/D": "../Dockerfile"}, "src", "D", "src/D"),
    "a folder of the Dockerfile": ({"src/docker": "/etc"}, "src", "docker/passwd", "src/docker"),
    "the .dockerignore": ({"src/.dockerignore": "/etc/shadow"}, "src", "../Dockerfile", "src/.dockerignore"),
    "the Dockerfile's own .dockerignore": ({"Dockerfile.dockerignore": "/x"}, ".", "Dockerfile", "Dockerfile.docker"),
}


@pytest.mark.parametrize("case", LINKS)
def test_a_link_that_a_build_would_read_through_is_refused(pushed: Repository, case: str) -> None:
    """In the commit's tree, before anything is written, and in what was written, by whatever way it came there."""
    links, context, dockerfile, culprit = LINKS[case]
    commit = pushed.commit(pushed.files({"Dockerfile": "FROM scratch\n", "src/x": "x"}, links))
    read = inputs(commit, context, dockerfile=dockerfile)
    with pytest.raises(RefusedError, match=f"web: {culprit}.* is a symbolic link in commit {commit[:7]}"):
        git_export.export(pushed.folder, read, pushed.folder.parent / "out")
    assert not (pushed.folder.parent / "out").exists()

    written = pushed.folder.parent / "written"
    for path, target in links.items():
        (written / path).parent.mkdir(parents=True, exist_ok=True)
        (written / path).symlink_to(target)
    with pytest.raises(RefusedError, match=f"web: {culprit}.* is a symbolic link in commit {commit[:7]}"):
        read.refuse_links_of(written)


@pytest.mark.parametrize("link_first", [True, False])
def test_a_folder_and_a_link_of_one_name_write_nothing_elsewhere(pushed: Repository, link_first: bool) -> None:
    elsewhere = pushed.folder.parent / "elsewhere"
    elsewhere.mkdir()
    folder = pushed.tree([("100644", "page", pushed.blob("x"))])
    twins = [("120000", b"app", pushed.blob(str(elsewhere))), ("40000", b"app", folder)]
    raw = b"".join(
        b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(one))
        for mode, name, one in (twins if link_first else reversed(twins))
    )
    commit = pushed.commit(pushed.object("tree", raw))
    with pytest.raises(RefusedError, match="web: app is a symbolic link in commit"):
        git_export.export(pushed.folder, inputs(commit, "app"), pushed.folder.parent / "out")
    with suppress(CeladonError):  # as somebody else's context the twins may be written, but only below the export
        git_export.export(pushed.folder, inputs(commit, "."), pushed.folder.parent / "out")
    assert not list(elsewhere.iterdir())


def test_an_inline_dockerfile_has_no_file_that_could_be_a_link(pushed: Repository) -> None:
    commit = pushed.commit(pushed.files({}, {"app": "../..", "Dockerfile": "/etc/shadow"}))
    assert inputs(commit, ".", dockerfile_inline="FROM scratch").components == {".dockerignore"}
    with pytest.raises(RefusedError, match="web: app is a symbolic link"):
        export(pushed, pushed.files({}, {"app": "../.."}), "app", dockerfile_inline="FROM scratch")


def test_links_inside_a_context_are_left_to_buildkit(pushed: Repository) -> None:
    links = {"src/current": "releases/1", "src/elsewhere": "/etc", "Makefile": "../x"}
    export(pushed, pushed.files({"src/Dockerfile": "FROM scratch\n", "src/releases/1/x": "x"}, links), "src")
    assert (pushed.folder.parent / "out" / "src" / "current").readlink() == Path("releases/1")


@pytest.mark.parametrize("dockerfile", ["../Dockerfile", "../../evil/Dockerfile", "x/../../y", "a\nb"])
def test_a_dockerfile_outside_of_the_repository_is_refused(dockerfile: str) -> None:
    with pytest.raises(RefusedError, match="is outside the repository"):
        inputs("0" * 40, ".", dockerfile=dockerfile)


def test_what_is_neither_folder_nor_file_leads_away(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    os.mkfifo(tmp_path / "a" / "pipe")
    (tmp_path / "a" / "file").touch()
    assert no_follow.first_odd(tmp_path, "a/pipe") == "a/pipe"
    assert [no_follow.first_odd(tmp_path, path) for path in (".", "a", "a/file", "a/none/x", "a/file/x")] == [""] * 5


def test_a_submodule_on_the_way_is_refused_whatever_its_address(pushed: Repository) -> None:
    entries = pushed.submodule("app", "file:///etc")
    with pytest.raises(CeladonError, match="has submodules, which Celadon does not fetch"):
        export(pushed, pushed.files({"Dockerfile": "FROM scratch\n"}, more=entries), "app", dockerfile="../Dockerfile")
    with pytest.raises(RefusedError, match="web: app is a submodule in commit"):
        export(pushed, pushed.files({"Dockerfile": "x"}, more=entries[:1]), "app", dockerfile="../Dockerfile")


def test_links_of_a_checkout_are_refused_and_those_of_the_operator_followed(tmp_path: Path) -> None:
    for repository in ("web", "."):
        (tmp_path / repository / ".git").mkdir(parents=True)
    for link, target in (("web/app", "../.."), ("web/Dockerfile", "/etc/shadow"), ("shop", "web"), ("lib", "/srv")):
        (tmp_path / link).symlink_to(target)

    def refused(**build: object) -> str:
        try:
            build_inputs.refuse_pushed_links("web", {"context": str(tmp_path / "web"), **build}, tmp_path)
        except RefusedError as refusal:
            return refusal.message
        return ""

    assert f"web: {tmp_path}/web/app is a symbolic link inside a checkout" in refused(context=str(tmp_path / "web/app"))
    assert f"{tmp_path}/web/app is" in refused(context=str(tmp_path / "web/app/deeper"))
    assert f"{tmp_path}/web/app is" in refused(additional_contexts={"x": f"{tmp_path}/web/app"})
    assert f"{tmp_path}/lib is" in refused(additional_contexts={"x": f"{tmp_path}/lib"})
    assert f"{tmp_path}/web/Dockerfile is" in refused(dockerfile=f"{tmp_path}/web/Dockerfile")
    assert refused(context=str(tmp_path / "shop")) == ""
    assert refused(additional_contexts={"x": "docker-image://alpine", "y": "/usr/lib"}) == ""


def test_a_folder_that_is_dressed_up_as_a_repository_runs_no_command(tmp_path: Path) -> None:
    """Nobody can push a .git, but these files anybody can; git would run what their settings name."""
    subprocess.run(["git", "init", "--quiet", tmp_path / "web"], check=True)
    planted = tmp_path / "web" / "app"
    subprocess.run(["git", "init", "--quiet", "--bare", planted], check=True)
    ran = tmp_path / "ran"
    with (planted / "config").open("a") as config:
        config.write(f'[core]\n\tbare = false\n\tworktree = ..\n\tfsmonitor = "touch {ran};false"\n')
    subprocess.run(["git", "status"], cwd=planted, check=True, capture_output=True)
    assert ran.exists()  # so it is with git alone
    ran.unlink()
    for look in (git.top, git.tracked, lambda folder: git.kept(folder, ["x"])):
        with pytest.raises(CeladonError, match="looks like a bare git repository"):
            look(planted)
    assert git.top(tmp_path / "web") == tmp_path / "web" and not ran.exists()


def test_a_pack_that_expands_is_stopped_at_the_memory_limit(
    pushed: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = tmp_path / "pack"
    blob = pushed.delta_bomb(128 << 20, pack)
    assert pack.stat().st_size < 1000
    subprocess.run(["git", "-C", pushed.folder, "index-pack", "--stdin"], stdin=pack.open("rb"), check=True,
                   capture_output=True)  # fmt: skip
    pushed.commit(pushed.tree([("100644", "big", blob)]))
    monkeypatch.setattr(git_command, "LIMITS", Limits(64 << 20, 60))
    clone = tmp_path / "clone"
    git.keep_clone(clone, f"file://{pushed.folder}")
    with pytest.raises(CeladonError, match="web: git cannot fetch") as refused:
        git.fetch(clone, "web")
    assert "git exceeded its memory limit of 1.0G and failed." in refused.value.evidence


def test_limits_hold_for_every_process_that_git_starts(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    shown = git_command.run(tmp_path, "-c", "alias.shown=!cat /proc/self/limits", "shown").out
    limits = {line[:26].strip(): line[26:].split()[1] for line in shown.splitlines()}  # the hard ones
    assert limits["Max data size"] == str(1 << 30) and limits["Max cpu time"] == "900"


def test_git_is_stopped_when_it_takes_half_of_the_free_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    watch = git_command.watch_disk(tmp_path)
    assert watch() == ""
    seen = git_command.host.disk(tmp_path)
    used = type(seen)(seen.folder, seen.free // 2 - (1 << 30), seen.total, seen.inodes_free, seen.inodes, seen.device)
    monkeypatch.setattr(git_command.host, "disk", lambda _folder: used)
    begun = time.monotonic()
    with pytest.raises(CommandError, match="git was stopped: it used half of the free disk"):
        git_command.run(tmp_path, "-c", "alias.wait=!exec sleep 60", "wait", watch=watch)
    assert time.monotonic() - begun < 30


def test_attributes_run_nothing_that_the_operator_did_not_name(pushed: Repository, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    attributes = "* filter=evil ident export-subst working-tree-encoding=UTF-99\n*.bin filter=lfs\n"
    config = f'[filter "evil"]\n\tsmudge = touch {ran}\n[core]\n\tfsmonitor = touch {ran}\n'
    files = {".gitattributes": attributes, ".lfsconfig": config, ".gitconfig": config, "config": config,
             "hooks/post-checkout": f"#!/bin/sh\ntouch {ran}\n", "a": "$Id$\n", "b.bin": POINTER}  # fmt: skip
    assert export(pushed, pushed.files(files)) == ("b.bin",)
    assert not ran.exists() and (tmp_path / "out" / "b.bin").read_text() == POINTER


def test_a_dockerfile_larger_than_any_is_not_read(pushed: Repository) -> None:
    commit = pushed.commit(pushed.files({"Dockerfile": bytes(2 << 20)}))
    (entry,) = git_tree.entries(pushed.folder, commit, "web")
    with pytest.raises(RefusedError, match=r"Dockerfile is larger than 1\.0M"):
        git_tree.text(pushed.folder, commit, entry, "web")


def test_a_subject_of_any_length_is_shown_short(pushed: Repository) -> None:
    pushed.commit(pushed.files({"a": "a"}))
    pushed.commit(pushed.files({"a": "b"}), b"\xff\x1b[2J" + b"long " * 100_000)
    sha, subject = git.commit(pushed.folder, "web", "main", None, remote=False)
    assert len(sha) == 40 and len(subject) == git.SUBJECT
