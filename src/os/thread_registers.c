/* os/thread_registers.c: knows the general registers of x86 and ARM, with 32 and 64 bits. */
#include "os/thread_registers.h"

#include <elf.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#ifndef PTRACE_GET_THREAD_AREA
#define PTRACE_GET_THREAD_AREA 25
#endif

enum { REGISTER_BYTES_MOST = 1024 };

/* Indices into the set of registers (asm/ptrace.h, sys/user.h of each machine). */
enum {
    X86_64_FS_BASE = 21,
    X86_64_SP = 19,
    X86_64_COUNT = 27,
    I386_GS = 10,
    I386_SP = 15,
    I386_COUNT = 17,
    AARCH64_SP = 31,
    AARCH64_COUNT = 34,
    ARM_SP = 13,
    ARM_COUNT = 18,
};

static uint64_t word_at(const void *registers, size_t index, size_t width) {
    uint64_t wide = 0;
    uint32_t narrow = 0;
    if (width == 8) {
        memcpy(&wide, (const char *)registers + index * 8, 8);
        return wide;
    }
    memcpy(&narrow, (const char *)registers + index * 4, 4);
    return narrow;
}

void neap_os_thread_registers_decode(unsigned machine, const void *registers, size_t bytes,
                                     uint64_t *stack_pointer, uint64_t *thread_pointer) {
    *stack_pointer = *thread_pointer = 0;
    if (machine == EM_X86_64 && bytes >= X86_64_COUNT * sizeof(uint64_t)) {
        *stack_pointer = word_at(registers, X86_64_SP, 8);
        *thread_pointer = word_at(registers, X86_64_FS_BASE, 8);
    } else if (machine == EM_386 && bytes >= I386_COUNT * sizeof(uint32_t)) {
        *stack_pointer = word_at(registers, I386_SP, 4);
    } else if (machine == EM_AARCH64 && bytes >= AARCH64_COUNT * sizeof(uint64_t)) {
        *stack_pointer = word_at(registers, AARCH64_SP, 8);
    } else if (machine == EM_ARM && bytes >= ARM_COUNT * sizeof(uint32_t)) {
        *stack_pointer = word_at(registers, ARM_SP, 4);
    }
}

/* The machine of a thread, which the length of its set of registers tells. */
static unsigned machine_of(size_t bytes) {
#if defined(__x86_64__) || defined(__i386__)
    return bytes == I386_COUNT * sizeof(uint32_t) ? EM_386 : EM_X86_64;
#elif defined(__aarch64__) || defined(__arm__)
    return bytes == ARM_COUNT * sizeof(uint32_t) ? EM_ARM : EM_AARCH64;
#else
    (void)bytes;
    return EM_NONE;
#endif
}

#if defined(__x86_64__) || defined(__i386__)
/* The base of the segment in register gs of a 32-bit thread: the word after the descriptor's number. */
static uint64_t segment_base(pid_t tid, uint64_t selector) {
    uint32_t descriptor[4] = {0};
    if (ptrace(PTRACE_GET_THREAD_AREA, tid, (void *)(uintptr_t)(selector >> 3), descriptor) != 0)
        return 0;
    return descriptor[1];
}
#endif

void neap__os_thread_registers_read(pid_t tid, uint64_t *stack_pointer, uint64_t *thread_pointer) {
    uint64_t registers[REGISTER_BYTES_MOST / 8];
    struct iovec set = {registers, sizeof(registers)};
    *stack_pointer = *thread_pointer = 0;
    if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)NT_PRSTATUS, &set) != 0)
        return;
    unsigned machine = machine_of(set.iov_len);
    neap_os_thread_registers_decode(machine, registers, set.iov_len, stack_pointer, thread_pointer);
#if defined(__x86_64__) || defined(__i386__)
    if (machine == EM_386)
        *thread_pointer = segment_base(tid, word_at(registers, I386_GS, 4));
#elif defined(NT_ARM_TLS)
    struct iovec one = {thread_pointer, sizeof(*thread_pointer)};
    if (machine == EM_AARCH64)
        ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)NT_ARM_TLS, &one);
#endif
}
