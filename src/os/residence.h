/* os/residence.h: tells which pages of a process are in memory.
 *
 *     smaps     figures of each mapping, in bytes                10 us per MB, for every page is walked
 *     pagemap   each page: in memory, swapped, of a file         8 bytes per page
 *     a scan    stretches of pages that are in memory            costs what is there, not what is reserved
 *
 * A page of zeros that was only read is there in pagemap and counts in no figure of smaps. pagemap alone
 * does not tell it from a page that forked processes share: see inspect/process/resident_pages.c.
 * Any thread.
 */
#ifndef NEAP_OS_RESIDENCE_H
#define NEAP_OS_RESIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <neap/error.h>

#include "os/process_memory.h"

struct neap_os_mapping_figures {
    uint64_t rss_bytes, pss_bytes, private_dirty_bytes;
    uint64_t shared_bytes;    /* the part of rss that other processes have in memory too */
    uint64_t anonymous_bytes; /* the part of rss that is not, or no longer, a file's */
    uint64_t swap_bytes;
};

/* As neap_os_mappings_visit, with the figures of /proc/PID/smaps. */
int neap_os_mapping_figures(pid_t pid,
                            bool (*visit)(void *context, const struct neap_os_mapping *mapping,
                                          const struct neap_os_mapping_figures *figures),
                            void *context);

/* Whether the page of a pagemap entry is in memory (Documentation/admin-guide/mm/pagemap.rst). */
static inline bool neap_os_page_present(uint64_t entry) {
    return entry >> 63 & 1;
}
/* In swap, or being moved by the kernel at this moment. */
static inline bool neap_os_page_swapped(uint64_t entry) {
    return entry >> 62 == 1;
}
/* In memory, a file's as it is on disk. In anonymous memory: a part of the huge page of zeros. */
static inline bool neap_os_page_file(uint64_t entry) {
    return neap_os_page_present(entry) && (entry >> 61 & 1);
}
/* In memory, and mapped by this process alone. */
static inline bool neap_os_page_exclusive(uint64_t entry) {
    return neap_os_page_present(entry) && (entry >> 56 & 1);
}
/* Whether it is the program's own page, in memory or swapped out, and not a page of a file as on disk. */
static inline bool neap_os_page_own(uint64_t entry) {
    return entry >> 62 != 0 && (entry >> 61 & 1) == 0;
}

typedef struct neap_os_residence neap_os_residence_t;

/* Opens /proc/PID/pagemap. The caller owns *residence. Returns 0; NEAP_ERROR_PROCESS, _PERMISSION, _MEMORY;
 * _ABSENT if the system has no pagemap. */
int neap_os_residence_open(pid_t pid, neap_os_residence_t **residence);
void neap_os_residence_close(neap_os_residence_t *residence);

/* Reads the entries of `pages` pages from `address` on. Returns 0 or a negative enum neap_error;
 * NEAP_ERROR_PROCESS if the process has ended or the pages are beyond its address space. */
int neap_os_residence_read(neap_os_residence_t *residence, uint64_t address, uint64_t *entries, size_t pages);

/* Calls `visit` for each stretch of pages in [start, end) that are in memory or in swap, without small pages
 * of zeros that were only read. NEAP_ERROR_ABSENT, before the first call, where the kernel cannot (before
 * Linux 6.7). */
int neap_os_residence_scan(neap_os_residence_t *residence, uint64_t start, uint64_t end,
                           void (*visit)(void *context, uint64_t start, uint64_t end), void *context);

#endif
