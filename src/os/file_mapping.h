/* os/file_mapping.h: a file or block device that is changed where it lies in memory.
 *
 *     open ──> [ data, bytes ] ──> resize (a file) ──> sync ──> close
 *
 * All of it is mapped, shared with every process that maps it. A file that grows gets
 * its place on the disk at once, so that writing to the mapping later cannot find the
 * disk full. Only who truncates the file from elsewhere can end its users (SIGBUS).
 *
 * Any thread; one at a time for one mapping. Errors: NEAP_ERROR_ABSENT, _PERMISSION,
 * _FORMAT (neither a file nor a block device), _MEMORY, _SYSTEM; errno tells more.
 */
#ifndef NEAP_OS_FILE_MAPPING_H
#define NEAP_OS_FILE_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include <neap/error.h>

enum neap_os_file_mapping_mode {
    NEAP_OS_FILE_MAPPING_READ,
    NEAP_OS_FILE_MAPPING_WRITE,
    NEAP_OS_FILE_MAPPING_MAKE /* an empty file, in the place of any other */
};

struct neap_os_file_mapping {
    void *data; /* page-aligned; NULL while there are no bytes */
    uint64_t bytes;
    int descriptor;
    bool writable;
    bool device; /* cannot be resized */
};

int neap_os_file_mapping_open(const char *path, enum neap_os_file_mapping_mode mode,
                              struct neap_os_file_mapping *mapping);

/* Makes the file `bytes` long; what is new reads as zero, and the data may move. On failure all
 * is as before. */
int neap_os_file_mapping_resize(struct neap_os_file_mapping *mapping, uint64_t bytes);

/* Waits until what was written is on the disk. */
int neap_os_file_mapping_sync(const struct neap_os_file_mapping *mapping);

void neap_os_file_mapping_close(struct neap_os_file_mapping *mapping);

#endif
