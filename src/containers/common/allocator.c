/* containers/common/allocator.c: an allocator over a heap of the caller. */
#include <neap/allocator.h>

static void *heap_alloc(void *context, size_t bytes) {
    return neap_heap_alloc(context, bytes);
}

static void *heap_realloc(void *context, void *block, size_t old_bytes, size_t bytes) {
    (void)old_bytes;
    return neap_heap_realloc(context, block, bytes);
}

static void heap_free(void *context, void *block, size_t bytes) {
    (void)bytes;
    neap_heap_free(context, block);
}

static uint64_t heap_trim(void *context) {
    return neap_heap_trim(context);
}

struct neap_allocator neap_allocator_of_heap(neap_heap_t *heap) {
    return (struct neap_allocator){heap_alloc, heap_realloc, heap_free, heap_trim, heap};
}
