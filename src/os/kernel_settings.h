/* os/kernel_settings.h: settings of the system on which memory and looking depend.
 *
 * Read from /sys/kernel/mm and /proc/sys, or asked of the kernel. What cannot be read (no such kernel option,
 * a container that masks it) is unknown, and never guessed. Any thread.
 */
#ifndef NEAP_OS_KERNEL_SETTINGS_H
#define NEAP_OS_KERNEL_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum neap_os_huge_pages {
    NEAP_OS_HUGE_UNKNOWN, /* or a kernel without them */
    NEAP_OS_HUGE_NEVER,
    NEAP_OS_HUGE_MADVISE,
    NEAP_OS_HUGE_ALWAYS,
};

struct neap_os_kernel_settings {
    enum neap_os_huge_pages huge_pages; /* /sys/kernel/mm/transparent_hugepage/enabled */
    int overcommit;                     /* vm.overcommit_memory, 0 to 2; -1 unknown */
    int ptrace_scope;                   /* kernel.yama.ptrace_scope, 0 to 3; -1 no Yama */
    uint64_t mappings;                  /* vm.max_map_count; 0 unknown */
    bool filters;                       /* a program can limit its own system calls (seccomp) */
};

void neap_os_kernel_settings_read(struct neap_os_kernel_settings *settings);

/* The mode in a text like "always [madvise] never"; UNKNOWN if it names none. */
enum neap_os_huge_pages neap__os_huge_pages_parse(const char *text);

#endif
