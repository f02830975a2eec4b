/* os/kernel_settings.h: settings of the system that affect memory and the reading of processes.
 *
 * They are read from /sys/kernel/mm and /proc/sys, or asked of the kernel. A setting that cannot be read is
 * unknown and not guessed: the kernel may lack it, or a container may hide it. Any thread.
 */
#ifndef NEAP_OS_KERNEL_SETTINGS_H
#define NEAP_OS_KERNEL_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum neap_os_huge_pages {
    NEAP_OS_HUGE_UNKNOWN, /* it cannot be read, or the kernel has no huge pages */
    NEAP_OS_HUGE_NEVER,
    NEAP_OS_HUGE_MADVISE,
    NEAP_OS_HUGE_ALWAYS,
};

struct neap_os_kernel_settings {
    enum neap_os_huge_pages huge_pages; /* /sys/kernel/mm/transparent_hugepage/enabled */
    int overcommit;                     /* vm.overcommit_memory, 0 to 2; -1 = unknown */
    int ptrace_scope;                   /* kernel.yama.ptrace_scope, 0 to 3; -1 = unknown or no Yama */
    uint64_t mappings;                  /* vm.max_map_count; 0 = unknown */
    bool filters;                       /* a program can limit its own system calls (seccomp) */
};

void neap_os_kernel_settings_read(struct neap_os_kernel_settings *settings);

/* The mode that a text like "always [madvise] never" marks; UNKNOWN if it marks none. */
enum neap_os_huge_pages neap__os_huge_pages_parse(const char *text);

#endif
