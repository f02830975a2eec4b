/* What the misuse programs share. Each misuses memory in one way, in a heap of the mode that its
 * argument names. It says "misused" just before, so that a death before its time is seen. Its first
 * comments say what each mode makes of it, in the words of test_misuse.py.
 *
 * With MISUSE_MALLOC defined, the programs use malloc instead of a heap, so that the same misuse can
 * be tried on other allocators (bench/misuse.py).
 */
#ifndef MISUSE_H
#define MISUSE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef MISUSE_MALLOC

#include <malloc.h>

enum { NEAP_HEAP_SHARED, NEAP_HEAP_CHECKED, NEAP_HEAP_HARDENED };
typedef int neap_heap_t;

#define neap_heap_alloc(heap, bytes)          ((void)(heap), malloc(bytes))
#define neap_heap_calloc(heap, count, bytes)  ((void)(heap), calloc(count, bytes))
#define neap_heap_realloc(heap, block, bytes) ((void)(heap), realloc(block, bytes))
#define neap_heap_free(heap, block)           ((void)(heap), free(block))
#define neap_heap_usable_bytes(heap, block)   ((void)(heap), malloc_usable_size(block))
#define neap_heap_trim(heap)                  ((void)(heap), malloc_trim(0))
#define neap_heap_destroy(heap)               ((void)(heap))
#define neap_heap_check(heap, why)            ((void)(heap), (void)(why), 1)

#else
#include <neap/heap.h>
#endif

/* The flags of the mode that the argument names. */
static inline unsigned mode(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "normal";
    return strcmp(name, "checked") == 0    ? (unsigned)NEAP_HEAP_CHECKED
           : strcmp(name, "hardened") == 0 ? (unsigned)NEAP_HEAP_HARDENED
                                           : 0;
}

static inline neap_heap_t *heap_with(unsigned flags) {
#ifdef MISUSE_MALLOC
    static neap_heap_t none;
    (void)flags;
    return &none;
#else
    struct neap_heap_options options = {.flags = flags};
    neap_heap_t *heap = neap_heap_new(&options);
    if (!heap)
        exit(2);
    return heap;
#endif
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
