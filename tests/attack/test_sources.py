"""Somebody who may push to one service's repository reaches nothing else: neither the host's files nor its memory."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.attack.repositories import POINTER, Repository
from tests.e2e.workspace import Workspace, run

DOCKERFILE = "FROM scratch\nCOPY . /copied/\n"
FILES = {"app/page": "hello", "Dockerfile": DOCKERFILE, "app/Dockerfile": DOCKERFILE}
SECRET = "DATABASE_PASSWORD=canary"


def add_evil(empty: Workspace, build: dict[str, Any], *, checkout: bool = True) -> Repository:
    """A service `evil` whose repository somebody hostile pushes to, with a commit that is well; `build` is its own,
    with `context` as seen from the checkout."""
    empty.add("evil", route=None)
    name = empty.unique("evil")
    shutil.rmtree(empty.folder / name)
    repository = Repository(empty.folder / "repositories" / f"{name}.git")
    repository.commit(repository.files(FILES))
    if checkout:
        run(["git", "clone", "--quiet", str(repository.folder), str(empty.folder / name)])
    else:
        empty.services[name]["x-celadon"]["git"] = {"url": f"./repositories/{name}.git", "branch": "main"}
    context = f"./{name}/{build['context']}"
    empty.services[name]["build"] = {**build, "context": context}
    empty.services[name]["command"] = ["/none"]
    empty.write()
    (empty.folder / "config" / ".env.other").write_text(SECRET)
    (empty.folder / "config").chmod(0o755)
    return repository


def held(workspace: Workspace) -> str:
    """What is in the image that was built last, as far as it is text."""
    (image,) = [name for name in workspace.images() if workspace.unique("evil") in name][:1]
    container = run(["docker", "create", image, "none"]).strip()
    try:
        done = subprocess.run(["docker", "export", container], capture_output=True, check=True)
    finally:
        run(["docker", "rm", container])
    return done.stdout.decode(errors="replace")


def refused(workspace: Workspace, words: str, *verb: str) -> str:
    said = workspace.celadon(*(verb or ("build", "staging")), expect=1).err
    assert words in said, said
    return said


@pytest.mark.parametrize("inline", [False, True])
def test_a_pushed_link_never_becomes_the_build_context(empty: Workspace, inline: bool) -> None:
    own = {"dockerfile_inline": DOCKERFILE} if inline else {"dockerfile": "../Dockerfile"}
    repository = add_evil(empty, {"context": "app", **own})
    empty.celadon("build", "staging")
    assert "copied/page" in held(empty)
    before = empty.images()
    stem = {path: text for path, text in FILES.items() if not path.startswith("app/")}
    for links in (
        {"app": "../../../config"},
        {"app": "b", "b": "c", "c": "../../../config"},
        {"app": str(empty.folder / "config")},
    ):
        commit = repository.commit(repository.files(stem, links))
        said = refused(empty, f"{empty.unique('evil')}: app is a symbolic link in commit {commit[:7]}")
        assert "→ Replace the link with the actual file or folder" in said
    refused(empty, "is a symbolic link", "plan", "deploy", "staging")

    run(["git", "pull", "--quiet"], empty.folder / empty.unique("evil"))  # now the checkout has it, too
    refused(empty, f"{empty.unique('evil')}/app is a symbolic link inside a checkout")
    assert [row["outcome"] for row in empty.celadon("history", "--json").json] == ["succeeded"]  # the first one
    assert empty.images() == before and not (empty.folder / ".celadon" / "checkout" / empty.unique("evil")).exists()


def test_no_file_that_a_build_reads_by_name_is_a_link(empty: Workspace) -> None:
    """In a clone of Celadon's own, where no checkout is."""
    repository = add_evil(empty, {"context": ""}, checkout=False)
    empty.celadon("build", "staging")
    assert "copied/app/page" in held(empty)
    secret = str(empty.folder / "config" / ".env.other")
    for links, culprit in (
        ({"Dockerfile": "/etc/shadow"}, "Dockerfile"),
        ({"Dockerfile": "app/Dockerfile"}, "Dockerfile"),
        ({".dockerignore": secret}, ".dockerignore"),
        ({"Dockerfile.dockerignore": secret}, "Dockerfile.dockerignore"),
    ):
        files = {path: text for path, text in FILES.items() if path not in links}
        commit = repository.commit(repository.files(files, links))
        refused(empty, f"{empty.unique('evil')}: {culprit} is a symbolic link in commit {commit[:7]}")

    inside = {"app/elsewhere": secret, "current": "app"}  # these BuildKit copies as links
    repository.commit(repository.files(FILES, inside))
    empty.celadon("build", "staging")
    assert "copied/app/elsewhere" in held(empty) and SECRET not in held(empty)

    entries = repository.submodule("sub", f"file://{empty.folder}")
    repository.commit(repository.files({**FILES, "Dockerfile": DOCKERFILE + "\n"}, more=entries))
    refused(empty, "has submodules, which Celadon does not fetch")
    empty.services[empty.unique("evil")]["build"]["dockerfile"] = "../Dockerfile"
    empty.write()
    refused(empty, "../Dockerfile is outside the repository")


def test_an_additional_context_is_no_link_of_a_checkout(empty: Workspace) -> None:
    repository = add_evil(empty, {"context": "app"})
    name = empty.unique("evil")
    empty.services[name]["build"]["additional_contexts"] = {"shared": f"./{name}/shared"}
    empty.write()
    files = {**FILES, "app/Dockerfile": "FROM scratch\nCOPY --from=shared . /copied/\n"}
    repository.commit(repository.files({**files, "shared/page": "hello"}))
    run(["git", "pull", "--quiet"], empty.folder / name)
    empty.celadon("build", "staging")
    assert "copied/page" in held(empty)
    repository.commit(repository.files(files, {"shared": "../config"}))
    run(["git", "pull", "--quiet"], empty.folder / name)
    refused(empty, f"{name}/shared is a symbolic link inside a checkout")


def test_a_bomb_of_objects_costs_a_plan_little(empty: Workspace) -> None:
    """Nine objects that describe a hundred million files."""
    repository = add_evil(empty, {"context": "app"})
    repository.commit(repository.bomb())
    plan = empty.start("plan", "deploy", "staging")
    assert plan.stdout
    said = plan.stdout.read()
    _pid, status, usage = os.wait4(plan.pid, 0)
    plan.returncode = os.waitstatus_to_exitcode(status)
    assert plan.returncode == 1 and "it has more than 200000 files and folders" in said and "--ref COMMIT" in said
    assert usage.ru_maxrss < 300 << 10  # KiB, of whichever process took most
    assert usage.ru_utime + usage.ru_stime < 60  # of a processor: before, 148 s and 7.8 GB


def test_whatever_a_repository_holds_is_shown_harmlessly_and_runs_nothing(empty: Workspace, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    repository = add_evil(empty, {"context": ""})
    attributes = "* filter=evil ident export-subst working-tree-encoding=UTF-99\n*.psd filter=lfs\n"
    files = {**FILES, ".gitattributes": attributes, "hooks/post-checkout": f"#!/bin/sh\ntouch {ran}\n",
             ".lfsconfig": f'[filter "evil"]\n\tsmudge = touch {ran}\n', "logo.psd": POINTER}  # fmt: skip
    tree = repository.files(files, more=repository.strange())
    repository.commit(tree, b"a subject \x1b]0;title\x07\x1b[2J \xe2\x80\xaebidi \xff" + b"and on " * 100_000)
    planned = empty.celadon("plan", "deploy", "staging").out
    failed = empty.celadon("build", "staging", expect=1).err
    assert "string field contains invalid UTF-8" in failed  # a file name that BuildKit cannot transfer
    repository.commit(repository.files(files, more=[one for one in repository.strange() if b"\xff" not in one[1]]))
    built = empty.celadon("build", "staging").out
    assert "a subject" in planned and len(planned) < 10_000
    assert not {"\x1b", "\x07", "\u202e"} & {*planned, *failed, *built}
    assert "1 file is built as a Git LFS pointer, without its content: logo.psd" in built
    assert not ran.exists()

    dockerfile = (
        "FROM python:3.14-slim\nRUN echo 'this is the reason' && python3 -c \"print('x' * (3 << 20))\" && exit 9\n"
    )
    repository.commit(repository.files({**FILES, "Dockerfile": dockerfile}))
    failed = empty.celadon("build", "staging", expect=1).err
    assert "this is the reason" in failed and len(failed) < 5_000
