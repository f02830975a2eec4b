/* os/own_pins.h: whether the kernel may write into pages of this process without one of its threads.
 *
 * A thread that waits for a read of a file by O_DIRECT is in state D and cannot be stopped
 * (os/world.h). These can go on while all threads are stopped, because the pages are pinned:
 *
 *     io_uring              a descriptor or a mapping `anon_inode:[io_uring]`
 *     native AIO            a mapping `/[aio]`
 *     RDMA, GPUs, VFIO ...  a descriptor or a mapping of a device
 *
 * A process that has locked pages (mlock, mlockall) counts too: it wants them in memory, each its own.
 *
 * A page that is pinned must stay where it is. The kernel does not say which ones are, so the
 * process is looked at as a whole.
 */
#ifndef NEAP_OS_OWN_PINS_H
#define NEAP_OS_OWN_PINS_H

#include <stdbool.h>

/* True also if /proc cannot be read. About 1 us a descriptor and a mapping. Any thread; one that opens such a
 * descriptor at the same time may be missed, so ask again before each use of the answer. */
bool neap_os_may_have_pins(void);

/* Whether a descriptor's or a mapping's name, as /proc shows it, is one of those. */
bool neap__os_name_may_pin(const char *name);

#endif
