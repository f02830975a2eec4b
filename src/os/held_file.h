/* os/held_file.h: a regular file that is kept open and read by copies.
 *
 * It stays the same file whatever its name leads to later, and it can be read after this process has given up
 * the right to open it (os/privilege.h). What another process cuts off meanwhile is an error and no signal.
 * Any thread may read. Errors: those of os/file.h.
 */
#ifndef NEAP_OS_HELD_FILE_H
#define NEAP_OS_HELD_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

struct neap_os_held_file {
    int descriptor;
    uint64_t bytes; /* its length when it was opened */
};

/* Opens `path` for reading; the caller closes *file. NEAP_ERROR_FORMAT for what is no regular file, which is
 * not opened at all. */
int neap_os_held_file_open(const char *path, struct neap_os_held_file *file);
void neap_os_held_file_close(struct neap_os_held_file *file);

/* Copies `bytes` at `offset`, all or nothing; NEAP_ERROR_FORMAT if there are not as many. */
int neap_os_held_file_read(const struct neap_os_held_file *file, uint64_t offset, void *out, size_t bytes);

#endif
