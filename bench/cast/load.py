"""The programs that make the load: compiled here, started, waited for, and stopped by their own number."""
import ctypes
import json
import os
import queue
import signal
import subprocess
import threading
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PROGRAMS = ("listeners", "record_source")
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Failed(Exception):
    """What did not go as it has to; the text is for the user."""


def compile_programs(folder):
    """Compiles what is not compiled yet, or is older than its sources."""
    newest = max(path.stat().st_mtime for path in FOLDER.glob("*.[ch]"))
    for name in PROGRAMS:
        program = Path(folder) / name
        if not program.exists() or program.stat().st_mtime < newest:
            subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra",
                            "-o", str(program), str(FOLDER / (name + ".c")), "-pthread"], check=True)


def end_with_parent():
    """In a child, before it becomes the program: it does not outlive a bench that is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def words_of(options):
    """{"count": 5, "icy": True, "rest_at": 3} as words of a command line."""
    words = []
    for name, value in options.items():
        if value is not None and value is not False:
            words.append("--" + name.replace("_", "-"))
            if value is not True:
                words.append(str(value))
    return words


def stop(process, patience_s):
    """Ends a process that the bench started, kindly first. It may have ended already."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


class Program:
    """A program that says on standard error how far it is, and prints a report when it ends."""

    def __init__(self, words):
        self.name = os.path.basename(words[0])
        self.said, self.lines, self.report = queue.SimpleQueue(), [], None
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, preexec_fn=end_with_parent,
                                        start_new_session=True)
        self.reader = threading.Thread(target=self.read_lines, daemon=True)
        self.reader.start()

    def read_lines(self):
        for line in self.process.stderr:
            self.lines.append(line.strip())
            self.said.put(line.strip())
        self.said.put(None)

    def wait_for(self, word, patience_s):
        """Waits until it has said the word. Raises Failed if it ends before that, or takes too long."""
        until = time.monotonic() + patience_s
        while (left := until - time.monotonic()) > 0:
            try:
                line = self.said.get(timeout=left)
            except queue.Empty:
                break
            if line == word:
                return
            if line is None:
                raise Failed(f"{self.name} ended before it was {word}: {self.complaint()}")
        raise Failed(f"{self.name} was not {word} within {patience_s:.0f} s: {self.outcome()}")

    def complaint(self):
        return self.lines[-1] if self.lines else self.outcome()

    def outcome(self):
        """What it reports, in words, for an error's text."""
        report = self.end()
        keys = ("connects", "connected", "refused", "failed")
        return ", ".join(f"{key} {report[key]}" for key in keys if key in report)

    def finish(self, patience_s):
        """Waits for its own end; returns its report."""
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            pass
        return self.end()

    def end(self):
        """Stops it. Returns its report, {} if it has none."""
        if self.report is None:
            stop(self.process, 30)
            self.reader.join(10)
            text = self.process.stdout.read()
            self.process.stdout.close()
            self.process.stderr.close()
            self.report = json.loads(text) if text.startswith("{") else {}
        return self.report


class Load:
    """All programs that run against one server; ended together."""

    def __init__(self, folder, port):
        self.folder, self.port, self.programs = folder, str(port), []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in self.programs:
            program.process.terminate()  # all at once, so that their last looks run side by side
        for program in self.programs:
            program.end()

    def start(self, name, mount, options):
        program = Program([str(Path(self.folder) / name), "127.0.0.1", self.port, mount, "--tell", *words_of(options)])
        self.programs.append(program)
        return program

    def source(self, mount, **options):
        """A source that is on air. It sends 1 MiB at once, so that rings and queues are full from the start."""
        options = {"password": "bench", "ahead": 2 ** 20, "expect": True, **options}
        program = self.start("record_source", mount, options)
        program.wait_for("on air", 30)
        return program

    def listeners(self, mount, count, **options):
        """Listeners that verify one in ten. The caller waits for them. At most 32 are arriving at a time, unless
        `pending` says otherwise: Icecast's accept queue is short, and who does not fit in waits for seconds."""
        options = {"count": count, "verify": 10, "seconds": 86400, "pending": 32,
                   "sources_of_address": 1 + count // 4000, **options}
        return self.start("listeners", mount, options)

    def streaming(self, mount, count, patience_s=900, **options):
        """Listeners, up to 2,000 more each second, all of which are streaming."""
        program = self.listeners(mount, count, **{"rate": 2000, **options})
        program.wait_for("streaming", patience_s)
        return program
