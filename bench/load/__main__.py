"""Puts one load on a server, in a separate process: `python -m bench.load KIND SPECIFICATION`.

The specification and the results are JSON. Every load reports its own CPU seconds as `load_cpu`: it
shares the machine with the server.
"""

import json
import sys
import time

from bench.load import bulk, slow, small

KINDS = {"bulk": bulk.load, "small": small.load, "slow": slow.load}


def main() -> None:
    """Runs the load and prints the results."""
    specification = json.loads(sys.argv[2])
    started = time.process_time()
    seen = KINDS[sys.argv[1]](specification)
    seen["load_cpu"] = time.process_time() - started
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
