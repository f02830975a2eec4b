/* os/raw_call.h: a system call that touches nothing but its arguments.
 *
 * A task that shares the memory of stopped threads calls nothing of libc: whatever stands
 * in front of libc (a sanitizer, another preloaded library) may take locks there, and
 * errno is a thread's. Here a failure is the result: a negative error number.
 *
 * Five arguments are enough for the callers there are. On machines not named here libc's
 * syscall does it, and sets errno. Any thread.
 */
#ifndef NEAP_OS_RAW_CALL_H
#define NEAP_OS_RAW_CALL_H

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* An address as an argument. */
static inline long neap__os_raw_address(const volatile void *address) {
    return (long)(intptr_t)address;
}

static inline long neap__os_raw_call(long number, long a, long b, long c, long d, long e) {
#if defined(__clang_analyzer__)
    return syscall(number, a, b, c, d, e); /* it takes assembly for code that writes no memory */
#elif defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__i386__)
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                     : "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
#else
    long result = syscall(number, a, b, c, d, e);
    return result < 0 ? -(long)errno : result;
#endif
}

#endif
