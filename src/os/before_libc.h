/* os/before_libc.h: runs code and makes system calls before libc has started.
 *
 *   kernel --> entry: function(stack) --execve--> another program
 *                         '--returns--> libc's _start, which starts the program as usual
 *
 * A static program spends about 0.3 ms in libc's start-up if CPUID is slow, as it is in
 * virtual machines. A program that only executes another one does not need libc. Before
 * _start there is no errno, no thread-local storage and no resolved memcpy. So code that
 * uses this header must call nothing of libc, and needs the compiler options that
 * src/cli/meson.build sets for it. NEAP_OS_BEFORE_LIBC is defined where it works: on x86_64.
 */
#ifndef NEAP_OS_BEFORE_LIBC_H
#define NEAP_OS_BEFORE_LIBC_H

#if defined(__x86_64__)
#define NEAP_OS_BEFORE_LIBC 1

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "os/raw_call.h"

/* Defines `entry`, for -Wl,-e,entry. It calls void function(long *stack) with the stack as the kernel set
 * it up: argc, argv[], NULL, envp[], NULL. */
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

/* As execve, access and readlink. They return the result, on failure a negative error number. */
static inline long neap_os_before_libc_execve(const char *path, char *const *argv, char *const *envp) {
    return neap__os_raw_call(SYS_execve, (long)path, (long)argv, (long)envp, 0, 0);
}

static inline long neap_os_before_libc_access(const char *path, int mode) {
    return neap__os_raw_call(SYS_access, (long)path, mode, 0, 0, 0);
}

static inline long neap_os_before_libc_readlink(const char *path, char *target, unsigned long bytes) {
    return neap__os_raw_call(SYS_readlink, (long)path, (long)target, (long)bytes, 0, 0);
}

/* As stat, and as fgetxattr without a place for the value. */
static inline long neap_os_before_libc_stat(const char *path, struct stat *status) {
    return neap__os_raw_call(SYS_stat, (long)path, (long)status, 0, 0, 0);
}

static inline long neap_os_before_libc_attribute_bytes(long file, const char *name) {
    return neap__os_raw_call(SYS_fgetxattr, file, (long)name, 0, 0, 0);
}

/* Reads the first `bytes` of a regular file, or what there is. The caller closes *file if it is not
 * negative. */
static inline long neap_os_before_libc_head(const char *path, void *head, unsigned long bytes, long *file) {
    *file = neap__os_raw_call(SYS_open, (long)path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0, 0, 0);
    return *file < 0 ? *file : neap__os_raw_call(SYS_read, *file, (long)head, (long)bytes, 0, 0);
}

static inline void neap_os_before_libc_close(long file) {
    neap__os_raw_call(SYS_close, file, 0, 0, 0, 0);
}

#endif
#endif
