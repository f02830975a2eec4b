/* os/limits.h: how much memory this process may have, beside RLIMIT_*.
 *
 * A control group that is full does not refuse memory: the kernel ends a
 * process of it. Who wants a refusal has to know the limit and stop before.
 * Any thread; each call reads files under /proc and /sys (some 20 microseconds).
 */
#ifndef NEAP_OS_LIMITS_H
#define NEAP_OS_LIMITS_H

#include <stdint.h>

/* The smallest memory limit among the control groups that this process is in
 * (version 2: memory.max, version 1: memory.limit_in_bytes), in bytes;
 * UINT64_MAX if none is set or none can be read. */
uint64_t neap_os_cgroup_limit_bytes(void);

/* Resident memory of this process, in bytes; 0 if it cannot be read. */
uint64_t neap_os_resident_bytes(void);

/* How many mappings the system lets a process have (vm.max_map_count); 0 if it cannot be read. */
uint64_t neap_os_mapping_limit(void);

#endif
