/* heap/fork_watch.c */
#include "heap/fork_watch.h"

#include "os/c_library.h"

static struct {
    struct neap_os_lock lock;
    bool handlers;      /* the C library has the fork handlers */
    neap_heap_t *first; /* linked through neap_heap.watched_next */
} watched;

static void before_fork(void) {
    neap_os_lock(&watched.lock);
    for (neap_heap_t *heap = watched.first; heap; heap = heap->watched_next)
        neap__heap_fork_before(heap);
}

static void after_fork(void) {
    for (neap_heap_t *heap = watched.first; heap; heap = heap->watched_next)
        neap__heap_fork_after(heap);
    neap_os_unlock(&watched.lock);
}

int neap__fork_watch(neap_heap_t *heap) {
    neap_os_lock(&watched.lock);
    if (!watched.handlers)
        watched.handlers = neap_os_fork_handlers(before_fork, after_fork, after_fork) == NEAP_OK;
    bool can = watched.handlers;
    if (can) {
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
