#!/usr/bin/env python3
"""Instructions by function, without those of the functions it calls: (B - A) / DIVISOR.

Usage: cgdiff.py A.out B.out DIVISOR [LINES]
A and B are profiles of callgrind, of a short and of a longer run; the divisor is how much more B did.
"""
import re
import sys
from collections import Counter


def name(known, text):
    """The file format numbers names: `(3) main` the first time, `(3)` from then on."""
    number, rest = re.match(r"\((\d+)\)(?: (.*))?", text).groups()
    if rest:
        known[number] = rest
    return known[number]


def load(path):
    costs, functions, objects = Counter(), {}, {}
    function = obj = None
    called = False  # the next line of costs is that of a call
    with open(path, errors="replace") as lines:
        for line in lines:
            key, _, value = line.rstrip("\n").partition("=")
            if key == "ob":
                obj = name(objects, value).rsplit("/", 1)[-1]
            elif key == "fn":
                function = name(functions, value), obj
            elif key == "cfn":
                name(functions, value)
            elif key == "cob":
                name(objects, value)
            elif key == "calls":
                called = True
            elif line[0] in "+-*0123456789":
                fields = line.split()
                if not called and function and len(fields) > 1:
                    costs[function] += int(fields[1])
                called = False
    return costs


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    before, after, divisor = load(sys.argv[1]), load(sys.argv[2]), float(sys.argv[3])
    shown = int(sys.argv[4]) if len(sys.argv) > 4 else 25
    differences = {key: (after[key] - before[key]) / divisor for key in before | after}
    objects = Counter()
    for (_, obj), cost in differences.items():
        objects[obj] += cost
    parts = ", ".join(f"{obj} {cost:.0f}" for obj, cost in objects.most_common() if cost > 1)
    print(f"total {sum(objects.values()):.1f}: {parts}")
    for (function, obj), cost in sorted(differences.items(), key=lambda item: -item[1])[:shown]:
        print(f"{cost:9.1f}  {function}  [{obj}]")


main()
