/* mapping_guard.c */
#include "mapping_guard.h"

#include <errno.h>
#include <unistd.h>

/* The lock of this process. In a forked child, the parent's may be held by a thread that does not exist here:
 * it is left as it is. */
static int renew(struct mapping_guard *guard) {
    if (guard->process == getpid())
        return 0;
    PyThread_type_lock lock = PyThread_allocate_lock();
    if (!lock) {
        PyErr_NoMemory();
        return -1;
    }
    guard->lock = lock;
    guard->process = getpid();
    guard->busy = 0;
    return 0;
}

int neap__mapping_guard_wait(struct mapping_guard *guard) {
    if (renew(guard) < 0)
        return -1;
    while (__atomic_load_n(&guard->busy, __ATOMIC_ACQUIRE)) {
        PyThreadState *thread = PyEval_SaveThread();
        PyLockStatus status = PyThread_acquire_lock_timed(guard->lock, -1, 1);
        if (status == PY_LOCK_ACQUIRED)
            PyThread_release_lock(guard->lock);
        PyEval_RestoreThread(thread);
        if (status == PY_LOCK_INTR && PyErr_CheckSignals() < 0)
            return -1;
    }
    return 0;
}

PyThreadState *neap__mapping_guard_begin(struct mapping_guard *guard) {
    if (renew(guard) < 0)
        return NULL;
    /* It is held by a reader, or for a moment by a thread that waited for one. */
    while (!PyThread_acquire_lock(guard->lock, NOWAIT_LOCK)) {
        if (neap__mapping_guard_wait(guard) < 0)
            return NULL;
    }
    __atomic_store_n(&guard->busy, 1, __ATOMIC_RELAXED); /* others see it when they have the GIL */
    return PyEval_SaveThread();
}

void neap__mapping_guard_end(struct mapping_guard *guard, PyThreadState *thread) {
    int number = errno;
    __atomic_store_n(&guard->busy, 0, __ATOMIC_RELEASE);
    PyThread_release_lock(guard->lock);
    PyEval_RestoreThread(thread);
    errno = number;
}

void neap__mapping_guard_clear(struct mapping_guard *guard) {
    if (guard->lock && guard->process == getpid())
        PyThread_free_lock(guard->lock);
    guard->lock = NULL;
}
