/* os/output_tail.h: keeps the end of what a child writes.
 *
 * The child writes to a file in memory, so it never waits for a reader. Older output is given
 * back meanwhile. Any thread; one at a time for one tail.
 */
#ifndef NEAP_OS_OUTPUT_TAIL_H
#define NEAP_OS_OUTPUT_TAIL_H

#include <stddef.h>

/* Returns a descriptor to write to, which the caller closes. -1 if the system refuses. */
int neap_os_output_tail_open(void);

/* If at least 1 MiB is kept, gives back all but the last 64 KiB. Otherwise it costs little. */
void neap_os_output_tail_trim(int tail);

/* Copies the last whole lines that fit into `room` bytes with a terminator, without the last line
 * feeds. */
void neap_os_output_tail_read(int tail, char *out, size_t room);

#endif
