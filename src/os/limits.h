/* os/limits.h: the limits of this process's memory, and what of them is left.
 *
 * A full control group does not refuse memory: the kernel ends one of its processes. A
 * program that wants a refusal must know the limit and stop before it. Any thread. Each
 * call reads files under /proc and /sys, which takes about 20 microseconds.
 */
#ifndef NEAP_OS_LIMITS_H
#define NEAP_OS_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* The smallest limit among the control groups of this process, in bytes. The limit of a group is
 * that of memory (version 2: memory.max, version 1: memory.limit_in_bytes) and the swap that it may use
 * beyond (memory.swap.max, memory.memsw.limit_in_bytes), as far as that is free. UINT64_MAX if no limit is
 * set or none can be read. Once the program has confined itself (os/filter_watch.h), the last answer. */
uint64_t neap_os_cgroup_limit_bytes(void);

/* The sum of memory and swap that a group may have. Its limits are `memory` and `swap`; if `together`,
 * `swap` limits the sum. There are `swap_bytes` of swap. UINT64_MAX means no limit. */
uint64_t neap__os_limit_with_swap(uint64_t memory, uint64_t swap, bool together, uint64_t swap_bytes);

/* The memory, in bytes, that this process can take before the machine or one of its control groups is full.
 * It is the smallest of MemAvailable and, for each group, the limit less the usage. File pages that the
 * kernel drops first do not count as usage. UINT64_MAX if nothing can be read. Others may take it meanwhile.
 */
uint64_t neap_os_headroom_bytes(void);

/* Makes this process the first that the kernel ends when memory runs out (oom_score_adj 1000). So a tool
 * ends before the process that it examines. Without privilege this cannot be undone. */
void neap_os_offer_to_be_ended(void);

/* Limits the further memory of this process to about `bytes` (RLIMIT_DATA). The system refuses more, instead
 * of ending a process when a control group is full. If the limit cannot be set, nothing changes. */
void neap_os_limit_growth(uint64_t bytes);

/* Resident memory of this process, in bytes; 0 if it cannot be read. */
uint64_t neap_os_resident_bytes(void);

/* The number of mappings that a process may have (vm.max_map_count); 0 if it cannot be read. */
uint64_t neap_os_mapping_limit(void);

/* Raises the limit of open descriptors to the hard one, and returns it. */
uint64_t neap_os_descriptors_raise(void);

#endif
