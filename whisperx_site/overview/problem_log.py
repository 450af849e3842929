"""Problems in the log: when each begins, and when it is over."""

import logging

from whisperx_site.overview.findings import Finding
from whisperx_site.overview.problems import problems

logger = logging.getLogger("site")

_known: dict[tuple[str, str], Finding] = {}


def report() -> None:
    """Logs what is new, and what is over, since the last call in this process."""
    # A fact may tell a duration that grows; what to do about it stays the same.
    found = {(problem.what, problem.remedy): problem for problem in problems()}
    for key in found.keys() - _known.keys():
        problem = found[key]
        logger.warning("%s: %s. %s", problem.what, problem.fact.rstrip("."), problem.remedy)
    for key in _known.keys() - found.keys():
        logger.info("over: %s: %s", _known[key].what, _known[key].fact)
    _known.clear()
    _known.update(found)
