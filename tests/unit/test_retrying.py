"""What is tried again, and what is not: the words of real tools."""

import pytest

from celadon.errors import BuildError, CommandError, CommandTimeout, Unanswered
from celadon.run.retrying import PAUSES, of_the_network, patiently

NETWORK = [
    "npm error code ETIMEDOUT",
    "npm ERR! network request to https://registry.example.com/express failed, reason: socket hang up",
    "npm error code E503",
    "request to https://registry.example.com/left-pad failed, reason: getaddrinfo EAI_AGAIN registry.example.com",
    "urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='packages.example.com'): Read timed out.",
    "W: Failed to fetch http://deb.example.org/dists/stable/InRelease  Temporary failure resolving 'deb.example.org'",
    "fatal: unable to access 'https://git.example.com/a.git/': Could not resolve host: git.example.com",
    "fatal: unable to access 'https://git.example.com/a.git/': The requested URL returned error: 502",
    "error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly",
    "Error response from daemon: received unexpected HTTP status: 503 Service Unavailable",
    'failed to do request: Head "https://registry.example.com/v2/web/manifests/1": net/http: TLS handshake timeout',
    "Could not transfer artifact org.example:lib:pom:1.0 from/to central: Connection reset",
    'Error response from daemon: Get "http://127.0.0.1:5000/v2/": EOF',
    'Error response from daemon: Get "https://registry.example.com/v2/": net/http: request canceled '
    "(Client.Timeout exceeded while awaiting headers)",
    'Error response from daemon: Get "https://registry.example.com/v2/": context deadline exceeded',
    "error: RPC failed; curl 28 Operation too slow. Less than 1 bytes/sec transferred the last 60 seconds",
    "Timeout, server git.example.com not responding.",
    "curl: (28) Operation timed out after 60000 milliseconds with 0 bytes received",
    "ERR_PNPM_FETCH_503  GET https://registry.example.com/left-pad: Service Unavailable - 503",
    "ERROR: HTTP error 503 while getting https://packages.example.com/simple/flask/",
    "requests.exceptions.HTTPError: 502 Server Error: Bad Gateway for url: https://packages.example.com/",
    "> Could not GET 'https://maven.example.com/a.pom'. Received status code 503 from server: Service Unavailable",
    "2026-01-11 09:30:12 ERROR 503: Service Unavailable.",
    "failed to get successful HTTP response from `https://crates.example.com/a`, got 503",
    "curl: (7) Failed to connect to api.example.com port 443: Connection refused",
]
CODE = [
    "npm error 404 Not Found - GET https://registry.example.com/no-such-package",
    "error TS2345: Argument of type 'string' is not assignable to parameter of type 'number'.",
    "remote: Repository not found. fatal: Authentication failed for 'https://git.example.com/a.git/'",
    "AssertionError: expected status 500 to equal 200",
    "AssertionError: expected status code 200, got 500",
    "exit code: 137",
    "bash: -c: line 2: syntax error: unexpected EOF while looking for matching `'",
    "main.go:7:2: syntax error: unexpected EOF, expecting }",
    "manifest for registry.example.com/web:1 not found: manifest unknown",
]


def failure(line: str) -> CommandError:
    return CommandError(["git", "fetch"], 128, ["some output", line])


def broken(line: str) -> BuildError:
    return BuildError("it failed", service="web", step="RUN", evidence=[], hint="", cause=line)


@pytest.mark.parametrize("line", NETWORK)
def test_a_network_that_failed_is_known(line: str) -> None:
    assert of_the_network(failure(line))
    elsewhere = line.replace("127.0.0.1", "registry.example.com")
    assert of_the_network(broken(elsewhere))


def test_what_a_build_misses_on_this_host_no_patience_brings() -> None:
    line = "psycopg.OperationalError: connection to server at 127.0.0.1, port 5432 failed: Connection refused"
    assert not of_the_network(broken(line)) and of_the_network(broken(line.replace("127.0.0.1", "db.example.com")))


def test_a_registry_that_keeps_silent_is_asked_again_and_a_build_that_takes_too_long_is_not() -> None:
    assert of_the_network(Unanswered(["docker"], -15, ()))
    assert not of_the_network(CommandTimeout(["docker"], -15, ()))


@pytest.mark.parametrize("line", CODE)
def test_what_patience_does_not_mend_is_not_tried_again(line: str) -> None:
    tries = []

    def work() -> None:
        tries.append(1)
        raise failure(line)

    with pytest.raises(CommandError):
        patiently(work, "web", tries.append, tries.append)  # type: ignore[arg-type]
    assert tries == [1]


def test_it_works_at_last_and_every_new_try_is_told() -> None:
    left = [failure(NETWORK[0]), failure(NETWORK[1])]
    told: list[str] = []
    slept: list[float] = []

    def work() -> str:
        if left:
            raise left.pop(0)
        return "built"

    assert patiently(work, "web", told.append, slept.append) == "built"
    assert slept == list(PAUSES) and "web: the network failed; trying again in 2 s" in told[0] and len(told) == 2


def test_three_failures_are_enough() -> None:
    tries: list[str] = []

    def work() -> None:
        tries.append("try")
        raise failure(NETWORK[0])

    with pytest.raises(CommandError) as caught:
        patiently(work, "web", lambda _text: None, lambda _seconds: None)
    assert len(tries) == 3 and "of the network" in caught.value.hint


def test_a_warning_further_up_is_no_reason() -> None:
    lines = ["npm warn network ETIMEDOUT, trying again", *["compiled"] * 6, "error TS2345: no"]
    assert not of_the_network(CommandError(["npm"], 1, lines))
