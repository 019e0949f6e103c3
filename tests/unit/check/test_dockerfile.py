"""Dockerfiles, text in: the instructions that are read, and exactly what the rules say of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celadon.adapters.buildx import Remark
from celadon.check import buildkit, images, installs
from celadon.check.dockerfile import parse
from celadon.check.facts import Build
from celadon.check.shell import commands
from celadon.config.positions import Place

GIB = 1 << 30
CACHE = "RUN --mount=type=cache,target=/root/.npm "
PATIENT = {".npmrc": "fetch-timeout=60000\nfetch-retries=3\n"}


def said(text: str | None, **around: Any) -> list[str]:
    """ "line:column severity rule what" of all findings, for a Dockerfile in a tidy folder of a service with health."""
    tidy: dict[str, Any] = {"ignore": ".git\n.env\n", "overridden": frozenset({"HEALTHCHECK"}), **around}
    build = Build("Dockerfile", text, ("web",), Place(7, 5), "compose.yaml", **tidy)
    found = sorted({*images.findings(build), *installs.findings(build), *buildkit.findings(build)})
    return [f"{f.line}:{f.column} {f.severity} {f.rule.removeprefix('dockerfile/')} {f.what}" for f in found]


@pytest.mark.parametrize(
    ("text", "instructions"),
    [
        ("FROM a\nRUN b", ["1 FROM a", "2 RUN b"]),
        ("# comment\n\nfrom a AS x\n", ["3 FROM a AS x"]),
        ("FROM a\nRUN b && \\\n  c\nUSER d", ["1 FROM a", "2 RUN b && c", "4 USER d"]),
        ("FROM a\nRUN b && \\\n  # why\n\n  c\nUSER d", ["1 FROM a", "2 RUN b && c", "6 USER d"]),
        ("# escape=`\nFROM a\nRUN b `\n  c\\\nUSER d", ["2 FROM a", "3 RUN b c\\", "5 USER d"]),
        ("# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN `\n b", ["3 FROM a", "4 RUN b"]),
        ("# no directive\n# escape=`\nFROM a\nRUN b `\nUSER c", ["3 FROM a", "4 RUN b `", "5 USER c"]),
        ("FROM a\nRUN <<EOF\nUSER no\nEOF\nUSER d", ["1 FROM a", "2 RUN <<EOF", "5 USER d"]),
        ("FROM a\nCOPY <<-A <<'B' /x/\n\tRUN 1\n\tA\nRUN 2\nB\nUSER d",
         ["1 FROM a", "2 COPY <<-A <<'B' /x/", "7 USER d"]),
        ("FROM a\nRUN echo $((1<<N))\nUSER d", ["1 FROM a", "2 RUN echo $((1<<N))", "3 USER d"]),
        ("\ufeffFROM a\r\nRUN b\r\n", ["1 FROM a", "2 RUN b"]),
        ("FROM a\nRUN --mount=type=cache,target=/c \\\n  --network=none \\\n  b", ["1 FROM a", "2 RUN b"]),
        ("ARG V=1\nFROM a", ["1 ARG V=1", "2 FROM a"]),
    ],
)  # fmt: skip
def test_instructions_are_read(text: str, instructions: list[str]) -> None:
    read = parse(text)
    every = [*read.before, *(one for stage in read.stages for one in (stage.opening, *stage.body))]
    assert [f"{one.place.line} {one.name} {one.text}" for one in every] == instructions
    assert read.unknown == ()


@pytest.mark.parametrize(
    ("text", "programs"),
    [
        ("RUN a b && c; d | e", ["1:5 a b", "1:12 c", "1:15 d", "1:19 e"]),
        ("RUN a && \\\n    b c", ["1:5 a", "2:5 b c"]),
        ('RUN ["a", "b c"]', ["1:1 a b c"]),
        ("RUN sh -ec 'a b && c'", ["1:5 a b", "1:5 c"]),
        ("RUN X=1 sudo /usr/bin/a b", ["1:5 a b"]),
        ("RUN python3 -m pip install x", ["1:5 pip install x"]),
        ("RUN <<EOF\nset -e\n# no\na b \\\n  c\nEOF", ["2:1 set -e", "4:1 a b c"]),
        ("RUN cat <<EOF > /x && a\nnpm install\nEOF", ["1:5 cat > /x", "1:23 a"]),
        ("RUN <<EOF python3\nnpm install\nEOF", ["1:11 python3"]),
        ("RUN <<EOF\n#!/usr/bin/env python3\nnpm = 1\nEOF", []),
        ("RUN if true; then a 'it''s'; fi", ["1:5 true", "1:14 a its", "1:30 fi"]),
        ("RUN echo 'a quotation \\\n that goes on'", ["1:5 echo 'a quotation that goes on'"]),
    ],
)  # fmt: skip
def test_commands_are_read(text: str, programs: list[str]) -> None:
    (run,) = parse(f"FROM a\n{text}").stages[0].body
    found = [(c.place, " ".join([c.program, *c.words])) for c in commands(run)]
    assert [f"{place.line - 1}:{place.column} {words}" for place, words in found] == programs


@pytest.mark.parametrize(
    ("text", "around", "findings"),
    [
        # what is well
        ("FROM node:24\nUSER node\nCMD [\"node\", \"x\"]", {}, []),
        (f"FROM node:24\nCOPY . .\n{CACHE}npm ci\nUSER node", {"npmrcs": PATIENT}, []),
        # package managers without a cache
        ("FROM a:1\nRUN pip install -r x\nUSER 1", {}, ["2:5 warning no-cache-mount pip has no cache mount"]),
        ("FROM a:1\nRUN apt-get update && \\\n  apt-get install -y x && apt-get install y\nUSER 1", {},
         ["3:3 warning no-cache-mount apt-get has no cache mount"]),
        ("FROM a:1\nRUN --mount=type=cache,target=/root/.npm pip3 install x\nUSER 1", {},
         ["2:42 warning no-cache-mount pip3 has no cache mount"]),
        ("FROM a:1\nRUN --mount=type=cache,target=/our/place,id=x uv sync\nUSER 1", {}, []),
        ("FROM a:1\nRUN ./mvnw -B package\nUSER 1", {}, ["2:5 warning no-cache-mount mvnw has no cache mount"]),
        ("FROM a:1\nRUN mvn --version && gradle -v\nUSER 1", {}, []),
        ("FROM a:1\nRUN gradle build\nUSER 1", {}, ["2:5 warning no-cache-mount gradle has no cache mount"]),
        ("FROM a:1\nRUN yarn && pnpm i && yarn build\nUSER 1", {},
         ["2:5 warning no-cache-mount yarn has no cache mount", "2:13 warning no-cache-mount pnpm has no cache mount"]),
        ("FROM a:1\nRUN uv pip install x\nUSER 1", {}, ["2:5 warning no-cache-mount uv has no cache mount"]),
        ("FROM a:1\nRUN <<EOF\nset -e\npip install x\nEOF\nUSER 1", {},
         ["4:1 warning no-cache-mount pip has no cache mount"]),
        ("FROM a:1\nRUN echo pip install\nUSER 1", {}, []),
        # npm
        (f"FROM a:1\nCOPY package*.json .npmrc ./\n{CACHE}npm install\nUSER 1", {"npmrcs": PATIENT},
         ["3:42 warning npm-install `npm install` instead of `npm ci`"]),
        (f"FROM a:1\nCOPY . .\n{CACHE}npm i --omit=dev\nUSER 1",
         {"npmrcs": PATIENT, "files": frozenset({"package-lock.json"})},
         ["3:42 warning npm-install `npm i` instead of `npm ci`"]),
        (f"FROM a:1\nCOPY . .\n{CACHE}npm install\nUSER 1", {"npmrcs": PATIENT},
         ["3:42 warning npm-install `npm install` without a lock file"]),
        (f"FROM a:1\nCOPY . .\n{CACHE}npm install -g pnpm\nUSER 1",
         {"npmrcs": PATIENT, "files": frozenset({"package-lock.json"})}, []),
        (f"FROM a:1\n{CACHE}npm ci\nUSER 1", {}, ["2:42 warning npm-timeout npm has no fetch-timeout"]),
        (f"FROM a:1\nCOPY package.json ./\n{CACHE}npm ci\nUSER 1", {"npmrcs": PATIENT},
         ["3:42 warning npm-timeout npm has no fetch-timeout"]),
        (f"FROM a:1\nCOPY .npmrc ./\n{CACHE}npm ci\nUSER 1", {"npmrcs": {".npmrc": "audit=false"}},
         ["3:42 warning npm-timeout npm has no fetch-timeout"]),
        (f"FROM a:1\nENV NPM_CONFIG_FETCH_TIMEOUT=60000\n{CACHE}npm ci\nUSER 1", {}, []),
        (f"FROM a:1 AS x\nENV npm_config_fetch_timeout 60000\nFROM x\n{CACHE}npm ci\nUSER 1", {}, []),
        (f"FROM a:1\n{CACHE}npm ci --fetch-timeout=60000\nUSER 1", {}, []),
        (f"FROM a:1\nRUN npm config set fetch-timeout 60000\n{CACHE}npm ci\nUSER 1", {}, []),
        (f"FROM a:1\nCOPY package.json* .npmrc* ./\n{CACHE}npm ci\nUSER 1", {"npmrcs": PATIENT}, []),
        (f"FROM a:1\nCOPY web/ .\n{CACHE}npm ci\nUSER 1", {"npmrcs": {"web/.npmrc": "fetch-timeout = 9"}}, []),
        # Node's heap under a cap
        ("FROM a:1\nRUN npm run build\nUSER 1", {"memory": 2 * GIB},
         ["2:5 warning no-heap-limit npm run build has no heap limit, and builds may take 2.0G"]),
        ("FROM a:1\nRUN npm run build\nUSER 1", {}, []),
        ("FROM a:1\nENV NODE_OPTIONS=--max-old-space-size=1024\nRUN npm run build\nUSER 1", {"memory": 2 * GIB}, []),
        ("FROM a:1\nRUN NODE_OPTIONS=--max-old-space-size=512 npx vite build\nUSER 1", {"memory": 2 * GIB}, []),
        ("FROM a:1\nRUN export NODE_OPTIONS=--max_old_space_size=512 && yarn build:web\nUSER 1", {"memory": GIB}, []),
        ("FROM a:1\nRUN NODE_OPTIONS=--max-old-space-size=4096 next build\nUSER 1", {"memory": 2 * GIB},
         ["2:5 warning no-heap-limit next build may take 4.0G of heap, and builds may take 2.0G in all"]),
        # whose user
        ("FROM a:1\nCMD [\"x\"]", {}, ["1:1 warning root the image runs as root: it has no USER"]),
        ("FROM a:1\nUSER 1\nUSER 0:0", {}, ["3:1 warning root the image runs as root: its last USER says so"]),
        ("FROM a:1 AS x\nUSER 1\nFROM x", {}, []),
        ("FROM gcr.io/distroless/nodejs24:nonroot", {}, []),
        ("FROM a:1 AS one\nUSER 1\nFROM b:1", {"target": "one"}, []),
        # secrets
        ("FROM a:1\nARG NPM_TOKEN=abc\nUSER 1", {}, ["2:1 error secret ARG gives NPM_TOKEN a value"]),
        ("FROM a:1\nARG NPM_TOKEN\nUSER 1", {}, []),
        ("FROM a:1\nENV A=1 DB_PASSWORD=abc API_KEY=\"x\"\nUSER 1", {},
         ["2:1 error secret ENV gives API_KEY a value", "2:1 error secret ENV gives DB_PASSWORD a value"]),
        ("FROM a:1\nENV JWT_SECRET abc def\nUSER 1", {}, ["2:1 error secret ENV gives JWT_SECRET a value"]),
        ("FROM a:1\nENV DB_PASSWORD_FILE=/run/x JWT_PUBLIC_KEY=x ALLOW_EMPTY_PASSWORD=yes KEYBOARD=us\nUSER 1", {}, []),
        ("FROM a:1\nCOPY .env id_rsa certs/site.key ./\nUSER 1", {},
         ["2:1 error secret COPY brings .env into the image",
          "2:1 error secret COPY brings certs/site.key into the image",
          "2:1 error secret COPY brings id_rsa into the image"]),
        ("FROM a:1\nCOPY .env.example keys/jwt_public.pem ca.pem ./\nUSER 1", {}, []),
        ("FROM a:1\nCOPY [\"server.pem\", \"/x/\"]\nUSER 1", {},
         ["2:1 error secret COPY brings server.pem into the image"]),
        # bases
        ("FROM node\nUSER 1", {}, ["1:1 warning unpinned-base the image node has no version"]),
        ("FROM r.example.com:5000/a/node:latest\nUSER 1", {},
         ["1:1 warning unpinned-base the image r.example.com:5000/a/node:latest has no version"]),
        ("FROM scratch\nUSER 1", {}, []),
        ("FROM a@sha256:0123\nUSER 1", {}, []),
        ("FROM --platform=linux/amd64 a:1 AS Base\nFROM base\nUSER 1", {}, []),
        ("ARG V=24\nFROM node:${V}\nUSER 1", {}, []),
        ("ARG V\nFROM node:$V\nUSER 1", {}, []),
        ("ARG V=latest\nFROM node:${V}\nUSER 1", {},
         ["2:1 warning unpinned-base the image node:latest has no version"]),
        ("FROM a:1 AS x\nFROM b:1\nCOPY --from=x /a /\nCOPY --from=0 /a /\nCOPY --from=ext/tool /a /\nUSER 1", {},
         ["5:1 warning unpinned-base the image ext/tool has no version"]),
        ("FROM a:1\nRUN --mount=type=bind,from=tool:latest,target=/t x\nUSER 1", {},
         ["2:1 warning unpinned-base the image tool:latest has no version"]),
        ("FROM shared\nCOPY --from=docs /a /\nUSER 1", {"contexts": frozenset({"shared", "docs"})}, []),
        # what the compose file says instead
        ("FROM a:1\nCMD x", {"overridden": frozenset({"USER", "CMD", "HEALTHCHECK"})}, []),
        # what BuildKit says, less what is said already
        ("FROM a:1\nUSER 1", {"remarks": (
            Remark("StageNameCasing", 1, "x", "u"), Remark("JSONArgsRecommended", 2, "y", ""),
            Remark("Other", 0, "z", ""),
         )},
         ["1:1 warning buildkit/Other z", "1:1 warning buildkit/StageNameCasing x"]),
        ("FROM a:1\nUSER 1", {"remarks": None}, ["1:1 info buildkit/no-answer BuildKit could not look at it"]),
        # how it ends
        ("FROM a:1\nUSER 1\nCMD node x", {}, ["3:1 warning shell-form CMD runs through a shell"]),
        ("FROM a:1\nUSER 1\nENTRYPOINT [\"sh\", \"-c\", \"node x\"]", {},
         ["3:1 warning shell-form ENTRYPOINT runs through a shell"]),
        ("FROM a:1\nUSER 1\nCMD exec node x", {}, []),
        ("FROM a:1\nUSER 1\nCMD node x\nCMD [\"node\", \"x\"]", {}, []),
        ("FROM a:1 AS x\nCMD node x\nFROM a:1\nUSER 1\nCMD [\"node\"]", {}, []),
        # health
        ("FROM a:1\nUSER 1", {"overridden": frozenset()},
         ["1:1 info no-health no HEALTHCHECK, and no x-celadon.health for web"]),
        ("FROM a:1\nUSER 1\nHEALTHCHECK CMD x", {"overridden": frozenset()}, []),
        ("FROM a:1\nUSER 1\nHEALTHCHECK CMD x\nHEALTHCHECK NONE", {"overridden": frozenset()},
         ["1:1 info no-health no HEALTHCHECK, and no x-celadon.health for web"]),
        # .dockerignore
        ("FROM a:1\nCOPY . .\nUSER 1", {"ignore": None},
         ["1:1 warning no-dockerignore there is no .dockerignore in its build folder"]),
        ("FROM a:1\nCOPY x .\nUSER 1", {"ignore": None},
         ["1:1 info no-dockerignore there is no .dockerignore in its build folder"]),
        ("FROM a:1\nCOPY ./ /app\nUSER 1", {"ignore": "# x\nnode_modules\n**/.git\n"},
         ["1:1 warning dockerignore-lacks its .dockerignore lets .env through"]),
        ("FROM a:1\nADD . /app\nUSER 1", {"ignore": "*\n!.env\n!src"},
         ["1:1 warning dockerignore-lacks its .dockerignore lets .env through"]),
        ("FROM a:1\nCOPY . .\nUSER 1", {"ignore": "**\n!src"}, []),
        ("FROM a:1\nCOPY . .\nUSER 1", {"ignore": "/.git/\n.env*"}, []),
        # what is no Dockerfile, or none at all
        ("FROM a:1\nRUNN x\nUSER 1", {}, ["2:1 error syntax `RUNN` is no instruction"]),
        ("FROM a:1\nUSER 1\nMIIcanary0=\n", {}, ["3:1 error syntax `…` is no instruction"]),
        ("", {}, ["1:1 error syntax no FROM: the image is made of nothing"]),
        (None, {}, ["7:5 error missing web: there is no Dockerfile"]),
    ],
)  # fmt: skip
def test_what_a_dockerfile_is_told(text: str | None, around: dict[str, Any], findings: list[str]) -> None:
    assert said(text, **around) == findings


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("npm ci", "/root/.npm"), ("yarn install", "/usr/local/share/.cache/yarn"),
        ("pnpm install", "/root/.local/share/pnpm/store"), ("pip install x", "/root/.cache/pip"),
        ("pip3 install x", "/root/.cache/pip"), ("uv sync", "/root/.cache/uv"), ("mvn package", "/root/.m2"),
        ("./mvnw package", "/root/.m2/repository"), ("gradle build", "/root/.gradle"),
        ("./gradlew build", "/root/.gradle"), ("apt install -y x", "/var/cache/apt"),
        ("apt-get install -y x", "/var/cache/apt"),
    ],
)  # fmt: skip
def test_each_package_manager_needs_its_cache(command: str, place: str) -> None:
    def told(flags: str) -> list[str]:
        found = said(f"FROM a:1\nENV npm_config_fetch_timeout=60000\nRUN {flags}{command}\nUSER 1")
        return [line.partition(" warning ")[2] for line in found]

    program = command.split()[0].removeprefix("./")
    assert told("") == [f"no-cache-mount {program} has no cache mount"]
    assert told(f"--mount=type=cache,target={place} ") == []
    assert told("--mount=type=bind,source=x,target=/x ") == told("")


SCRAPS = [
    "FROM a:1 AS x", "FROM", "FROM x AS x", "RUN", "RUN <<E", "E", "npm ci && \\", "\\", "ENV", "ENV A", "COPY",
    "CMD [", "USER", "'", '"', "--mount=type=cache", "RUN sh -c", 'RUN ["sh", "-c"]', "ARG =", "# escape=`", "",
    "HEALTHCHECK", "COPY --from= <<E x", "RUN export", "RUN npm run", "RUN npx", "RUN python -m", "RUN env",
    'CMD ["sh","-c",""]',
]  # fmt: skip


@given(st.lists(st.sampled_from(SCRAPS), max_size=12))
def test_nothing_that_is_written_ends_in_a_bug(lines: list[str]) -> None:
    said("\n".join(lines), memory=GIB, npmrcs=PATIENT)


def test_no_value_of_a_secret_is_told() -> None:
    text = "FROM a:1\nARG NPM_TOKEN=canary-1\nENV DB_PASSWORD canary-2\nRUN npm ci && API_KEY=canary-3 npm run build\n"
    build = Build("Dockerfile", text, ("web",), Place(1, 1), "compose.yaml", memory=GIB)
    found = [*images.findings(build), *installs.findings(build)]
    assert len(found) > 5 and "canary" not in str(found)


def test_an_inline_dockerfile_has_its_places_in_the_compose_file() -> None:
    build = Build(
        "compose.yaml", "FROM a\nUSER 1\nHEALTHCHECK CMD x", ("web",), Place(4, 5), "compose.yaml", line=9, column=9,
        ignore=".*",
    )  # fmt: skip
    (found,) = images.findings(build)
    assert (found.file, found.line, found.column) == ("compose.yaml", 9, 9)
