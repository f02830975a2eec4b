/* os/descriptor.h: descriptors for code that must hold one, and what stands behind a stream.
 *
 * os/file.h reads files without a descriptor in the caller's hands and is to be preferred. Any thread.
 */
#ifndef NEAP_OS_DESCRIPTOR_H
#define NEAP_OS_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

/* Opens a regular file for reading; the caller closes *descriptor. NEAP_ERROR_FORMAT for what is no regular
 * file, which is not waited for; the other errors are those of os/file.h. */
int neap_os_descriptor_open(const char *path, int *descriptor);
void neap_os_descriptor_close(int descriptor);

/* Copies `bytes` at `offset`, all or nothing; false if there are not as many. */
bool neap_os_descriptor_read(int descriptor, uint64_t offset, void *out, size_t bytes);

/* Takes the numbers of those standard streams that are closed, so that no file that is opened later is
 * written to in their place. Programs that are started later find them closed as before. Main thread. */
void neap_os_descriptor_hold_standard(void);

/* Whether the descriptor is a terminal. */
bool neap_os_descriptor_is_terminal(int descriptor);

/* Columns of the terminal; 0 if it is none or does not tell. */
unsigned neap_os_descriptor_columns(int descriptor);

#endif
