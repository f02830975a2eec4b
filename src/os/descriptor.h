/* os/descriptor.h: descriptors for code that must hold one, and facts about terminals.
 *
 * Prefer os/file.h, whose callers hold no descriptor. Any thread.
 */
#ifndef NEAP_OS_DESCRIPTOR_H
#define NEAP_OS_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

/* Opens a regular file for reading. The caller closes *descriptor. Anything else is not opened and not waited
 * for: NEAP_ERROR_FORMAT. The other errors are those of os/file.h. */
int neap_os_descriptor_open(const char *path, int *descriptor);
void neap_os_descriptor_close(int descriptor);

/* Copies `bytes` bytes from `offset` on. False if they cannot all be read; `out` is then undefined. */
bool neap_os_descriptor_read(int descriptor, uint64_t offset, void *out, size_t bytes);

/* Occupies the numbers of closed standard streams. Otherwise a file that is opened later could get such a
 * number, and messages would be written to it. Programs that are started later find them closed as before.
 * Main thread. */
void neap_os_descriptor_hold_standard(void);

/* Whether the standard streams are all open. While one is closed, a program may be about to open another in
 * its place, and counts on that number: no other thread of it should open a file then. */
bool neap_os_descriptor_standard_are_open(void);

/* Whether the descriptor is a terminal. */
bool neap_os_descriptor_is_terminal(int descriptor);

/* The number of columns of the terminal; 0 if it is no terminal or does not tell. */
unsigned neap_os_descriptor_columns(int descriptor);

#endif
