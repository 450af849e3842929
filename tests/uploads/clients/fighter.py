"""One tuspy client at a given upload: fighter.py <endpoint> <key> <address> <file> <chunk size>.

Waits for a line, uploads whatever happens, and prints the seconds that took and its conflicts.
"""

import sys
import time

import requests
from tusclient.client import TusClient


def main() -> None:
    endpoint, key, address, file, chunk_size = sys.argv[1:]
    conflicts = 0
    really = requests.patch

    def counting(*arguments: object, **options: object) -> requests.Response:
        nonlocal conflicts
        response = really(*arguments, **options)  # type: ignore[arg-type]
        conflicts += response.status_code == 409
        return response

    requests.patch = counting
    uploader = TusClient(endpoint, {"Authorization": f"Bearer {key}"}).uploader(
        file, url=address, chunk_size=int(chunk_size), retries=10**6, retry_delay=0
    )
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    uploader.upload()
    print(time.monotonic() - began, conflicts, flush=True)


if __name__ == "__main__":
    main()
