"""Rows of evidence, as bench/src/row.rs reads them."""

import json
import sys


def row(name, what, value, unit, command, size, bar=None, holds=True, spread=None):
    """One figure. `bar` is text such as "≥ 0.97", `holds` whether it is reached."""
    return {
        "name": name,
        "what": what,
        "value": round(float(value), 4),
        "unit": unit,
        "bar": bar,
        "ok": bool(holds),
        "command": command,
        "size": size,
        "spread": None if spread is None else round(float(spread), 4),
    }


def finish(rows, as_json):
    """Prints the rows and ends the program: with 1 when one is not ok."""
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for each in rows:
            mark = "ok " if each["ok"] else "NOT"
            print(f"{mark} {each['name']} {each['value']} {each['unit']} ({each['bar'] or 'reported'}): {each['what']}")
    sys.exit(0 if all(each["ok"] for each in rows) else 1)


def note(text):
    """A line for whoever watches; the rows have standard output to themselves."""
    print(text, file=sys.stderr, flush=True)
