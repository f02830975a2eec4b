/* os/system_call_filter.c: a table of system calls, made into classic BPF. */
#include "os/system_call_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/sanitizer.h"

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define MACHINE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

#if defined(MACHINE) && !NEAP_OS_SANITIZED

/* Older headers lack some of these. */
#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2)
#endif
#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

enum {
    RULES_MOST = 128,
    RULE_INSTRUCTIONS = 6,
    FRAME_INSTRUCTIONS = 6, /* around the rules */
};

/* What a rule demands: nothing, or that an argument, of its low 32 bits those in `mask`, is `value`. */
enum demand { ALWAYS, EQUAL, SELF, NEVER };

/* Whether it is in force while files are still opened, too, or only then. */
enum stage { BOTH, OPENING };

struct rule {
    int number;
    enum demand demand;
    unsigned argument; /* which of them, from 0 */
    uint32_t mask, value;
    enum stage stage;
};

#define ALLOWED(name)                                                                                        \
    { .number = SYS_##name }
#define ALLOWED_OPENING(name)                                                                                \
    { .number = SYS_##name, .stage = OPENING }
#define FORBIDDEN(name)                                                                                      \
    { .number = SYS_##name, .demand = NEVER }

static const struct rule rules[] = {
    /* The most frequent first: the kernel goes through the list at each call. */
    ALLOWED(pread64),
    ALLOWED(write),
    ALLOWED(read),
    ALLOWED(futex),
    ALLOWED(munmap),
    ALLOWED(madvise),
    ALLOWED(mremap),
    ALLOWED(brk),
#ifdef SYS_mmap2
    {.number = SYS_mmap2, .demand = EQUAL, .argument = 2, .mask = PROT_EXEC, .value = 0},
#else
    {.number = SYS_mmap, .demand = EQUAL, .argument = 2, .mask = PROT_EXEC, .value = 0},
#endif
    {.number = SYS_mprotect, .demand = EQUAL, .argument = 2, .mask = PROT_EXEC, .value = 0},
    /* Threads of its own. clone3, whose flags a filter cannot see, fails, and libc falls back on this. */
    {.number = SYS_clone, .demand = EQUAL, .argument = 0, .mask = CLONE_THREAD, .value = CLONE_THREAD},
    ALLOWED(set_robust_list),
#ifdef SYS_rseq
    ALLOWED(rseq),
#endif
    ALLOWED(rt_sigprocmask),
    ALLOWED(rt_sigaction),
    ALLOWED(rt_sigreturn),
    ALLOWED(sched_yield),
    ALLOWED(sched_getaffinity),
    ALLOWED(restart_syscall),
    ALLOWED(exit),
    ALLOWED(exit_group),
    /* Letting a paused target go. */
    {.number = SYS_ptrace, .demand = EQUAL, .argument = 0, .mask = UINT32_MAX, .value = PTRACE_DETACH},
    ALLOWED(waitid),
    /* What is open already. */
    ALLOWED(close),
    ALLOWED(fstat),
    ALLOWED(lseek),
    ALLOWED(writev),
#ifdef SYS__llseek
    ALLOWED(_llseek),
#endif
#ifdef SYS_fstat64
    ALLOWED(fstat64),
#endif
    {.number = SYS_ioctl, .demand = EQUAL, .argument = 1, .mask = UINT32_MAX, .value = TCGETS},
    {.number = SYS_ioctl, .demand = EQUAL, .argument = 1, .mask = UINT32_MAX, .value = TIOCGWINSZ},
    /* Facts without power. */
    ALLOWED(getrandom),
    ALLOWED(clock_gettime),
    ALLOWED(clock_nanosleep),
    ALLOWED(nanosleep),
    ALLOWED(sysinfo),
    ALLOWED(getpid),
    ALLOWED(gettid),
    ALLOWED(getuid),
    ALLOWED(geteuid),
#ifdef SYS_time
    ALLOWED(time),
#endif
    ALLOWED(gettimeofday),
#ifdef SYS_clock_gettime64
    ALLOWED(clock_gettime64),
    ALLOWED(clock_nanosleep_time64),
    ALLOWED(futex_time64),
#endif
#ifdef SYS_set_thread_area
    ALLOWED(set_thread_area),
#endif
    /* abort() of its own. */
    {.number = SYS_tgkill, .demand = SELF, .argument = 0, .mask = UINT32_MAX},

    /* Of a file only what cannot change it: neither O_WRONLY, O_RDWR, O_CREAT nor O_TRUNC. */
    {.number = SYS_openat,
     .demand = EQUAL,
     .argument = 2,
     .mask = O_ACCMODE | O_CREAT | O_TRUNC,
     .value = O_RDONLY,
     .stage = OPENING},
#ifdef SYS_newfstatat
    ALLOWED_OPENING(newfstatat),
#endif
#ifdef SYS_fstatat64
    ALLOWED_OPENING(fstatat64),
    ALLOWED_OPENING(setresuid32),
    ALLOWED_OPENING(setresgid32),
    ALLOWED_OPENING(setgroups32),
    ALLOWED_OPENING(geteuid32),
#endif
#ifdef SYS_statx
    ALLOWED_OPENING(statx),
#endif
    ALLOWED_OPENING(setresuid),
    ALLOWED_OPENING(setresgid),
    ALLOWED_OPENING(setgroups),
    ALLOWED_OPENING(capget),
    ALLOWED_OPENING(capset),
    ALLOWED_OPENING(prctl),
    ALLOWED_OPENING(seccomp),

    FORBIDDEN(execve),
    FORBIDDEN(execveat),
    FORBIDDEN(process_vm_readv),
    FORBIDDEN(process_vm_writev),
    FORBIDDEN(kill),
    FORBIDDEN(socket),
    FORBIDDEN(connect),
#ifdef SYS_socketcall
    FORBIDDEN(socketcall),
#endif
#ifdef SYS_fork
    FORBIDDEN(fork),
    FORBIDDEN(vfork),
#endif
    FORBIDDEN(mount),
    FORBIDDEN(setns),
    FORBIDDEN(unshare),
    FORBIDDEN(init_module),
    FORBIDDEN(finit_module),
    FORBIDDEN(bpf),
    FORBIDDEN(open_by_handle_at),
};

enum { RULES = sizeof(rules) / sizeof(rules[0]) };
_Static_assert((int)RULES <= (int)RULES_MOST, "the program would be cut");

/* A call of which some arguments are allowed and all others are a proof. */
static bool is_proof(const struct rule *rule) {
    return rule->number == SYS_ptrace;
}

/* --- the program ------------------------------------------------------------- */

struct program {
    struct sock_filter code[RULES_MOST * RULE_INSTRUCTIONS + FRAME_INSTRUCTIONS];
    unsigned short length;
};

static void emit(struct program *program, uint16_t code, uint32_t operand, uint8_t yes, uint8_t no) {
    program->code[program->length++] = (struct sock_filter){code, yes, no, operand};
}

static void load(struct program *program, size_t offset) {
    emit(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct program *program, uint32_t what) {
    emit(program, BPF_RET | BPF_K, what, 0, 0);
}

/* Where the low half of an argument is. */
static size_t argument_offset(unsigned argument) {
    size_t half = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 4;
    return offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t) + half;
}

/* The accumulator holds the number of the call before and after it. */
static void rule_emit(struct program *program, const struct rule *rule, uint32_t value) {
    if (rule->demand == ALWAYS || rule->demand == NEVER) {
        emit(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->number, 0, 1);
        answer(program, rule->demand == ALWAYS ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS);
        return;
    }
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->number, 0, 5);
    load(program, argument_offset(rule->argument));
    emit(program, BPF_ALU | BPF_AND | BPF_K, rule->mask, 0, 0);
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    answer(program, SECCOMP_RET_ALLOW);
    if (is_proof(rule))
        answer(program, SECCOMP_RET_KILL_PROCESS);
    else /* another rule for the same call may follow */
        load(program, offsetof(struct seccomp_data, nr));
}

static void program_make(struct program *program, enum neap_os_filter filter) {
    program->length = 0;
    load(program, offsetof(struct seccomp_data, arch));
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
    answer(program, SECCOMP_RET_KILL_PROCESS); /* a 32-bit call of a 64-bit program, and the like */
    load(program, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < RULES; i++) {
        const struct rule *rule = &rules[i];
        if (rule->stage == OPENING && filter != NEAP_OS_FILTER_OPENING)
            continue;
        rule_emit(program, rule, rule->demand == SELF ? (uint32_t)getpid() : rule->value);
    }
    answer(program, SECCOMP_RET_ERRNO | (ENOSYS & SECCOMP_RET_DATA));
}

int neap_os_filter_enter(enum neap_os_filter filter) {
    struct program program;
    program_make(&program, filter);
    struct sock_fprog code = {.len = program.length, .filter = program.code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    /* Before Linux 5.16, a filter also switches a protection of the processor on that slows all code down,
     * for programs that hold secrets of others. This one holds none that its user may not see. */
    const unsigned long all_threads = SECCOMP_FILTER_FLAG_TSYNC;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, all_threads | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &code) ==
            0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, all_threads, &code) == 0)
        return NEAP_OK;
    return NEAP_ERROR_ABSENT;
}

bool neap_os_filter_exists(void) {
    uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0UL, &action) == 0;
}

#else

int neap_os_filter_enter(enum neap_os_filter filter) {
    (void)filter;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return NEAP_ERROR_ABSENT;
}

bool neap_os_filter_exists(void) {
    return false;
}

#endif
