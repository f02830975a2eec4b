/* os/limits.h: how much memory this process may have, beside RLIMIT_*.
 *
 * A control group that is full does not refuse memory: the kernel ends a
 * process of it. Who wants a refusal has to know the limit and stop before.
 * Any thread; each call reads files under /proc and /sys (some 20 microseconds).
 */
#ifndef NEAP_OS_LIMITS_H
#define NEAP_OS_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* The smallest limit among the control groups that this process is in, in bytes: of
 * memory (version 2: memory.max, version 1: memory.limit_in_bytes) and what may go to
 * swap beyond it (memory.swap.max, memory.memsw.limit_in_bytes, and the swap that is
 * free). UINT64_MAX if none is set or none can be read. */
uint64_t neap_os_cgroup_limit_bytes(void);

/* What a group may have, of memory and swap together, by its limits of `memory` and of `swap`
 * (`together`: of both), where `swap_bytes` of swap are to be had. UINT64_MAX is no limit. */
uint64_t neap__os_limit_with_swap(uint64_t memory, uint64_t swap, bool together, uint64_t swap_bytes);

/* What this process may take in memory before its machine, or one of its control groups, is full:
 * MemAvailable, and each group's limit less its usage without file pages that the kernel drops
 * first. UINT64_MAX if neither can be read. Others may take it meanwhile. */
uint64_t neap_os_headroom_bytes(void);

/* Makes this process the first that the kernel ends when memory runs out (oom_score_adj 1000), so that
 * a tool goes before what it looks at. Cannot be taken back without privilege. */
void neap_os_offer_to_be_ended(void);

/* Lets this process take about `bytes` more memory and no more (RLIMIT_DATA): what is beyond is refused,
 * where a full control group would have the kernel end a process. Where the limit cannot be set, all is as
 * before. */
void neap_os_limit_growth(uint64_t bytes);

/* Resident memory of this process, in bytes; 0 if it cannot be read. */
uint64_t neap_os_resident_bytes(void);

/* How many mappings the system lets a process have (vm.max_map_count); 0 if it cannot be read. */
uint64_t neap_os_mapping_limit(void);

#endif
