/* os/file_mapping.h: a file or block device that is changed where it lies in memory.
 *
 *     open ──> [ data, bytes ] ──> follow ──> resize (a file) ──> sync ──> close
 *
 * All of it is mapped, shared with every process that maps it. The length is the file's: others may
 * change it at any time, and `follow` takes over what it is now. Who changes it holds the lock meanwhile,
 * so that two who append do not get one place. A file that grows gets its place on the disk at once, so
 * that writing to the mapping later cannot find the disk full. A mapping whose file is cut short is
 * guarded (os/file_guard.h).
 *
 * Opening changes nothing but what was asked for: what is to be written is not reached by a link that
 * another user than the caller and root made, and what is no file or block device is not opened at all.
 *
 * Any thread; one at a time for one mapping. Errors: NEAP_ERROR_ABSENT, _PERMISSION,
 * _FORMAT (neither a file nor a block device), _MEMORY, _SYSTEM; errno tells more.
 */
#ifndef NEAP_OS_FILE_MAPPING_H
#define NEAP_OS_FILE_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include <neap/error.h>

#include "os/file_guard.h"

enum neap_os_file_mapping_mode {
    NEAP_OS_FILE_MAPPING_READ,
    NEAP_OS_FILE_MAPPING_WRITE,
    NEAP_OS_FILE_MAPPING_MAKE /* an empty file, in the place of any other */
};

struct neap_os_file_mapping {
    void *data; /* page-aligned; NULL while there are no bytes */
    uint64_t bytes;
    struct neap_os_file_guard *guard; /* of `data` */
    int descriptor;
    bool writable;
    bool device; /* cannot be resized */
};

int neap_os_file_mapping_open(const char *path, enum neap_os_file_mapping_mode mode,
                              struct neap_os_file_mapping *mapping);

/* Whether an access found that the mapped bytes are not in the file any more (or its disk fails). It stays
 * so until the next follow. */
static inline bool neap_os_file_mapping_is_cut(const struct neap_os_file_mapping *mapping) {
    return neap_os_file_guard_is_cut(mapping->guard);
}

/* Bytes that the file has now; those of the mapping where it cannot be asked. A system call. */
uint64_t neap_os_file_mapping_length(const struct neap_os_file_mapping *mapping);

/* Takes over the length that the file has; the data may move. NEAP_ERROR_FORMAT: it was cut short since
 * the last look; the mapping then has the length of today. On any other failure all is as before. */
int neap_os_file_mapping_follow(struct neap_os_file_mapping *mapping);

/* Keeps others who use this lock from changing the length. Goes on without it where a lock of another kind is
 * in the way (on the whole file, say), and after about a second. Not for devices and what is only read. */
void neap_os_file_mapping_lock(const struct neap_os_file_mapping *mapping);
void neap_os_file_mapping_unlock(const struct neap_os_file_mapping *mapping);

/* Makes the file `bytes` long; what is new reads as zero, and the data may move. Growing never cuts off
 * what another has appended meanwhile. On failure all is as before. */
int neap_os_file_mapping_resize(struct neap_os_file_mapping *mapping, uint64_t bytes);

/* Waits until what was written is on the disk. */
int neap_os_file_mapping_sync(const struct neap_os_file_mapping *mapping);

void neap_os_file_mapping_close(struct neap_os_file_mapping *mapping);

#endif
