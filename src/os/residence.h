/* os/residence.h: which memory of a process is in memory.
 *
 *     smaps     each mapping with its figures in bytes      walks every page: 10 us a MB
 *     pagemap   each page: there, swapped, a file's         8 bytes a page
 *
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
    uint64_t anonymous_bytes; /* of rss, not (any more) a file's */
    uint64_t swap_bytes;
};

/* As neap_os_mappings_visit, with the figures of /proc/PID/smaps. */
int neap_os_mapping_figures(pid_t pid,
                            bool (*visit)(void *context, const struct neap_os_mapping *mapping,
                                          const struct neap_os_mapping_figures *figures),
                            void *context);

/* What an entry of pagemap says (Documentation/admin-guide/mm/pagemap.rst). */
static inline bool neap_os_page_present(uint64_t entry) {
    return entry >> 63 & 1;
}
/* The program's own page, in memory or swapped out, not a file's as it is on disk. */
static inline bool neap_os_page_own(uint64_t entry) {
    return entry >> 62 != 0 && (entry >> 61 & 1) == 0;
}

typedef struct neap_os_residence neap_os_residence_t;

/* Opens /proc/PID/pagemap: NEAP_ERROR_PROCESS, _PERMISSION; _ABSENT where the system has none.
 * The caller owns *residence. */
int neap_os_residence_open(pid_t pid, neap_os_residence_t **residence);
void neap_os_residence_close(neap_os_residence_t *residence);

/* Entries of `pages` pages from `address` on. */
int neap_os_residence_read(neap_os_residence_t *residence, uint64_t address, uint64_t *entries, size_t pages);

#endif
