"""Samples the process that imports it as it starts, if `BENCH_SAMPLES` names a folder: a node, or its key service.

A thread looks at all others every few milliseconds: where each is, and how much CPU it has used since the last look,
for which a thread that only waits has nothing to show. While the file `on` is in the folder it counts; when it goes,
what was counted is written there, one line for each place: whether it is of the main thread, seconds, and the frames
from the innermost one out. So that a look comes when it is due, and not where a thread happens to give way, threads
have to give way far more often than by default.
"""

import os

if "BENCH_SAMPLES" in os.environ:
    import sys
    import threading
    import time
    from collections import Counter
    from pathlib import Path
    from types import FrameType

    EVERY, SWITCH, LEAST = 0.003, 0.00005, 0.00002
    """Seconds between two looks, until a thread gives way, and of CPU that are worth a note."""
    DEEP = 40
    Place = tuple[bool, str]

    def place(frame: FrameType | None) -> str:
        """Name the frames of a thread."""
        found: list[str] = []
        while frame is not None and len(found) < DEEP:
            found.append(f"{frame.f_code.co_filename}:{frame.f_code.co_name}")
            frame = frame.f_back
        return ";".join(found)

    def count(switch: Path) -> Counter[Place]:
        """Count CPU seconds by place until `on` goes."""
        used, last, looks = Counter[Place](), dict[int, float](), 0
        own, main = threading.get_ident(), threading.main_thread().ident
        while looks % 50 or switch.exists():
            for thread, frame in sys._current_frames().items():
                if thread == own:
                    continue
                now = time.clock_gettime(time.pthread_getcpuclockid(thread))
                if (since := now - last.get(thread, now)) >= LEAST:
                    used[thread == main, place(frame)] += since
                last[thread] = now
            looks += 1
            time.sleep(EVERY)
        return used

    def watch(folder: Path) -> None:
        """Wait for `on`, count, and write."""
        while not (folder / "on").exists():
            time.sleep(0.05)
        before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        used = count(folder / "on")
        sys.setswitchinterval(before)
        lines = [f"{int(main)} {seconds} {where}" for (main, where), seconds in used.items()]
        part = folder / f"{os.getpid()}.part"
        part.write_text("\n".join(lines))
        part.rename(part.with_suffix(".samples"))

    threading.Thread(target=watch, args=(Path(os.environ["BENCH_SAMPLES"]),), name="samples", daemon=True).start()
