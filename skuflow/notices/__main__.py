"""``python -m skuflow.notices``: how many notices there are in each state. With ``--again`` those that were given up,
since the receiver took them at no try for a day, are tried once more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from skuflow.ledger.engine import open_engine
from skuflow.notices.outbox import Outbox
from skuflow.settings import SettingsError, read_settings


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m skuflow.notices", description=__doc__)
    parser.add_argument("--again", action="store_true", help="try once more what was given up")
    given = parser.parse_args(arguments)
    try:
        engine = open_engine(read_settings().database_url)
    except SettingsError as error:
        print(f"skuflow: {error}", file=sys.stderr)
        return 2
    try:
        outbox = Outbox(engine)
        if given.again:
            print(f"{outbox.send_again()} notices that were given up are sent again")
        print(", ".join(f"{count} {state}" for state, count in outbox.counts().items()))
        if last_error := outbox.last_error():
            print(f"last error: {last_error}")
    finally:
        engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
