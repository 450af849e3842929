"""The cost of processes: CPU seconds and memory of a server, measured from outside."""

import mmap
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import psutil

MIB = 1 << 20
Processes = list[psutil.Process]


def process_tree(pid: int) -> Processes:
    """A process and all its descendants; empty if it has ended."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """User and system time so far, including ended children."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        total += getattr(times, "children_user", 0) + getattr(times, "children_system", 0)
    return total


def rss_of(process: psutil.Process) -> int:
    """Resident bytes; 0 if the process has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def pss_of(process: psutil.Process) -> int:
    """Resident bytes with shared pages divided among their users; RSS if the system doesn't say."""
    try:
        full = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return rss_of(process)
    return int(getattr(full, "pss", full.rss))


@dataclass
class Memory:
    """A sampler's results.

    Attributes:
        rss: By process, resident bytes at each sample.
        pss_peak: The largest sum over all processes, in bytes; only if requested.
    """

    rss: dict[int, list[int]] = field(default_factory=dict)
    pss_peak: int = 0

    @property
    def worker_peak(self) -> int:
        """The largest size of any process, in bytes."""
        return max((max(series) for series in self.rss.values() if series), default=0)

    @property
    def growth(self) -> int:
        """By how much a process grew between the first quarter and the rest, in bytes.

        The start is left out: buffers and modules are taken at the first request.
        """
        grown = [0]
        for series in self.rss.values():
            quarter = len(series) // 4
            if quarter:
                grown.append(max(series[quarter:]) - max(series[:quarter]))
        return max(grown)


class Sampler(threading.Thread):
    """Samples the memory of a server, while the `with` block runs.

    Args:
        processes: The processes.
        every: Seconds between samples.
        pss: Also measure shares of shared pages, which costs more.
    """

    def __init__(self, processes: Callable[[], Processes], every: float, pss: bool) -> None:
        super().__init__(daemon=True)
        self.processes = processes()
        self.every = every
        self.pss = pss
        self.memory = Memory()
        self.ended = threading.Event()

    def run(self) -> None:
        """Samples until it is stopped."""
        while not self.ended.wait(self.every):
            self.look()

    def look(self) -> None:
        """One look at all."""
        for process in self.processes:
            size = rss_of(process)
            if size:
                self.memory.rss.setdefault(process.pid, []).append(size)
        if self.pss:
            shares = sum(pss_of(process) for process in self.processes)
            self.memory.pss_peak = max(self.memory.pss_peak, shares)

    def __enter__(self) -> Memory:
        self.start()
        return self.memory

    def __exit__(self, *problem: object) -> None:
        self.ended.set()
        self.join()
        self.look()


def wait_until_idle(pid: int, seconds: float, window: float = 0.5, share: float = 0.08) -> bool:
    """Waits until a server's start is finished.

    Args:
        pid: Its first process.
        seconds: The maximum wait.
        window: Seconds of each sample.
        share: The share of one core that counts as idle.

    Returns:
        Whether it became idle.
    """
    deadline = time.monotonic() + seconds
    before = cpu_seconds(process_tree(pid))
    while time.monotonic() < deadline:
        time.sleep(window)
        now = cpu_seconds(process_tree(pid))
        if now - before < share * window:
            return True
        before = now
    return False


def back_memory(size: int) -> None:
    """Makes free memory really available, then releases it.

    A virtual machine may have returned free pages to its host, and using them again takes time: the
    first server that writes a file after a pause would look several times slower.

    Args:
        size: Bytes that the next files take in the page cache.
    """
    size = min(size, psutil.virtual_memory().available // 2) // mmap.PAGESIZE * mmap.PAGESIZE
    with mmap.mmap(-1, size) as memory:
        for start in range(0, size, 64 * MIB):
            end = min(start + 64 * MIB, size)
            memory[start : end : mmap.PAGESIZE] = bytes((end - start) // mmap.PAGESIZE)
