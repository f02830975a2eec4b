/* os/process_info.h: what /proc tells of one process, ours or another's.
 *
 * Memory is the account of smaps_rollup, summed over all mappings by the
 * kernel at the moment of the call (exact, unlike the counters of statm):
 *
 *     rss            pages in memory, shared ones in full
 *     pss            pages in memory, shared ones divided by their sharers
 *     private_dirty  pages that are in memory for this process alone and were
 *                    written: what its end would give back to the machine
 *
 * A call costs about 10 us and another 10 us a MB of resident memory. All
 * return 0 or a negative enum neap_error: NEAP_ERROR_PROCESS when there is no
 * such process or it is ending, NEAP_ERROR_PERMISSION when it is not ours to
 * see. No state; any thread.
 */
#ifndef NEAP_OS_PROCESS_INFO_H
#define NEAP_OS_PROCESS_INFO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <neap/error.h>

struct neap_os_process_info_memory {
    uint64_t rss_bytes, pss_bytes, private_dirty_bytes, private_clean_bytes;
};

struct neap_os_process_info_stat {
    pid_t parent, session;
    char state;      /* as in /proc/PID/stat: 'R', 'S', 'Z' ... */
    uint64_t cpu_ns; /* user and system time, its own; the clock's tick is 10 ms */
    size_t threads;  /* a main thread that ended before the others is one of them */
};

int neap_os_process_info_memory(pid_t pid, struct neap_os_process_info_memory *memory);

int neap_os_process_info_stat(pid_t pid, struct neap_os_process_info_stat *stat);

/* The most that was ever resident, in bytes (VmHWM). */
int neap_os_process_info_peak(pid_t pid, uint64_t *peak_bytes);

/* Whether the process holds a socket that listens (TCP or Unix). */
int neap_os_process_info_listens(pid_t pid, bool *listens);

/* Whether a file whose path ends in `ending` is mapped into the process. */
int neap_os_process_info_maps(pid_t pid, const char *ending, bool *maps);

/* CPU time of the calling thread so far, in nanoseconds. */
uint64_t neap_os_process_info_own_cpu_ns(void);

/* Sums the account in a file of the format of smaps or smaps_rollup: kernels
 * before 4.14 have only the former. Shared with the tests. */
int neap__os_process_info_memory_sum(const char *path, struct neap_os_process_info_memory *memory);

#endif
