/* os/file_guard.h: a mapped file that another process makes shorter does not end this process.
 *
 *     open: map ──> guard_add ──> read and write ──> is_cut? ──> guard_remove ──> unmap
 *                                      │ a page behind the file's new end: SIGBUS
 *                                      └─> handler: the mapping is marked as cut, and a page of zeros
 *                                          is put where the lost one was; the access is repeated
 *
 * The kernel raises SIGBUS at a page behind the end of the file. To compare lengths first does not help:
 * the file may be cut in between. Considered and left: sealed memory (memfd) has no name that others could
 * open; a lease delays a truncation and is for owners only; pread and process_vm_readv report the loss, but
 * cost a system call an access; userfaultfd does not know truncations.
 *
 * The handler is installed with the first guard, put on top again by later ones and by moves, and takes no
 * lock. It is for faults at guarded addresses; every other SIGBUS goes to the action that was there before,
 * the default included. A handler that comes later and raises the signal again for the one before it (as
 * Python's faulthandler does) is understood: its raise is taken for a fault once for each mapping that is
 * cut. A thread that blocks SIGBUS is not protected: the kernel ends its process at the fault. A child of a
 * fork inherits guards. Any thread; one at a time for one guard.
 */
#ifndef NEAP_OS_FILE_GUARD_H
#define NEAP_OS_FILE_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

/* One guarded mapping: a place in a table that never moves and is used again. The members are private. */
struct neap_os_file_guard {
    _Atomic bool taken, cut;
    _Atomic bool writable;
    _Atomic uint32_t patching; /* handlers at work in it */
    _Atomic uint32_t sequence; /* odd while the range below changes */
    _Atomic uintptr_t start, end;
};

/* Guards a whole mapping of a file, which nobody uses yet. `*guard` is the caller's until guard_remove.
 * NEAP_ERROR_MEMORY, NEAP_ERROR_SYSTEM (the handler cannot be installed). */
int neap_os_file_guard_add(const void *start, size_t bytes, bool writable, struct neap_os_file_guard **guard);

/* The same guard for another mapping of the same file, which is not cut. With no bytes, it guards nothing
 * while the mapping is moved. */
void neap_os_file_guard_move(struct neap_os_file_guard *guard, const void *start, size_t bytes);

/* Call it before the mapping goes. NULL is allowed. */
void neap_os_file_guard_remove(struct neap_os_file_guard *guard);

/* Whether bytes of the mapping that some call touched were not in the file any more: it read zeros, and
 * what it wrote there is lost. Asked after the access. `guard` may be NULL. */
static inline bool neap_os_file_guard_is_cut(const struct neap_os_file_guard *guard) {
#ifndef __SANITIZE_THREAD__                    /* which knows no fences */
    atomic_thread_fence(memory_order_acquire); /* another thread may have met the loss */
#endif
    return guard && atomic_load_explicit(&guard->cut, memory_order_relaxed);
}

#endif
