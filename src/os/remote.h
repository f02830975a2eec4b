/* os/remote.h: the memory of another process, read from outside.
 *
 * A maps entry is one line of /proc/PID/maps. Reading is process_vm_readv;
 * nothing in the target runs or stops for it. Any thread.
 */
#ifndef NEAP_OS_REMOTE_H
#define NEAP_OS_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <neap/error.h>

struct neap_os_mapping {
    uint64_t start, end; /* addresses, end excluded */
    char access[5];      /* "rw-p" */
    uint64_t offset;     /* into the file, bytes */
    char path[512];      /* "" for anonymous memory; cut if longer */
};

/* Calls `visit` for each mapping in address order until it returns false.
 * NEAP_ERROR_PROCESS if there is no such process, NEAP_ERROR_PERMISSION if the
 * system refuses to show it. */
int neap_os_mappings(pid_t pid, bool (*visit)(void *context, const struct neap_os_mapping *mapping),
                     void *context);

/* Copies `bytes` at `address` of process `pid` into `out`, all or nothing.
 * NEAP_ERROR_FORMAT if any part of the range is not mapped there. */
int neap_os_remote_read(pid_t pid, uint64_t address, void *out, size_t bytes);

/* Writes; as above. Only for fields that a published layout names as requests. */
int neap_os_remote_write(pid_t pid, uint64_t address, const void *data, size_t bytes);

#endif
