/* os/file.h: files that are read where they lie, and files that appear whole.
 *
 *     draft:  open ──> write ... ──> commit    "path.XXXXXX", synced, renamed to path,
 *                          │                   its folder synced
 *                          └──────> discard    nothing is left of it
 *
 * Whatever ends a draft, at `path` is the old file or the whole new one. A mapping
 * is read-only, shared by all processes that have it, and stays whole when a draft
 * takes the file's name. Only truncating the very file under a mapping would end
 * its readers (SIGBUS); nothing here does that.
 *
 * Any thread; one at a time for one draft. Errors: NEAP_ERROR_ABSENT (no such
 * file or folder), _PERMISSION, _MEMORY, _FORMAT (not a regular file, or empty),
 * _SYSTEM (errno tells).
 */
#ifndef NEAP_OS_FILE_H
#define NEAP_OS_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

/* Maps the whole of a file; `*data` is page-aligned. In constant time: nothing is read. */
int neap_os_file_map(const char *path, const void **data, size_t *bytes);

void neap_os_file_unmap(const void *data, size_t bytes);

/* A mapping is going to be read here and there: what is not touched is not to come into memory
 * with what is. A hint. */
void neap_os_file_map_scattered(const void *data, size_t bytes);

/* Has the system forget what it keeps in memory of a file that is synced, but for its first
 * `kept_bytes`. It keeps a file in pieces as large as it was written in (of up to 2 MiB), and
 * whoever touches a byte then has the piece; what comes from the disk again comes by pages. A hint. */
void neap_os_file_forget(const char *path, size_t kept_bytes);

enum { NEAP_OS_DRAFT_PATH_BYTES = 4096, NEAP_OS_DRAFT_BUFFER_BYTES = 16384 };

/* On the stack; the members are private. */
struct neap_os_draft {
    int descriptor;
    size_t buffered; /* bytes in the buffer */
    const char *path;
    char temporary[NEAP_OS_DRAFT_PATH_BYTES];
    char buffer[NEAP_OS_DRAFT_BUFFER_BYTES];
};

/* Makes an empty file beside `path`, which is kept by reference. */
int neap_os_draft_open(struct neap_os_draft *draft, const char *path);

/* Appends. After a failure the draft can only be discarded. */
int neap_os_draft_write(struct neap_os_draft *draft, const void *data, size_t bytes);

/* Writes over the first bytes of what has been written. */
int neap_os_draft_write_start(struct neap_os_draft *draft, const void *data, size_t bytes);

/* Makes it the file at `path`; it gets the mode of a file that is there already.
 * On failure it is discarded. */
int neap_os_draft_commit(struct neap_os_draft *draft);

void neap_os_draft_discard(struct neap_os_draft *draft);

/* Test door: the n-th next write, sync or rename of a draft fails (1 = the next); 0 = off. */
void neap_os_file_fault_after(unsigned n);

#endif
