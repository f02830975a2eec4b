/* What the misuse programs share. Each misuses memory in one way and must end
 * by abort() with exactly the line that its first comment names; it says
 * "misused" just before, so that a death before its time is seen. */
#ifndef MISUSE_H
#define MISUSE_H

#include <neap/heap.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline neap_heap_t *heap_with(unsigned flags) {
    struct neap_heap_options options = {.flags = flags};
    neap_heap_t *heap = neap_heap_new(&options);
    if (!heap)
        exit(2);
    return heap;
}

/* A block with neighbours: a heap with one block is a special case. */
static inline char *block_of(neap_heap_t *heap, size_t bytes) {
    char *before = neap_heap_alloc(heap, bytes);
    char *block = neap_heap_alloc(heap, bytes);
    char *after = neap_heap_alloc(heap, bytes);
    if (!before || !block || !after)
        exit(2);
    memset(before, 'b', bytes);
    memset(block, 'x', bytes);
    memset(after, 'a', bytes);
    return block;
}

/* Keeps the compiler from knowing what a pointer is, and from complaining. */
static inline void *hidden(void *pointer) {
    void *volatile same = pointer;
    return same;
}

static inline void misused(void) {
    puts("misused");
    fflush(stdout);
}

#endif
