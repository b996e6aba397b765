"""Hostile and faulty submissions: each gets its verdict, and none has an effect outside its process.

The submissions lie in `hostile/`, one a file, named by what they try; `run_hostile` runs them, beside a canary file and
listening sockets of their own, and looks afterwards for whatever they left behind. Here is what must come of each. As
root they run three times: so; as a container's root, without capabilities and namespaces; and as an ordinary user.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
NOBODY = 65534
X86_64_ONLY = {
    "code_int80", "kernel_bpf", "kernel_keyctl", "kernel_perf", "kernel_prlimit", "kernel_seccomp_again",
    "kernel_shmat", "kernel_tkill", "kernel_userfaultfd", "kernel_x32",
}  # fmt: skip

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux's")

EXPECTED = {
    "code_int80": ("crash", "SIGSYS"),
    "code_mmap": ("exception", "PermissionError"),
    "code_mprotect": ("exception", "PermissionError"),
    "end_abort": ("crash", "SIGABRT"),
    "end_at_load": ("exit", "status 0"),
    "end_atexit": ("returned", ""),
    "end_base_exception": ("exception", "Odd"),
    "end_exit_0": ("exit", "status 0"),
    "end_exit_3": ("exit", "status 3"),
    "end_exit_codes_of_ours": ("exit", "status 99"),
    "end_keyboard_interrupt": ("exception", "KeyboardInterrupt"),
    "end_long_message": ("exception", "ValueError"),
    "end_lying_exception": ("exception", "cannot be described"),
    "end_quit": ("exit", "ended Python"),
    "end_segfault": ("crash", "SIGSEGV"),
    "end_slow_message": ("timeout", ""),
    "end_sys_exit": ("exit", "ended Python"),
    "kernel_bpf": ("exception", "PermissionError"),
    "kernel_chroot": ("exception", "PermissionError"),
    "kernel_fcntl": ("exception", "PermissionError"),
    "kernel_inotify": ("exception", "PermissionError"),
    "kernel_io_uring": ("exception", "PermissionError"),
    "kernel_ioctl": ("exception", "PermissionError"),
    "kernel_keyctl": ("exception", "PermissionError"),
    "kernel_landlock": ("exception", "PermissionError"),
    "kernel_memfd": ("exception", "PermissionError"),
    "kernel_message_queue": ("exception", "PermissionError"),
    "kernel_mount": ("exception", "PermissionError"),
    "kernel_perf": ("exception", "PermissionError"),
    "kernel_personality": ("exception", "PermissionError"),
    "kernel_pidfd_getfd": ("exception", "PermissionError"),
    "kernel_posix_shared_memory": ("exception", "PermissionError"),
    "kernel_prctl": ("exception", "PermissionError"),
    "kernel_prlimit": ("exception", "PermissionError"),
    "kernel_ptrace": ("exception", "PermissionError"),
    "kernel_seccomp_again": ("exception", "PermissionError"),
    "kernel_semaphores": ("exception", "PermissionError"),
    "kernel_setns": ("exception", "PermissionError"),
    "kernel_setrlimit": ("exception", "ValueError"),
    "kernel_setuid": ("exception", "PermissionError"),
    "kernel_shared_memory": ("exception", "PermissionError"),
    "kernel_shmat": ("exception", "PermissionError"),
    "kernel_tkill": ("exception", "PermissionError"),
    "kernel_unshare": ("exception", "PermissionError"),
    "kernel_userfaultfd": ("exception", "PermissionError"),
    "kernel_x32": ("crash", "SIGSYS"),
    "load_busy": ("CPU limit", ""),
    "load_forbidden_import": ("forbidden import", ""),
    "load_forbidden_import_caught": ("returned", ""),
    "load_forbidden_import_later": ("forbidden import", ""),
    "load_forged_layers": ("protocol", "the layers and the outcome are not in their order"),
    "load_forged_outcome": ("timeout", ""),
    "load_grader": ("forbidden import", ""),
    "load_missing": ("missing function", "did you mean atack?"),
    "load_not_callable": ("missing function", ""),
    "load_raises": ("exception", "ZeroDivisionError"),
    "load_replaces_builtins": ("exception", "NameError"),
    "made_attributes": ("syntax error", ""),
    "made_bad_encoding": ("syntax error", ""),
    "made_else_ifs": ("syntax error", ""),
    "made_indents": ("source too large", ""),
    "made_long_line": ("syntax error", ""),
    "made_minus": ("syntax error", ""),
    "made_nul": ("syntax error", ""),
    "made_parentheses": ("syntax error", ""),
    "made_sum": ("syntax error", ""),
    "made_surrogates": ("exception", "ValueError"),
    "made_two_megabytes": ("source too large", ""),
    "made_unknown_encoding": ("syntax error", ""),
    "net_abstract": ("exception", "PermissionError"),
    "net_listen": ("exception", "PermissionError"),
    "net_on_channel": ("exception", "PermissionError"),
    "net_socketpair": ("exception", "PermissionError"),
    "net_tcp": ("exception", "PermissionError"),
    "net_udp": ("exception", "PermissionError"),
    "net_unix": ("exception", "PermissionError"),
    "net_urllib": ("exception", "URLError"),
    "process_clone3": ("exception", "PermissionError"),
    "process_exec": ("exception", "PermissionError"),
    "process_execveat": ("exception", "PermissionError"),
    "process_fork": ("exception", "PermissionError"),
    "process_pool": ("exception", "PermissionError"),
    "process_posix_spawn": ("exception", "PermissionError"),
    "process_subprocess": ("exception", "PermissionError"),
    "process_system": ("returned", ""),
    "process_thread": ("exception", "RuntimeError"),
    "process_vfork": ("exception", "PermissionError"),
    "protocol_claimed_timeout": ("protocol", "a failure of a kind that is seen from outside only"),
    "protocol_closed": ("protocol", "it disturbed the code that runs it in its process"),
    "protocol_closed_and_waits": ("protocol", "it closed its line to the grader"),
    "protocol_deep_json": ("protocol", "a header that is no JSON"),
    "protocol_double_answer": ("protocol", "an answer to another call"),
    "protocol_early_end": ("protocol", "the end before the last answer"),
    "protocol_eight_tebibytes": ("protocol", "a frame that claims to be larger than frames may be"),
    "protocol_forged_answer": ("protocol", "an answer to another call"),
    "protocol_garbage": ("protocol", "no frame begins here"),
    "protocol_garbage_at_load": ("protocol", "no frame begins here"),
    "protocol_long_header": ("protocol", "a frame that claims to be larger than frames may be"),
    "protocol_long_int": ("protocol", "a header that is no JSON"),
    "protocol_negative_shape": ("protocol", "an array's shape is no shape"),
    "protocol_no_json": ("protocol", "a header that is no JSON"),
    "protocol_odd_bool": ("protocol", "a bool that is neither 0 nor 1"),
    "protocol_patched_builtins": ("protocol", "it disturbed the code that runs it in its process"),
    "protocol_patched_json": ("protocol", "it disturbed the code that runs it in its process"),
    "protocol_patched_numpy": ("returned", "['float64', [3], [0.0, 0.0, 0.0]]"),
    "protocol_patched_pack": ("protocol", "no frame begins here"),
    "protocol_patched_write": ("timeout", ""),
    "protocol_shape_bomb": ("protocol", "the values' sizes do not add up to the payload"),
    "protocol_truncated": ("timeout", ""),
    "protocol_truncated_end": ("exit", "status 0"),
    "protocol_wrong_kind": ("protocol", "a frame of a kind that was not expected"),
    "protocol_wrong_nonce": ("protocol", "a frame that belongs to no request of ours"),
    "read_by_guard_bypass": ("exception", "PermissionError"),
    "read_c_open": ("exception", "PermissionError"),
    "read_folder": ("exception", "PermissionError"),
    "read_grader_arguments": ("exception", "PermissionError"),
    "read_grader_by_process_vm": ("exception", "PermissionError"),
    "read_grader_descriptors": ("exception", "PermissionError"),
    "read_grader_memory": ("exception", "PermissionError"),
    "read_importlib": ("exception", "PermissionError"),
    "read_linecache": ("returned", "[]"),
    "read_np_fromfile": ("exception", "PermissionError"),
    "read_np_load": ("exception", "PermissionError"),
    "read_np_memmap": ("exception", "PermissionError"),
    "read_open": ("exception", "PermissionError"),
    "read_open_code": ("exception", "PermissionError"),
    "read_openat2": ("exception", "PermissionError"),
    "read_os_open": ("exception", "PermissionError"),
    "read_own_memory": ("exception", "PermissionError"),
    "read_stat": ("exception", "PermissionError"),
    "resource_broadcast": ("wrong type", "array of 1,000,000,000 entries"),
    "resource_busy_ignoring_signals": ("CPU limit", ""),
    "resource_busy_loop": ("CPU limit", ""),
    "resource_deep_list": ("wrong type", "attack returned lists nested more than 16 deep"),
    "resource_endless_list": ("wrong type", "attack returned lists nested more than 16 deep"),
    "resource_huge_result": ("wrong type", "array of 20,000,000 entries"),
    "resource_log_binary": ("returned", ""),
    "resource_log_flood": ("output limit", ""),
    "resource_log_then_hang": ("timeout", ""),
    "resource_many_items": ("wrong type", "attack returned more separate items than can be read"),
    "resource_memory_as_blas": ("memory", ""),
    "resource_memory_blas": ("memory", ""),
    "resource_memory_kept": ("memory", ""),
    "resource_memory_list": ("memory", ""),
    "resource_memory_numpy": ("memory", ""),
    "resource_nine_dimensions": ("wrong type", "array of 9 dimensions"),
    "resource_recursion": ("exception", "RecursionError"),
    "resource_sleep": ("timeout", ""),
    "resource_swallow_all": ("timeout", ""),
    "signal_kill_by_pidfd": ("exception", "PermissionError"),
    "signal_kill_everybody": ("exception", "PermissionError"),
    "signal_kill_grader": ("exception", "PermissionError"),
    "signal_kill_group": ("exception", "PermissionError"),
    "signal_kill_server": ("exception", "PermissionError"),
    "signal_queue": ("exception", "PermissionError"),
    "signal_stop_grader": ("exception", "PermissionError"),
    "signal_stop_itself": ("timeout", ""),
    "signal_thread_of_grader": ("exception", "PermissionError"),
    "signal_timer": ("exception", "itimer_error"),
    "value_answers": ("returned", "0"),
    "value_array_interface": ("returned", "'Interface'"),
    "value_bad_pointer": ("crash", "SIGSEGV"),
    "value_changed_argument": ("returned", "['int32', [1], [48]]"),
    "value_complex": ("wrong type", "array of dtype complex128"),
    "value_del": ("exit", "status 5"),
    "value_dict": ("returned", "'dict'"),
    "value_float16": ("wrong type", "array of dtype float16"),
    "value_generator": ("returned", "'callable_iterator'"),
    "value_long_int": ("wrong type", "int of more than 64 bits"),
    "value_long_name": ("returned", ""),
    "value_lying_float": ("returned", "7.0"),
    "value_lying_shape": ("returned", "['float64', [2], [7.0, 7.0]]"),
    "value_nan": ("returned", "[['float64', [2], [nan, inf]], nan, -0.0]"),
    "value_object_array": ("wrong type", "array of dtype object"),
    "value_reduce": ("returned", "'Evil'"),
    "value_subclass": ("returned", "['float64', [2], [7.0, 7.0]]"),
    "value_text": ("wrong type", "str"),
    "value_text_array": ("wrong type", "array of dtype str32"),
    "write_chmod": ("exception", "PermissionError"),
    "write_chown": ("exception", "PermissionError"),
    "write_fifo": ("exception", "PermissionError"),
    "write_hard_link": ("exception", "PermissionError"),
    "write_mkdir": ("exception", "PermissionError"),
    "write_new_file": ("exception", "PermissionError"),
    "write_np_save": ("exception", "PermissionError"),
    "write_open": ("exception", "PermissionError"),
    "write_rename": ("exception", "PermissionError"),
    "write_symlink": ("exception", "PermissionError"),
    "write_temporary": ("exception", "FileNotFoundError"),
    "write_truncate": ("exception", "PermissionError"),
    "write_unlink": ("exception", "PermissionError"),
    "write_utime": ("exception", "PermissionError"),
    "write_xattr": ("exception", "PermissionError"),
}
"""Name: the verdict, and words that its message must hold."""


def outcome_of(python, folder, setting, *more, **how):
    """Run the corpus with some Python from some folder."""
    done = subprocess.run(
        [python, "-W", "error", folder / "run_hostile.py", setting, *more],
        capture_output=True, text=True, timeout=120, cwd="/", check=False, **how,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr  # a grader that was killed or stopped ends otherwise
    return json.loads(done.stdout)


def link_or_copy(source, target):
    """Quickly, where both are on one disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def readable_copy(folder):
    """A Python with NumPy, and the grader, that another user can read; root's own often lies in root's home."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    library = folder / "lib" / version
    ignore = shutil.ignore_patterns(
        "site-packages", "dist-packages", "test", "tests", "__pycache__", "config-*", "idlelib"
    )
    shutil.copytree(base / "lib" / version, library, copy_function=link_or_copy, ignore=ignore, symlinks=True)
    for shared in (base / "lib").glob("libpython*"):
        link_or_copy(shared, folder / "lib" / shared.name)
    numpy = Path(np.__file__).parent
    for package in (numpy, numpy.with_name("numpy.libs")):
        if package.exists():
            keep = shutil.ignore_patterns("tests", "__pycache__")
            target = folder / "packages" / package.name
            shutil.copytree(package, target, copy_function=link_or_copy, ignore=keep)
    (folder / "bin").mkdir()
    shutil.copy(base / "bin" / version, folder / "bin" / "python3")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(HERE.parent / "grading", folder / "project" / "grading", ignore=ignored)
    shutil.copytree(HERE / "hostile", folder / "project" / "tests" / "hostile", ignore=ignored)
    shutil.copy(HERE / "run_hostile.py", folder / "project" / "tests")
    return folder / "bin" / "python3", folder / "project" / "tests"


def run_as_ordinary():
    """The corpus as a user without any rights. Not in pytest's folders: it closes them to others at each start."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        python, tests = readable_copy(folder)
        environment = {"PYTHONPATH": str(folder / "packages"), "LD_LIBRARY_PATH": str(folder / "lib")}
        how = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "env": environment}
        return outcome_of(python, tests, "plain", **how)


@pytest.fixture(scope="module", params=["here", "container", "ordinary user"])
def outcome(request):
    if request.param == "here":
        return outcome_of(sys.executable, HERE, "plain")
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if request.param == "container":
        if platform.machine() != "x86_64":
            pytest.skip("the imitation of a container knows x86_64 only")
        return outcome_of(sys.executable, HERE, "container")
    return run_as_ordinary()


def test_the_corpus_is_as_listed():
    files = {path.stem for path in (HERE / "hostile").glob("*.py")}
    assert files == {name for name in EXPECTED if not name.startswith("made_")}
    assert all(path.read_text().startswith('"""') for path in (HERE / "hostile").glob("*.py"))


def test_all_get_their_verdict(outcome):
    results = outcome["results"]
    skipped = set(X86_64_ONLY) if platform.machine() != "x86_64" else set()
    if results["code_int80"]["message"] == "attack returned a str":  # this Python happens to hold no such bytes
        skipped.add("code_int80")
    wrong = {
        name: results[name]
        for name, (verdict, words) in EXPECTED.items()
        if name not in skipped and (results[name]["verdict"] != verdict or words not in results[name]["message"])
    }
    assert wrong == {}
    assert results.keys() == EXPECTED.keys()


def test_none_has_an_effect(outcome):
    assert {name: result["effects"] for name, result in outcome["results"].items() if result["effects"]} == {}
    assert outcome["left"] == []
    assert outcome["threads"] == []


def test_what_is_said_of_them_can_be_printed(outcome):
    for result in outcome["results"].values():
        text = result["message"] + result.get("where", "") + result.get("log", "")
        assert all(letter.isprintable() or letter in "\n\t" for letter in text)
        assert len(result["message"]) <= 600


def test_the_layers_are_those_of_the_setting(outcome):
    without = {"own user"} if outcome["uid"] != 0 else set()
    assert {name for name, active in outcome["layers"].items() if not active} == without


def test_an_argument_that_changes_is_told(outcome):
    assert outcome["results"]["value_changed_argument"]["changed"] == [0]


def test_fresh_interpreters_hold_as_well():
    """The way of systems without fork, here with Linux's layers: a sample, for each start takes its time."""
    names = (
        "end_exit_3", "end_segfault", "kernel_shared_memory", "load_raises", "net_tcp", "process_fork",
        "protocol_closed_and_waits", "protocol_double_answer", "protocol_garbage", "read_open", "resource_busy_loop",
        "resource_log_flood", "resource_sleep", "resource_memory_kept", "signal_kill_grader", "write_open", "value_nan",
    )  # fmt: skip
    outcome = outcome_of(sys.executable, HERE, "plain", "--fresh", *names)
    assert {name: result["verdict"] for name, result in outcome["results"].items()} == {
        name: EXPECTED[name][0] for name in names
    }
    assert not any(result["effects"] for result in outcome["results"].values())
    assert outcome["left"] == outcome["threads"] == []
