/* os/output_tail.h: the end of what a child writes, of which nobody reads the rest.
 *
 * A file in memory: the writer never waits for a reader, and what is old is
 * given back meanwhile. Any thread; one at a time for one tail.
 */
#ifndef NEAP_OS_OUTPUT_TAIL_H
#define NEAP_OS_OUTPUT_TAIL_H

#include <stddef.h>

/* A descriptor to write to, -1 if the system refuses; the caller closes it. */
int neap_os_output_tail_open(void);

/* Gives back all but the last 64 KiB, once there is a MiB; cheap otherwise. */
void neap_os_output_tail_trim(int tail);

/* The last whole lines that fit into `room` bytes with a terminator, without
 * the last line feed. */
void neap_os_output_tail_read(int tail, char *out, size_t room);

#endif
