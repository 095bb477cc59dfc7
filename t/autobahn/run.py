"""Runs the Autobahn cases against nginx with the module as an echo server (echo.conf).

Usage: run.py [all | CASE ...]     a CASE is a number or has a * in it: 7.1.5 "9.*"
Without an argument: all sections, but of 12 and 13 only the cases named below.

Fails on each case that neither passes nor is listed with a reason in expected.txt, on a listed one
that passes, and on bad lines in nginx's error log.

Environment: NGINX, MODULE; LIMIT, the seconds one case may take (default 120); ADDRESS=host:port
tests a server that runs already instead.
"""

import asyncio
import collections
import fnmatch
import importlib
import itertools
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

import kosoku

HERE = pathlib.Path(__file__).parent
LIMIT = float(os.environ.get("LIMIT", "120"))
AT_ONCE = 2
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}
BAD_LOG = re.compile(r"\[(alert|crit|emerg)\]|panicked|AddressSanitizer|open socket|exited on signal")

# Compression: 1000 messages in each case. Those of the smallest, a middle and the largest size of
# each kind are enough for each day.
DAILY = {"12": {1, 9, 17}, "13": {1, 9, 17}}


class Nginx:
    """nginx in a directory of its own, with echo.conf on a free port."""

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="nginx-autobahn-")
        prefix = pathlib.Path(self.directory.name)
        prefix.chmod(0o755)  # root's workers are another user
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = " ".join(f"{kind}_temp_path {kind};" for kind in kinds)
        conf = (HERE / "echo.conf").read_text().replace("127.0.0.1:9080", self.address)
        conf = conf.replace("http {", f"http {{ access_log off; {paths}", 1)
        (prefix / "nginx.conf").write_text(
            f'load_module "{os.environ["MODULE"]}"; daemon off; pid nginx.pid; '
            f"error_log error.log warn;\n{conf}"
        )
        self.log = prefix / "error.log"
        # However this process ends, nginx ends with it.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", os.environ.get("NGINX", "nginx")]
            + ["-e", "error.log", "-p", f"{prefix}/", "-c", "nginx.conf"],
            stderr=subprocess.DEVNULL,
            # nginx would take it for a list of inherited sockets.
            env={name: value for name, value in os.environ.items() if name != "NGINX"},
        )
        deadline = time.monotonic() + 20
        while not self.serves():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                sys.exit(f"nginx did not start:\n{self.log.read_text()}")
            time.sleep(0.02)
        return self

    def serves(self):
        host, port = self.address.split(":")
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGQUIT)
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "nothing within 10 seconds"
        bad = [line for line in self.log.read_text().splitlines() if BAD_LOG.search(line)]
        self.directory.cleanup()
        if bad or code != 0:
            sys.exit("\n".join(bad + [f"nginx ended with {code}"]))


async def results(address, case):
    """The results of the cases with this number, failed or not."""
    try:
        return await kosoku.run_fuzzingclient(address, case)
    except kosoku.FailureError as failure:
        return failure.results


def take_plain_messages():
    """Lets the cases of compression take a message that the server did not compress.

    It need not (RFC 7692 section 6). kosoku 0.1.0 gives them such a message as str, one character
    for each byte, while they expect bytes.
    """
    cases = importlib.import_module("case12_x_x")  # kosoku has put its folder into sys.path
    for case in cases.Case12_X_X + cases.Case13_X_X:
        def on_message(self, message, binary, given=case.onMessage):
            given(self, message.encode("latin-1") if isinstance(message, str) else message, binary)

        case.onMessage = on_message


async def numbers(arguments):
    """The cases to run, in order."""
    # Nothing listens on port 1: each case fails at once and tells its number.
    every = [result.case_id for result in await results("127.0.0.1:1", None)]
    take_plain_messages()
    if arguments == ["all"]:
        return every
    if arguments:
        return [case for case in every if any(fnmatch.fnmatch(case, one) for one in arguments)]
    number = lambda case: int(case.rsplit(".", 1)[1])
    return [case for case in every if number(case) in DAILY.get(case.split(".")[0], {number(case)})]


async def verdict(address, case, limit, slots):
    """The verdict on one case, and the words that explain it."""
    async with slots:
        try:
            [result] = await asyncio.wait_for(results(address, [case]), limit)
        except asyncio.TimeoutError:
            return "TIMEOUT", f"not done within {limit:g} seconds"
    words = result.behavior.value, result.behavior_close.value
    bad = [word for word in words if word not in GOOD]
    return (bad or words)[0], f"{result.result} {result.result_close}"


async def run(address, arguments):
    """Runs the cases and prints a table, then what is wrong; whether nothing is."""
    lines = (HERE / "expected.txt").read_text().splitlines()
    expected = dict(line.split(None, 1) for line in lines if line and not line.startswith("#"))
    slots = asyncio.Semaphore(AT_ONCE)
    columns = ["cases", *sorted(GOOD), "listed", "FAILED", "seconds"]
    total = collections.Counter()
    wrong = []

    def show(name, row):
        print(f"{name:>7}", *(f"{row[column]:>{len(column)}.0f}" for column in columns), sep="  ", flush=True)

    print("section", *columns, sep="  ")
    for section, cases in itertools.groupby(await numbers(arguments), lambda case: case.split(".")[0]):
        cases = list(cases)
        # Those that are known not to pass may hang: no need to wait for long.
        limits = [min(LIMIT, 5) if case in expected else LIMIT for case in cases]
        start = time.monotonic()
        row = collections.Counter(cases=len(cases))
        verdicts = await asyncio.gather(*(verdict(address, *one, slots) for one in zip(cases, limits)))
        for case, (word, why) in zip(cases, verdicts):
            if (word in GOOD) == (case in expected):
                why = "passes, but is listed in expected.txt" if word in GOOD else f"{word}: {why}"
                wrong.append(f"{case}: {why}")
            row[word if word in GOOD else "listed" if case in expected else "FAILED"] += 1
        row["seconds"] = time.monotonic() - start
        show(section, row)
        total += row
    show("all", total)
    print(*wrong, sep="\n", end="\n" if wrong else "", flush=True)
    return total["cases"] > 0 and not wrong


def main():
    arguments = " ".join(sys.argv[1:]).split()
    if "ADDRESS" in os.environ:
        good = asyncio.run(run(os.environ["ADDRESS"], arguments))
    else:
        with Nginx() as nginx:
            good = asyncio.run(run(nginx.address, arguments))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
