/* confine new|old COMMAND...: runs a command with the system calls that Docker's default profile allows.
 *
 * The profile names what is allowed; all else is refused with EPERM. They differ in calls that the profile's
 * authors had never heard of. `old` is a profile of about 2019 as its runtime applied it: it knows calls up
 * to io_pgetevents (Linux 4.18), and those after it fail with EPERM too: a program that falls back
 * on ENOSYS alone does not. `new` is one of 2023: it knows calls up to futex_waitv (5.16), pidfd_open
 * and process_madvise among them, and later ones fail with ENOSYS. In both clone3 fails with ENOSYS,
 * since a filter cannot look into its flags.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What the profile refuses to a process without further capabilities: everything else is allowed. */
static const int refused[] = {
    SYS_acct,
    SYS_add_key,
    SYS_bpf,
    SYS_clock_adjtime,
    SYS_clock_settime,
    SYS_create_module,
    SYS_delete_module,
    SYS_finit_module,
    SYS_get_kernel_syms,
    SYS_get_mempolicy,
    SYS_init_module,
    SYS_ioperm,
    SYS_iopl,
    SYS_kcmp,
    SYS_kexec_file_load,
    SYS_kexec_load,
    SYS_keyctl,
    SYS_lookup_dcookie,
    SYS_mbind,
    SYS_mount,
    SYS_move_pages,
    SYS_nfsservctl,
    SYS_open_by_handle_at,
    SYS_perf_event_open,
    SYS_pivot_root,
    SYS_query_module,
    SYS_quotactl,
    SYS_reboot,
    SYS_request_key,
    SYS_set_mempolicy,
    SYS_setns,
    SYS_settimeofday,
    SYS_swapoff,
    SYS_swapon,
    SYS_sysfs,
    SYS__sysctl,
    SYS_umount2,
    SYS_unshare,
    SYS_uselib,
    SYS_userfaultfd,
    SYS_ustat,
    SYS_vhangup,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_open_tree,
    SYS_move_mount,
    SYS_mount_setattr,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
};

enum { FIRST_UNKNOWN_OLD = SYS_io_pgetevents + 1, FIRST_UNKNOWN_NEW = SYS_futex_waitv + 1 };

#define NAMESPACES                                                                                           \
    (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |               \
     CLONE_NEWCGROUP)
#define LOAD(field)     BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(value)       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(value), 0, 1)
#define AT_LEAST(value) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (unsigned)(value), 0, 1)
#define END(how)        BPF_STMT(BPF_RET | BPF_K, (how))

static struct sock_filter program[2 * COUNT(refused) + 32];
static unsigned short length;

static void add(struct sock_filter step) {
    program[length++] = step;
}

/* One comparison, and what is returned if it holds. */
static void when(struct sock_filter test, unsigned how) {
    add(test);
    add((struct sock_filter)END(how));
}

static void compose(int old) {
    unsigned eperm = SECCOMP_RET_ERRNO | EPERM, enosys = SECCOMP_RET_ERRNO | ENOSYS;
    add((struct sock_filter)LOAD(arch));
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
    add((struct sock_filter)END(eperm));
    add((struct sock_filter)LOAD(nr));
    when((struct sock_filter)IS(SYS_clone3), enosys);
    if (old)
        when((struct sock_filter)AT_LEAST(FIRST_UNKNOWN_OLD), eperm);
    when((struct sock_filter)AT_LEAST(FIRST_UNKNOWN_NEW), enosys);
    for (size_t i = 0; i < COUNT(refused); i++)
        when((struct sock_filter)IS(refused[i]), eperm);
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3));
    add((struct sock_filter)LOAD(args[0]));
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, 0, 1));
    add((struct sock_filter)END(eperm));
    add((struct sock_filter)END(SECCOMP_RET_ALLOW));
}

int main(int argc, char **argv) {
    if (argc < 3 || (strcmp(argv[1], "new") != 0 && strcmp(argv[1], "old") != 0)) {
        fprintf(stderr, "usage: confine new|old COMMAND...\n");
        return 2;
    }
    compose(strcmp(argv[1], "old") == 0);
    struct sock_fprog filter = {length, program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        perror("confine: seccomp");
        return 1;
    }
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
