/* mapping_guard.h: keeps a mapping from being changed while a thread reads it without the GIL.
 *
 *     one thread:    save() ── begin ── reads all of it, without the GIL ── end ── goes on
 *     another:         m[k] = v ── pass ── waits, without the GIL ──────────┘ changes it
 *     a third:             m[k] reads at once: both only read
 *
 * Whoever changes a mapping holds the GIL and has called neap__mapping_guard_pass since it last took it. So a
 * change never meets a reader, and the check is one load. Changes wait, as they did when a reader
 * kept the GIL; Ctrl-C ends the waiting. One reader at a time: a second save() waits for the first.
 * A child that is forked while a thread of the parent reads goes on at once.
 */
#ifndef NEAP_PYTHON_MAPPING_GUARD_H
#define NEAP_PYTHON_MAPPING_GUARD_H

#include "extension.h"

/* Zeroed at first. */
struct mapping_guard {
    PyThread_type_lock lock; /* held by the reader; waiters take it for a moment */
    int process;             /* which made the lock */
    int busy;                /* atomic: whether there is a reader */
};

/* Begins to read: waits for another reader, and lets the GIL go. NULL with an exception, and with the GIL,
 * if there is no memory or a signal handler raised one. */
PyThreadState *neap__mapping_guard_begin(struct mapping_guard *guard);

/* Ends what neap__mapping_guard_begin began, and takes the GIL again. errno stays as it is. */
void neap__mapping_guard_end(struct mapping_guard *guard, PyThreadState *thread);

/* Waits, without the GIL, until there is no reader. 0, or -1 with an exception that a signal handler raised.
 */
int neap__mapping_guard_wait(struct mapping_guard *guard);

/* Call it with the GIL before a change. As neap__mapping_guard_wait. */
static inline int neap__mapping_guard_pass(struct mapping_guard *guard) {
    return !__atomic_load_n(&guard->busy, __ATOMIC_ACQUIRE) ? 0 : neap__mapping_guard_wait(guard);
}

/* Frees what the guard holds. */
void neap__mapping_guard_clear(struct mapping_guard *guard);

#endif
