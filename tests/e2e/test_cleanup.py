"""Stories of disks: what goes, what stays, and what happens where there is no room."""

from pathlib import Path

from tests.e2e.small_engine import small_engine
from tests.e2e.workspace import Workspace, run

THEIRS = 'FROM python:3.14-slim\nRUN echo "somebody else\'s {name}" > /theirs\n'


def cache() -> dict[str, str]:
    """The records of the engine's build cache by id, with their descriptions."""
    words = run(["docker", "buildx", "du", "--verbose"])
    blocks = [dict(line.split(":", 1) for line in block.splitlines() if ":" in line) for block in words.split("\n\n")]
    return {block["ID"].strip(): block["Description"].strip() for block in blocks if "Description" in block}


def test_cleanup_removes_only_what_this_workspace_made(shop: Workspace) -> None:
    # Somebody else's image, nameless image, container, volume and build cache.
    (shop.folder / "theirs").mkdir()
    build = ["docker", "buildx", "build", "--load", "--quiet", "-f", "-", str(shop.folder / "theirs")]
    before = set(cache())
    theirs = []
    for name in ("named", "nameless"):
        (shop.folder / "Dockerfile.theirs").write_text(THEIRS.format(name=f"{name} {shop.name}"))
        tag = ["--tag", f"{shop.name}-theirs:1"] if name == "named" else []
        with (shop.folder / "Dockerfile.theirs").open() as text:
            theirs.append(run_with(text, [*build, *tag]))
    container = run(["docker", "create", f"{shop.name}-theirs:1"]).strip()
    volume = run(["docker", "volume", "create", f"{shop.name}-theirs"]).strip()
    their_cache = set(cache()) - before
    try:
        shop.top["keep"] = 1
        shop.write()
        dockerfile = shop.folder / shop.unique("shop") / "Dockerfile"
        for number in range(4):
            step = f"RUN echo {shop.name} {number} && head -c 2000000 /dev/urandom > /ballast\n"
            shop.commit("shop", {"Dockerfile": dockerfile.read_text() + step if not number else
                                 dockerfile.read_text().replace(f" {number - 1} ", f" {number} "),
                                 "VERSION": f"{number + 1}\n"}, f"version {number + 1}")  # fmt: skip
            shop.celadon("deploy", "staging")
        ours = {id_ for id_, words in cache().items() if shop.name in words} - their_cache
        assert len(ours) == 4 and len(shop.celadon("releases", "staging", "--json").json) == 2

        shop.top["disk"] = {"floor": "900g"}  # no disk here has that
        shop.write()
        listed = shop.celadon("cleanup", "--dry-run", "--json").json
        assert {row["kind"] for row in listed["objects"]} == {"build cache"} and listed["freed"] is None
        assert ours <= set(cache())
        told = shop.celadon("cleanup")
        assert "stays below its floor of 900G" in told.out + told.err
        left = cache()
        assert len(ours & set(left)) == 2 and their_cache <= set(left)  # images that are kept hold two
        for image in theirs:
            run(["docker", "image", "inspect", image])
        run(["docker", "container", "inspect", container])
        run(["docker", "volume", "inspect", volume])
        assert shop.version("/shop") == "4"
        shop.celadon("rollback", "staging", "-y")
        assert shop.version("/shop") == "3"
    finally:
        run(["docker", "rm", container], check=False)
        run(["docker", "volume", "rm", volume], check=False)
        run(["docker", "image", "rm", "--force", *theirs], check=False)


def run_with(text: object, argv: list[str]) -> str:
    """Run with a file as standard input; the image's id is what a quiet build prints."""
    import subprocess

    return subprocess.run(argv, stdin=text, capture_output=True, text=True, check=True).stdout.strip()  # type: ignore[call-overload,no-any-return]


def test_a_full_disk_is_refused_before_anything_was_changed(shop: Workspace, tmp_path_factory: object) -> None:
    folder = Path(run(["mktemp", "--directory"]).strip())
    shop.top["build"] = {"uncapped": "warn"}  # no shell in an image of nothing: the cap cannot be tried
    shop.commit("shop", {"Dockerfile": "FROM scratch\nCOPY app.py VERSION ./\n"}, "small")
    shop.write()
    with small_engine(folder, 1400) as engine:
        shop.celadon("build", "staging", env=engine.env)
        shop.commit("shop", {"VERSION": "2\n"}, "second")
        file = engine.fill()
        refused = shop.celadon("build", "staging", env=engine.env, expect=1).err
        assert "There is not enough free disk to build; nothing was changed." in refused
        assert "needed:" in refused and f"free in {engine.disk}" in refused and "celadon cleanup --dry-run" in refused
        assert len(engine.docker("image", "ls", "--quiet").split()) == 1
        file.unlink()
        shop.celadon("build", "staging", env=engine.env)
        assert len(engine.docker("image", "ls", "--quiet").split()) == 2
