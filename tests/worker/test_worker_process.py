"""The worker program as a process: the test plays the supervisor and gives it a host of its own.

Only the standard library. The program is named by LAMBDAPOOL_WORKER; LAMBDAPOOL_WORKER_OPTION is its first argument.
"""

import ctypes
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import time

import pytest

WORKER = os.environ["LAMBDAPOOL_WORKER"]
COMMAND = [WORKER, *filter(None, [os.environ.get("LAMBDAPOOL_WORKER_OPTION")])]
LIMIT = 60
CRASH_REPORT_BYTES = 128 * 1024
VERSION = 3  # Of the protocol.
WINDOW = 4


# A small msgpack: what the frames need, both ways.

# And no memory for answers.
LIMITS = (0, 0, 0, 0, 0, 0, 0, "", 0, 0, 0)


def pack(value):
    if isinstance(value, int):
        return b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, str):
        data = value.encode()
        return b"\xdb" + struct.pack(">I", len(data)) + data
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))


def unpack(data):
    value, rest = unpack_one(memoryview(data))
    assert not rest
    return value


def unpack_one(data):
    first, data = data[0], data[1:]
    if first < 0x80:
        return first, data
    if first >> 4 == 0x9:
        return unpack_array(first & 0xF, data)
    if first >> 5 == 0x5:
        return str(data[: first & 0x1F], "utf-8", "surrogateescape"), data[first & 0x1F :]
    if first in (0xCC, 0xCD, 0xCE, 0xCF):
        size = 1 << (first - 0xCC)
        return int.from_bytes(data[:size], "big"), data[size:]
    size = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4}[first]
    count, data = int.from_bytes(data[:size], "big"), data[size:]
    if first in (0xDC, 0xDD):
        return unpack_array(count, data)
    raw, rest = bytes(data[:count]), data[count:]
    return (raw.decode("utf-8", "surrogateescape") if first >= 0xD9 else raw), rest


def unpack_array(count, data):
    items = []
    for _ in range(count):
        item, data = unpack_one(data)
        items.append(item)
    return items, data


def frame(*fields):
    payload = pack(fields)
    return struct.pack(">I", len(payload)) + payload


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def sealed_memory(name, size):
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    fcntl.fcntl(fd, 1033, 0x2 | 0x4)  # F_ADD_SEALS: F_SEAL_SHRINK | F_SEAL_GROW
    return fd


class Worker:
    """One worker process, with the supervisor's ends of everything."""

    def __init__(self, pylib, *, root="/lambda", loop="auto", venv="", window=WINDOW, start=True, version=VERSION, **popen):
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(LIMIT)
        self.crash_report = sealed_memory("crash", CRASH_REPORT_BYTES)
        self.vitals = sealed_memory("vitals", 32 + 8 * WINDOW)
        # The lowest numbers that are safe to move from: the child's 3, 4 and 5 are made there.
        sources = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (theirs.fileno(), self.crash_report, self.vitals)]
        wiring = "; ".join(f"os.dup2({fd}, {number})" for number, fd in enumerate(sources, 3))
        closing = "; ".join(f"os.close({fd})" for fd in sources)
        program = f"import os, sys; {wiring}; {closing}; os.execv(sys.argv[1], sys.argv[1:])"
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", program, *COMMAND],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=sources,
            **popen,
        )
        for fd in sources:
            os.close(fd)
        theirs.close()
        self.buffer = b""
        if start:
            self.send(1, version, os.fsencode(root), "lid", "lname", "lversion", os.fsencode(pylib), os.fsencode(venv),
                      loop, "info", 3, window, "{}", *LIMITS)

    def send(self, *fields):
        self.channel.sendall(frame(*fields))

    def request(self, id=1, path=b"/main", slot=0, body=b""):
        headers = [b"Host", b"h", b"Content-Type", b"application/json"]
        self.send(2, id, slot, 1000, "POST", path, b"", headers, "127.0.0.1", f"r{id}", 1, body)

    def read(self):
        """The next message, or None at end-of-file."""
        while len(self.buffer) < 4 or len(self.buffer) < 4 + self.length():
            try:
                data = self.channel.recv(1 << 20)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.buffer += data
        end = 4 + self.length()
        payload, self.buffer = self.buffer[4:end], self.buffer[end:]
        return unpack(payload)

    def length(self):
        return struct.unpack(">I", self.buffer[:4])[0]

    def said(self):
        """The text of the next log message."""
        message = self.read()
        assert message is not None and message[0] == 133, message
        return text(message[3])

    def wait(self):
        out, err = self.process.communicate(timeout=LIMIT)
        self.out, self.err = out.decode(), err.decode()
        return self.process.returncode

    def vital(self, name):
        """A field of the vitals page."""
        fields = ("frames_taken", "stepping", "stepping_since", "culprit")
        return int.from_bytes(os.pread(self.vitals, 8, 8 * fields.index(name)), sys.byteorder)

    def report(self):
        return os.pread(self.crash_report, CRASH_REPORT_BYTES, 0).rstrip(b"\0").decode()

    def close(self):
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()
        self.channel.close()
        for fd in (self.crash_report, self.vitals):
            if fd >= 0:
                os.close(fd)
        self.crash_report = self.vitals = -1


@pytest.fixture
def make(tmp_path):
    """Starts workers whose host is the given source; they are gone when the test is."""
    workers = []
    pylib = tmp_path / "pylib"
    private = pylib / "luna_lambda_tools" / "private"

    def start(host=None, **options):
        if host is not None:
            private.mkdir(parents=True, exist_ok=True)
            (private.parent / "__init__.py").touch()
            (private / "__init__.py").touch()
            (private / "host.py").write_text(textwrap.dedent(host))
        workers.append(Worker(options.pop("pylib", pylib), **options))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


# A host that says "ready" and then does for each request what its path names.
SERVING = """
    import asyncio, ctypes, os, signal, subprocess, sys, threading

    def serve(channel, start):
        loop = asyncio.new_event_loop()
        def request(id, slot, left, method, path, *rest):
            channel.begin(slot, id)
            globals()[path[1:].decode()](channel, id)
        channel.attach(loop, request, print, lambda limit: loop.stop())
        channel.ready("standalone", "asyncio")
        loop.run_forever()
        channel.detach()
        channel.flush(5)
        return 0

    def main(channel, id):
        channel.respond(id, 200, [], b"ok")

    def segfault(channel, id):
        ctypes.string_at(0)

    def spin(channel, id):
        channel.log("info", "", "spinning")
        while True: pass

    def forked_segfault(channel, id):
        child = os.fork()
        if child == 0:
            segfault(channel, id)
        channel.respond(id, 200, [], str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())

    def forked_stays(channel, id):
        ready, done = os.pipe(), os.pipe()
        if os.fork() == 0:
            os.close(done[1])
            channel.respond(id, 200, [], b"from the child")
            os.write(ready[1], b"x")
            os.read(done[0], 1)
            os._exit(0)
        os.read(ready[0], 1)
        channel.log("info", "", "forked")
        os.kill(os.getpid(), signal.SIGKILL)

    def children_see(channel, id):
        program = "import os; print(*sorted(int(fd) for fd in os.listdir('/proc/self/fd') if fd in '345'))"
        seen = subprocess.run([sys.executable, "-I", "-c", program], close_fds=False, stdout=subprocess.PIPE).stdout
        # The listing itself opens one descriptor, the lowest that is free.
        channel.respond(id, 200, [], seen)
"""


def asking(expression):
    """A host that logs what an expression gives, and ends."""
    return f"""
        import os, signal, sys
        def serve(channel, start):
            channel.log("info", "", str({expression}))
            return 0
    """


def test_the_host_gets_the_start_message_as_a_dict(make):
    worker = make(asking("start"))

    assert eval(worker.said()) == {
        "lambda_root": "/lambda",
        "lambda_id": "lid",
        "lambda_name": "lname",
        "lambda_version": "lversion",
        "event_loop": "auto",
        "log_level": "info",
        "settings": "{}",
        "worker": 3,
        "window": WINDOW,
        "stream_credit": 256 * 1024,
    }
    assert worker.wait() == 0


@pytest.mark.parametrize("status", [0, 1, 7])
def test_what_serve_returns_is_the_exit_status(make, status):
    worker = make(f"def serve(channel, start): return {status}")

    assert worker.wait() == status


def test_a_request_is_marked_as_begun_and_answered(make):
    worker = make(SERVING)
    assert worker.read() == [129, VERSION, "standalone", "asyncio"]

    worker.request(id=9, slot=2)

    assert worker.read() == [131, 9, 200, [], b"ok", ""]
    assert struct.unpack("=Q", os.pread(worker.vitals, 8, 0)) == (1,)
    assert struct.unpack("=4Q", os.pread(worker.vitals, 32, 32)) == (0, 0, 9, 0)
    worker.send(4, 1000)
    assert worker.wait() == 0
    assert worker.err == ""


def test_a_shutdown_that_comes_with_the_start_is_not_lost(make, tmp_path):
    worker = make(SERVING, start=False)
    both = frame(1, VERSION, b"/", "", "", "", os.fsencode(tmp_path / "pylib"), b"", "auto", "info", 1, WINDOW, "{}", *LIMITS)
    worker.channel.sendall(both + frame(4, 1000))

    assert worker.read()[0] == 129
    assert worker.wait() == 0


@pytest.mark.parametrize("error", ["ValueError('the text')", "SystemExit('the text')", "KeyboardInterrupt('the text')"])
def test_an_exception_that_leaves_serve_is_printed(make, error):
    worker = make(f"def serve(channel, start): raise {error}")

    assert worker.wait() == 70
    assert "Traceback" in worker.err
    assert "the text" in worker.err


def test_a_host_that_returns_no_status_is_printed(make):
    worker = make("def serve(channel, start): return 'done'")

    assert worker.wait() == 70
    assert "TypeError" in worker.err


def test_a_host_that_cannot_be_imported_is_a_failed_start(make, tmp_path):
    worker = make(pylib=tmp_path / "nothing")

    kind, stage, reason, traceback = worker.read()
    assert (kind, stage) == (130, "load")
    assert text(reason).startswith("cannot import luna_lambda_tools.private.host from " + str(tmp_path / "nothing"))
    assert "No module named 'luna_lambda_tools'" in text(reason)
    assert text(traceback).startswith("Traceback")
    assert worker.wait() == 1


def test_a_syntax_error_in_the_host_names_its_line(make):
    worker = make("def serve(:\n")

    kind, stage, reason, traceback = worker.read()
    assert (kind, stage) == (130, "load")
    assert "SyntaxError" in text(reason)
    assert 'host.py", line 1' in text(traceback)


def test_another_protocol_version_is_a_failed_start(make):
    worker = make(SERVING, version=VERSION + 1)

    message = worker.read()
    assert message[:2] == [130, "load"]
    assert f"version {VERSION + 1}" in text(message[2]) and f"version {VERSION}" in text(message[2])
    assert worker.wait() == 1


def test_a_descriptor_that_no_frame_names_ends_the_worker(make):
    worker = make(SERVING)
    assert worker.read()[0] == 129
    with open("/dev/null") as extra:
        socket.send_fds(worker.channel, [frame(3, 1000, "timeout")], [extra.fileno()])

    assert worker.wait() == 70
    assert "a descriptor that no frame names" in worker.err


def body_in_memory(id, size, memory):
    return frame(2, id, 0, 1000, "POST", b"/main", b"", [], "127.0.0.1", f"r{id}", 1, size, memory)


@pytest.mark.parametrize("memory", [0, 7])
def test_a_body_whose_memory_has_not_come_ends_the_worker(make, memory):
    worker = make(SERVING)
    assert worker.read()[0] == 129
    worker.channel.sendall(body_in_memory(1, 100, memory))

    assert worker.wait() == 70
    assert "a request whose memory has not come with it" in worker.err


@pytest.mark.parametrize(("bytes_", "fits"), [(4096, True), (4097, False)])
def test_a_body_lies_within_its_memory(make, bytes_, fits):
    worker = make(SERVING)
    assert worker.read()[0] == 129
    memory = sealed_memory("body", 4096)
    socket.send_fds(worker.channel, [body_in_memory(1, 10, 7)], [memory])
    assert worker.read()[:3] == [131, 1, 200]
    worker.channel.sendall(body_in_memory(2, bytes_, 7))

    if fits:
        assert worker.read()[:3] == [131, 2, 200]
    else:
        assert worker.wait() == 70
        assert "a request whose body does not lie in its memory" in worker.err
    os.close(memory)


def test_memory_that_is_forgotten_comes_again_and_is_forgotten_once(make):
    worker = make(SERVING)
    assert worker.read()[0] == 129
    memory = sealed_memory("body", 4096)
    for id in (1, 2):
        socket.send_fds(worker.channel, [body_in_memory(id, 10, 7)], [memory])
        assert worker.read()[:3] == [131, id, 200]
        worker.send(10, 7)
    os.close(memory)
    worker.send(10, 7)

    assert worker.wait() == 70
    assert "memory 7 is not known" in worker.err


@pytest.mark.parametrize("place", [0, 4096])
def test_a_place_that_is_free_without_having_been_in_use_ends_the_worker(make, place):
    worker = make(SERVING)
    assert worker.read()[0] == 129
    worker.send(8, place)

    assert worker.wait() == 70
    assert f"place {place} of the memory is not in use" in worker.err


@pytest.mark.parametrize("window", [0, WINDOW - 1, WINDOW + 1, 4097])
def test_a_vitals_page_of_another_window_is_a_failed_start(make, window):
    worker = make(SERVING, window=window)

    assert worker.read()[:2] == [130, "load"]
    assert worker.wait() == 1


@pytest.mark.parametrize(
    "data, said",
    [
        (b"\0\0\0\0", "no frame"),
        (b"\xff\xff\xff\xff", "no frame"),
        (b"\0\0\0\x02\x91\x63", "unknown message type 99"),
        (frame(4, 1000), "not start"),
    ],
)
def test_a_first_frame_that_is_no_start_ends_the_worker(make, data, said):
    worker = make(SERVING, start=False)
    worker.channel.sendall(data)

    assert worker.wait() == 70
    assert said in worker.err
    assert worker.err.count("\n") == 1


def test_a_supervisor_that_is_gone_before_the_start_ends_the_worker(make):
    worker = make(SERVING, start=False)
    worker.channel.close()

    assert worker.wait() == 0
    assert worker.err == ""


def test_a_supervisor_that_is_gone_after_the_start_frame_ends_the_worker_before_the_host_runs(make, tmp_path):
    worker = make(SERVING, start=False)
    # Both have come before the worker looks, as it is stopped until then.
    os.kill(worker.process.pid, signal.SIGSTOP)
    start = frame(1, VERSION, b"/", "", "", "", os.fsencode(tmp_path / "pylib"), b"", "auto", "info", 1, WINDOW, "{}", *LIMITS)
    worker.channel.sendall(start)
    worker.channel.close()
    os.kill(worker.process.pid, signal.SIGCONT)

    assert worker.wait() == 0
    assert worker.out == worker.err == ""


def test_end_of_file_ends_a_worker_that_serves(make):
    worker = make(SERVING)
    assert worker.read()[0] == 129
    worker.channel.close()

    assert worker.wait() == 0


def test_a_worker_dies_with_its_parent_even_when_it_is_busy(make, tmp_path):
    """The parent is a process between, that is killed; the channel stays open."""
    outer = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER: so that the orphan can be waited for here.
    try:
        made = make(SERVING, start=False)
        made.close()
        read_end, write_end = os.pipe()
        between = os.fork()
        if between == 0:
            worker = Worker(tmp_path / "pylib")
            worker.read()
            worker.request(path=b"/spin")
            worker.read()
            os.write(write_end, str(worker.process.pid).encode())
            signal.pause()
            os._exit(1)
        assert select.select([read_end], [], [], LIMIT)[0]
        pid = int(os.read(read_end, 100))
        os.kill(between, signal.SIGKILL)
        assert os.waitpid(between, 0)[0] == between
        deadline = time.monotonic() + LIMIT
        while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
            select.select([], [], [], 0.01)
        assert ended == (pid, signal.SIGKILL)
    finally:
        assert os.getpid() == outer
        libc.prctl(36, 0, 0, 0, 0)
        os.close(read_end)
        os.close(write_end)


def test_a_crash_leaves_pythons_stack_in_the_crash_report(make):
    worker = make(SERVING)
    assert worker.read()[0] == 129

    worker.request(path=b"/segfault")

    assert worker.wait() == -signal.SIGSEGV
    assert worker.report().startswith("Fatal Python error: Segmentation fault")
    assert "host.py" in worker.report() and "in segfault" in worker.report()
    assert "Fatal Python error" not in worker.err


def test_sigusr2_writes_all_stacks_and_the_worker_goes_on(make):
    worker = make(SERVING)
    assert worker.read()[0] == 129
    worker.request(path=b"/spin")
    assert worker.said() == "spinning"

    worker.process.send_signal(signal.SIGUSR2)

    deadline = time.monotonic() + LIMIT
    while "in spin" not in worker.report():
        assert time.monotonic() < deadline
    assert worker.process.poll() is None


def test_a_forked_child_that_crashes_leaves_the_crash_report_alone(make):
    worker = make(SERVING)
    assert worker.read()[0] == 129

    worker.request(path=b"/forked_segfault")

    assert worker.read() == [131, 1, 200, [], b"-11", ""]
    assert worker.report() == ""
    worker.send(4, 1000)
    assert worker.wait() == 0
    assert "in forked_segfault" in worker.err


def test_a_forked_child_does_not_hold_the_channel(make):
    worker = make(SERVING)
    assert worker.read()[0] == 129

    worker.request(path=b"/forked_stays")

    assert worker.said() == "forked"
    assert worker.read() is None  # Although the child lives, and has tried to answer.
    assert worker.process.wait(LIMIT) == -signal.SIGKILL
    worker.wait()


def test_programs_that_the_lambda_starts_get_none_of_the_descriptors(make):
    worker = make(SERVING)
    assert worker.read()[0] == 129

    worker.request(path=b"/children_see")

    assert worker.read() == [131, 1, 200, [], b"3\n", ""]


def test_signals_are_at_their_defaults_and_none_is_blocked(make):
    ignored = "[s for s in (2, 15, 1, 3, 17) if signal.getsignal(s) != signal.SIG_DFL]"
    blocked = "sorted(signal.pthread_sigmask(signal.SIG_BLOCK, []))"

    def spoil():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR2])

    worker = make(asking(f"({ignored}, {blocked}, signal.getsignal(signal.SIGPIPE))"), preexec_fn=spoil)

    assert worker.said() == "([], [], <Handlers.SIG_IGN: 1>)"
    assert worker.wait() == 0


def test_the_worker_is_offered_to_the_oom_killer(make):
    with open("/proc/self/oom_score_adj") as file:
        ours = int(file.read())
    worker = make(asking("open('/proc/self/oom_score_adj').read().strip()"))

    assert int(worker.said()) == min(ours + 500, 1000)


def test_prints_appear_line_by_line_and_survive_a_crash(make):
    worker = make(
        r"""
        import os, sys
        def serve(channel, start):
            print("line é")
            print("lone \ud800")
            print("error", file=sys.stderr)
            os._exit(3)
        """
    )

    assert worker.wait() == 3
    assert worker.out == "line é\nlone \\ud800\n"
    assert worker.err == "error\n"


def test_nothing_of_the_environment_changes_the_interpreter(make, tmp_path):
    environment = dict(os.environ, PYTHONPATH="/nonsense", PYTHONHOME="/nonsense", PYTHONSTARTUP="/nonsense",
                       PYTHONDONTWRITEBYTECODE="1", PYTHONIOENCODING="latin-1", LC_ALL="C")
    worker = make(
        asking("(sys.argv, sys.dont_write_bytecode, sys.flags.utf8_mode, sys.flags.no_user_site,"
               " sys.stdout.encoding, sys.path[0], '' in sys.path, '/nonsense' in sys.path)"),
        env=environment,
    )

    pylib = str(tmp_path / "pylib")
    assert eval(worker.said()) == (["lambdapool-worker"], False, 1, 1, "utf-8", pylib, False, False)


def test_extension_modules_load(make):
    modules = "_ctypes, _ssl, _sqlite3, _decimal, _lzma, _bz2, _hashlib, uvloop, multidict, aiohttp, yaml, pydantic"
    worker = make(f"""
        import {modules}
        import ctypes, ssl, sqlite3
        def serve(channel, start):
            assert sqlite3.connect(":memory:").execute("select 1").fetchone() == (1,)
            assert ctypes.CDLL(None).getpid() > 0
            channel.log("info", "", ssl.OPENSSL_VERSION)
            return 0
    """)

    assert worker.said().startswith("OpenSSL")
    assert worker.wait() == 0


def test_what_a_lambda_leaves_behind_does_not_hold_up_the_end(make):
    worker = make(
        """
        import atexit, ctypes, threading, time
        def serve(channel, start):
            threading.Thread(target=time.sleep, args=(1000,)).start()
            atexit.register(time.sleep, 1000)
            ctypes.CDLL(None).printf(b"from C")
            return 5
        """
    )

    assert worker.wait() == 5
    assert worker.out == "from C"


SITE = "(sys.prefix, sys.base_prefix, sys.executable, [p for p in sys.path if p.endswith('-packages')])"


@pytest.fixture(scope="module", params=[[], ["--system-site-packages"]], ids=["alone", "with-system-site"])
def venv(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("venv") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", *request.param, folder], check=True, timeout=LIMIT)
    site = folder / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"
    (site / "only_in_venv.py").write_text("here = True\n")
    return folder, bool(request.param)


def test_a_virtual_environment_is_used(make, venv):
    folder, with_system = venv
    worker = make("import only_in_venv\n" + textwrap.dedent(asking(SITE)), venv=folder)

    prefix, base_prefix, executable, packages = eval(worker.said())
    assert prefix == str(folder)
    assert base_prefix == sys.base_prefix
    assert executable == str(folder / "bin" / "python3")
    assert packages[0].startswith(str(folder))
    assert any(path.startswith("/usr") for path in packages) == with_system
    assert worker.wait() == 0


def test_a_host_without_its_requirements_says_where_they_are_missing(make, tmp_path):
    folder = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=LIMIT)
    worker = make("import multidict\ndef serve(channel, start): return 0", venv=folder)

    reason = text(worker.read()[2])
    assert "No module named 'multidict'" in reason
    assert f"installed in the virtual environment {folder}" in reason


def test_a_folder_that_is_no_virtual_environment_is_a_failed_start(make, tmp_path):
    worker = make(SERVING, venv=tmp_path / "nowhere")

    message = worker.read()
    assert message[:2] == [130, "load"]
    assert text(message[2]).startswith(f"virtual environment {tmp_path}/nowhere has no bin/python3")
    assert worker.wait() == 1


def test_a_virtual_environment_of_another_python_is_a_failed_start(make, tmp_path):
    folder = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=LIMIT)
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.99.1\n")
    worker = make(SERVING, venv=folder)

    assert "is of Python 3.99" in text(worker.read()[2])
    assert worker.wait() == 1


# The command line.


def run(*arguments, **options):
    return subprocess.run([*COMMAND, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=LIMIT, **options)


def test_started_by_hand_it_says_who_starts_it():
    ended = run()

    assert ended.returncode == 64
    assert "lambdapool serve" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_version_and_help():
    assert run("--version").stdout.startswith("lambdapool-worker ")
    assert run("--help").returncode == 0
    assert "lambdapool serve" in run("--help").stdout


@pytest.mark.parametrize("arguments", [["nonsense"], ["unpack"], ["unpack", "a.zip"], ["--help", "x"]])
def test_a_wrong_command_line_is_a_usage_error(arguments):
    ended = run(*arguments)

    assert ended.returncode == 64
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("status", [0, 1, 2])
def test_unpack_hands_its_arguments_to_the_library(tmp_path, status):
    private = tmp_path / "luna_lambda_tools" / "private"
    private.mkdir(parents=True)
    (private / "archive.py").write_text(f"def main(argv):\n    print(argv)\n    return {status}\n")

    ended = run("unpack", "a.zip", "folder", "max_entries=1", f"pylib={tmp_path}", "max_total=2")

    assert ended.returncode == status
    assert ended.stdout == "['a.zip', 'folder', 'max_entries=1', 'max_total=2']\n"


def test_unpack_without_its_library_says_so(tmp_path):
    ended = run("unpack", "a.zip", "folder", f"pylib={tmp_path}")

    assert ended.returncode == 70
    assert "No module named 'luna_lambda_tools'" in ended.stderr
