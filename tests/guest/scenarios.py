"""The table of guests: which kernel runs which tests under which setting, and what then differs.

A boot is one start of a virtual machine; its steps run one after the other in it. A step is `unit` with
the modules it is to run, if not all; `system` with the files, if not all of SYSTEM_FILES; or a setting's
name with the behaviour tests it is to run, if not those of its row. A setting is made by writing
files, which are put back afterwards, by commands, or by words in front of the tests' command. Whoever
adds a setting adds a row to SETTINGS; the boot `settings` has all that need no other machine. The host
reads this table (run_guests.py), and so does the guest (inside.py).
"""
from typing import NamedTuple

THP = "/sys/kernel/mm/transparent_hugepage/"
VM = "/proc/sys/vm/"
YAMA = "/proc/sys/kernel/yama/ptrace_scope"
MB = 1 << 20

KERNELS = {"bullseye": "5.10", "bookworm": "6.1", "trixie": "6.12", "sid": "7.2"}
VERBS = ("stat", "trim", "look", "pins", "advise", "map")


class Setting(NamedTuple):
    """`exits` maps who asks to the verbs whose exit code is another than usual, and that code: "root" and
    "user" about a process of their own (usually 0), "other" an ordinary user about root's (3)."""
    writes: dict = {}       # {file: text}, put back afterwards
    start: tuple = ()       # shell commands; the first that fails fails the step
    stop: tuple = ()
    through: tuple = ()     # words in front of the tests' command
    tests: str = "growth given_back asking"
    units: str = ""         # modules whose unit programs run under it too, or single programs
    proof: str = "true"     # a shell condition that holds where the setting is in force
    needs: str = "true"     # a shell condition: where it is false the step is skipped
    lacks: str = ""         # and this is why
    exits: dict = {}
    users: tuple = ("root", "user")
    because: str = ""       # why something differs
    limit_mb: int = 0       # of the group that the tests run in


class Boot(NamedTuple):
    steps: tuple
    suites: tuple = tuple(KERNELS)
    options: tuple = ()     # of `boot`
    variables: dict = {}    # of the environment of all its tests


def refused(*who):
    return {name: dict.fromkeys(VERBS, 3) for name in who}


def in_group(path):
    """Words that run a command within a control group."""
    return ("sh", "-c", 'echo $$ >%s/cgroup.procs && exec "$@"' % path, "sh")


V2 = "/sys/fs/cgroup"
V2_MOUNT = "mount -t cgroup2 cgroup2 " + V2
V1 = "/sys/fs/cgroup/memory"
V1_MOUNT = "mount -t tmpfs tmpfs /sys/fs/cgroup && mkdir %s && mount -t cgroup -o memory memory %s" % (V1, V1)
V1_UNMOUNT = "umount /sys/fs/cgroup/memory; umount /sys/fs/cgroup"


def v2_group(limit, *swap):
    """Start and stop of a version 2 group that its memory limit and swap go with."""
    start = swap + (V2_MOUNT, "echo +memory >%s/cgroup.subtree_control" % V2, "mkdir %s/neap" % V2,
                    "echo %d >%s/neap/memory.max" % (limit, V2))
    stop = ("rmdir %s/neap" % V2, "echo -memory >%s/cgroup.subtree_control" % V2, "umount " + V2)
    return {"start": start, "stop": stop + (("swapoff -a",) if swap else ()), "through": in_group(V2 + "/neap"),
            "proof": "grep -q :/neap$ /proc/self/cgroup" + (" && grep -q ^/dev /proc/swaps" if swap else "")}


def confined(list_name):
    """Root as a container has it: Docker's capabilities, its list of system calls, no new privileges."""
    kept = ("chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,"
            "sys_chroot,mknod,audit_write,setfcap").replace(",", ",+")
    return ("setpriv", "--bounding-set", "-all,+" + kept, "--inh-caps", "-all", "build/tests/guest/confine", list_name)


CONFINED = "grep -q '^Seccomp:.2' /proc/self/status && ! unshare --user true"
HIDDEN_PROC, FIXED_PROC = "kcore keys timer_list sched_debug", "bus fs irq sys sysrq-trigger"
MASK = "for p in %s; do [ ! -e /proc/$p ] || mount --bind /dev/null /proc/$p; done" % HIDDEN_PROC
READ_ONLY = ("for p in %s; do mount --bind /proc/$p /proc/$p && mount -o remount,bind,ro /proc/$p || exit; done"
             % FIXED_PROC)
UNMASK = "for p in %s %s; do umount /proc/$p; done" % (HIDDEN_PROC, FIXED_PROC)

# Of the heap, what asks something of the kernel.
HEAP = "heap/fork_watch heap/mapped_run heap/mesh heap/purge heap/run heap/threads heap/wired"
WORLD = "os/world os/world_calls os/world_ends os/world_notice os/world_refusal"

SETTINGS = {
    "as-booted": Setting(),
    "huge-pages-never": Setting({THP + "enabled": "never"}),
    "huge-pages-madvise": Setting({THP + "enabled": "madvise", THP + "defrag": "madvise"}),
    "huge-pages-always": Setting({THP + "enabled": "always", THP + "defrag": "always"}),
    "huge-pages-always-defer": Setting({THP + "enabled": "always", THP + "defrag": "defer"}),
    "huge-pages-shmem-always": Setting({THP + "enabled": "always", THP + "shmem_enabled": "always"}),
    "yama-0": Setting({YAMA: "0"}, tests="asking", units=WORLD),
    "yama-1": Setting({YAMA: "1"}, tests="asking", units=WORLD, exits=refused("user"),
                      because="a process may read its descendants only, unless it is root"),
    "yama-2": Setting({YAMA: "2"}, tests="asking", units=WORLD, exits=refused("user"),
                      because="only root may read another process"),
    "group-v2": Setting(tests="growth given_back asking group", limit_mb=400, **v2_group(400 * MB)),
    "group-v1": Setting(tests="growth given_back asking group", limit_mb=400,
                        start=(V1_MOUNT, "mkdir %s/neap" % V1,
                               "echo %d >%s/neap/memory.limit_in_bytes" % (400 * MB, V1)),
                        stop=("rmdir %s/neap" % V1, V1_UNMOUNT), through=in_group(V1 + "/neap"),
                        proof="grep -q memory:/neap$ /proc/self/cgroup",
                        needs="%s && { %s; true; } || { %s; false; }" % (V1_MOUNT, V1_UNMOUNT, V1_UNMOUNT),
                        lacks="this kernel is built without version 1 of the memory control group"),
    "overcommit-1": Setting({VM + "overcommit_memory": "1"}, units="os heap containers"),
    "overcommit-2": Setting({VM + "overcommit_memory": "2"}, units="os heap containers"),
    "swap-disk": Setting(**v2_group(96 * MB, "modprobe -a virtio_pci virtio_blk", "mkswap -q /dev/vda",
                                    "swapon /dev/vda")),
    "swap-zram": Setting(**v2_group(96 * MB, "modprobe zram", "echo %d >/sys/block/zram0/disksize" % (900 * MB),
                                    "mkswap -q /dev/zram0", "swapon /dev/zram0")),
    "few-mappings": Setting({VM + "max_map_count": "250"}),
    "fixed-addresses": Setting({"/proc/sys/kernel/randomize_va_space": "0"}, units="os heap inspect"),
    "userfaultfd-0": Setting({VM + "unprivileged_userfaultfd": "0"}, tests="asking",
                             needs="[ -e %sunprivileged_userfaultfd ]" % VM,
                             lacks="this kernel has no such setting"),
    "userfaultfd-1": Setting({VM + "unprivileged_userfaultfd": "1"}, tests="asking",
                             needs="[ -e %sunprivileged_userfaultfd ]" % VM,
                             lacks="this kernel has no such setting"),
    "docker-calls": Setting(through=confined("new"), units="os heap containers inspect", proof=CONFINED),
    "docker-calls-old": Setting(through=confined("old"), units="os heap containers inspect", proof=CONFINED),
    "user-namespace": Setting(tests="asking", through=("unshare", "--user", "--map-root-user"), users=("root",),
                              proof="! mount -t tmpfs tmpfs /mnt",
                              because="the namespace has one user"),
    "user-namespace-of-user": Setting(
        tests="asking", through=("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "unshare",
                                 "--user", "--map-root-user"), users=("root",),
        because="the namespace has one user", proof="! mount -t tmpfs tmpfs /mnt"),
    "no-dev-shm": Setting(units="containers", start=("umount /dev/shm", "rmdir /dev/shm"),
                          stop=("mkdir /dev/shm", "mount -t tmpfs -o mode=1777 tmpfs /dev/shm")),
    "no-dev-pts": Setting(tests="asking", start=("umount /dev/pts", "rmdir /dev/pts"),
                          stop=("mkdir /dev/pts", "mount -t devpts -o ptmxmode=666 devpts /dev/pts")),
    "proc-of-containers": Setting(tests="asking", start=(MASK, READ_ONLY), stop=(UNMASK,),
                                  proof="! echo 0 >%sovercommit_memory" % VM),
    "proc-hidden": Setting(tests="asking", start=("mount -o remount,hidepid=2 /proc",),
                           exits={"other": dict.fromkeys(VERBS, 4)},
                           because="an ordinary user sees no process of others",
                           proof="setpriv --reuid 65534 sh -c '! [ -e /proc/1 ]'",
                           stop=("mount -o remount,hidepid=0 /proc",)),
    "five-levels": Setting(units="os heap", needs="grep -qw la57 /proc/cpuinfo",
                           lacks="this kernel has no five-level page tables"),
    "four-levels": Setting(start=("! grep -qw la57 /proc/cpuinfo",)),
    "no-avx": Setting(start=("! grep -qw avx /proc/cpuinfo",)),
    # It cannot be lowered again: the last of its boot.
    "yama-3": Setting(start=("echo 3 >" + YAMA,), tests="asking", units=WORLD, exits=refused("root", "user"),
                      because="nobody may read another process until the next boot"),
}

SYSTEM_FILES = ("run", "limits", "trim", "stat", "look", "pins", "address_map", "children", "threads", "quiet",
                "pools", "checked", "modes")

# The memory controller stays with the version of control groups that had it first in a boot.
OTHER_BOOTS = ("group-v1", "four-levels", "no-avx")

BOOTS = {
    "quick": Boot(("unit os cast/air " + HEAP, "huge-pages-always growth given_back"), suites=("bookworm",),
                  variables={"NEAP_TEST_STEPS": "2000"}),
    "two": Boot(("unit", "system"), options=("--cpus", "2")),
    "one": Boot(("unit", "system", "four-levels", "group-v1"), options=("--cpus", "1", "--append", "no5lvl")),
    "settings": Boot(tuple(name for name in SETTINGS if name not in OTHER_BOOTS), options=("--disk", "900")),
    "nehalem": Boot(("unit", "no-avx"), options=("--cpu", "Nehalem")),
}
