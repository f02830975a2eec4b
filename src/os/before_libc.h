/* os/before_libc.h: a program's first instructions, and system calls before libc is up.
 *
 *   kernel --> entry: function(stack) --execve--> another program
 *                         '--returns--> libc's _start, as if nothing had been
 *
 * A static program spends some 0.3 ms in libc's start-up where CPUID is slow, as
 * it is in virtual machines. One that only execs another can do without. Until
 * _start has run there is no errno, no thread-local storage and no resolved
 * memcpy: what is compiled with this header calls nothing of libc and needs
 * the compiler options that src/cli/meson.build has for it. x86_64 only; see
 * NEAP_OS_BEFORE_LIBC.
 */
#ifndef NEAP_OS_BEFORE_LIBC_H
#define NEAP_OS_BEFORE_LIBC_H

#if defined(__x86_64__)
#define NEAP_OS_BEFORE_LIBC 1

#include <sys/syscall.h>

/* Defines `entry`, to be linked with -Wl,-e,entry: calls void function(long *stack) with what
 * the kernel left: argc, argv[], NULL, envp[], NULL. */
#define NEAP_OS_BEFORE_LIBC_ENTRY(entry, function)                                                           \
    __asm__(".text\n.globl " #entry "\n.type " #entry ", @function\n" #entry ":\n"                           \
            "    xor %ebp, %ebp\n"                                                                           \
            "    mov %rsp, %rbx\n"                                                                           \
            "    mov %rdx, %r12\n"                                                                           \
            "    mov %rsp, %rdi\n"                                                                           \
            "    and $-16, %rsp\n"                                                                           \
            "    call " #function "\n"                                                                       \
            "    mov %rbx, %rsp\n"                                                                           \
            "    mov %r12, %rdx\n"                                                                           \
            "    jmp _start\n")

/* A negative error number on failure. */
static inline long neap_os_before_libc_call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

/* As execve, access and readlink. */
static inline long neap_os_before_libc_execve(const char *path, char *const *argv, char *const *envp) {
    return neap_os_before_libc_call(SYS_execve, (long)path, (long)argv, (long)envp);
}

static inline long neap_os_before_libc_access(const char *path, int mode) {
    return neap_os_before_libc_call(SYS_access, (long)path, mode, 0);
}

static inline long neap_os_before_libc_readlink(const char *path, char *target, unsigned long bytes) {
    return neap_os_before_libc_call(SYS_readlink, (long)path, (long)target, (long)bytes);
}

#endif
#endif
