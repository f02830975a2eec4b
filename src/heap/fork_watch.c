/* heap/fork_watch.c: the list, and what a fork does with it. */
#include "heap/fork_watch.h"

#include "os/c_library.h"

static struct {
    struct neap_os_lock lock;
    bool handlers;        /* the C library has the fork handlers */
    uint64_t last_number; /* of a heap in the list */
    neap_heap_t *first;   /* linked through neap_heap.watched_next */
} watched;

static void before_fork(void) {
    neap_os_lock(&watched.lock);
    for (neap_heap_t *heap = watched.first; heap; heap = heap->watched_next) {
        if (heap->watched_locks)
            neap__heap_fork_before(heap);
    }
}

static void after_fork(bool in_child) {
    for (neap_heap_t *heap = watched.first; heap; heap = heap->watched_next) {
        if (heap->watched_locks)
            neap__heap_fork_after(heap, in_child);
    }
    neap_os_unlock(&watched.lock);
}

static void after_fork_in_parent(void) {
    after_fork(false);
}

static void after_fork_in_child(void) {
    after_fork(true);
}

int neap__fork_watch(neap_heap_t *heap, bool locks) {
    neap_os_lock(&watched.lock);
    if (!watched.handlers)
        watched.handlers =
            neap_os_fork_handlers(before_fork, after_fork_in_parent, after_fork_in_child) == NEAP_OK;
    bool can = watched.handlers;
    if (can) {
        heap->watched_locks = locks;
        heap->watched_number = ++watched.last_number;
        heap->watched_next = watched.first;
        watched.first = heap;
    }
    neap_os_unlock(&watched.lock);
    return can ? NEAP_OK : NEAP_ERROR_MEMORY;
}

void neap__fork_forget(neap_heap_t *heap) {
    neap_os_lock(&watched.lock);
    for (neap_heap_t **at = &watched.first; *at; at = &(*at)->watched_next) {
        if (*at == heap) {
            *at = heap->watched_next;
            break;
        }
    }
    neap_os_unlock(&watched.lock);
}

void neap__fork_watch_lock(void) {
    neap_os_lock(&watched.lock);
}

void neap__fork_watch_unlock(void) {
    neap_os_unlock(&watched.lock);
}

neap_heap_t *neap__fork_watched(uint64_t number) {
    neap_heap_t *heap = watched.first;
    while (heap && heap->watched_number != number)
        heap = heap->watched_next;
    return heap;
}
