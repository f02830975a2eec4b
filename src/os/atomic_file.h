/* os/atomic_file.h: files that appear whole.
 *
 *     open ──> write ... ──> commit     "path.XXXXXX", synced, renamed to path,
 *                  │                    its folder synced
 *                  └──────> discard     nothing is left of it
 *
 * Whatever happens in between, `path` names the old file or the whole new one. Any thread; one
 * at a time for one file. Errors as those of os/file.h.
 */
#ifndef NEAP_OS_ATOMIC_FILE_H
#define NEAP_OS_ATOMIC_FILE_H

#include <stddef.h>

#include <neap/error.h>

enum { NEAP_OS_ATOMIC_FILE_PATH_BYTES = 4096, NEAP_OS_ATOMIC_FILE_BUFFER_BYTES = 16384 };

/* On the stack; the members are private. */
struct neap_os_atomic_file {
    int descriptor;
    size_t buffered; /* bytes in the buffer */
    const char *path;
    char temporary[NEAP_OS_ATOMIC_FILE_PATH_BYTES];
    char buffer[NEAP_OS_ATOMIC_FILE_BUFFER_BYTES];
};

/* Makes an empty file beside `path`, which is kept by reference. */
int neap_os_atomic_file_open(struct neap_os_atomic_file *file, const char *path);

/* Appends. After a failure the file can only be discarded. */
int neap_os_atomic_file_write(struct neap_os_atomic_file *file, const void *data, size_t bytes);

/* Writes over the first bytes of what has been written. */
int neap_os_atomic_file_write_start(struct neap_os_atomic_file *file, const void *data, size_t bytes);

/* Makes it the file at `path`; it gets the mode of a file that is there already.
 * On failure it is discarded. */
int neap_os_atomic_file_commit(struct neap_os_atomic_file *file);

void neap_os_atomic_file_discard(struct neap_os_atomic_file *file);

/* For tests: the n-th next write, sync or rename of an atomic file fails (1 = the next); 0 = off. */
void neap_os_atomic_file_fault_after(unsigned n);

#endif
