/* heap/thread_cache.h: the magazines that one thread has for one shared heap.
 *
 *   thread 1                                        heap 5
 *     entries: | 5, cache | 7, cache | - | - |        caches --> cache of thread 2 --> cache of thread 1
 *                  |
 *                  '--> magazine[class] <-- take, put (lock of the heap) --> slabs
 *
 * A cache serves blocks of up to NEAP_OWN_BYTES_MAX bytes. Only its thread touches its magazines, so pop and
 * push need no lock. They begin small and grow while the thread uses them, until NEAP_CACHE_BYTES_MAX
 * bytes of blocks may lie in them. A thread that does little keeps little.
 *
 * A thread finds its cache by the number of the heap, which no other heap ever has. So the entry of a heap
 * that has ended matches none. A thread without a cache for a heap uses the inner magazines: it
 * uses more heaps than it has entries, the system refused memory, or the thread is about to end.
 *
 * When a thread ends, its blocks go back to the slabs of the heaps that still live. After a fork the child
 * has the forking thread only. The caches of the others end there. The blocks in them stay unused for ever:
 * the fork may have copied a cache and what the program knows of its blocks at different moments, so that a
 * block in it may be one in use.
 *
 * Lock order: that of the list of shared heaps (heap/fork_watch.h), then the heap's. The helper thread of
 * module hook, which is waited for with the list's lock held, takes and frees no block.
 */
#ifndef NEAP_HEAP_THREAD_CACHE_H
#define NEAP_HEAP_THREAD_CACHE_H

#include "heap/model.h"

enum {
    NEAP_CACHE_HEAPS = 4,              /* heaps that a thread has caches for */
    NEAP_CACHE_BYTES_MAX = 128 * 1024, /* of blocks that may lie in one cache */
    NEAP_CACHE_PAUSE = 256 /* slow paths after which a cache that could not be made is tried again */
};

struct neap__thread_cache {
    struct neap__magazine of_class[NEAP_OWN_CLASSES];
    void **bottom[NEAP_OWN_CLASSES];
    uint16_t told[NEAP_OWN_CLASSES]; /* blocks in each, as counted in heap->cache_blocks */
    uint32_t epoch;                  /* the heap's when this cache was last empty, or new */
    uint32_t room_bytes;             /* by which the magazines together may still grow */
    struct neap__thread_cache *next; /* in the list of the heap */
};

/* What a thread knows of its caches. */
struct neap__thread_caches {
    struct {
        uint64_t number;                  /* heap->cache_number; 0 = the entry is free */
        struct neap__thread_cache *cache; /* NULL if it is free, so that a heap without caches finds none */
    } entries[NEAP_CACHE_HEAPS];
    uint32_t pause; /* slow paths until a cache is tried to be made again */
    bool ended;     /* the thread ends: it gets no cache any more */
};

extern __thread struct neap__thread_caches neap__thread_caches __attribute__((tls_model("initial-exec")));

/* This thread's cache for the heap, or NULL. Needs no lock. */
static inline struct neap__thread_cache *neap__thread_cache_find(const neap_heap_t *heap) {
    for (int i = 0; i < NEAP_CACHE_HEAPS; i++) {
        if (NEAP_LIKELY(neap__thread_caches.entries[i].number == heap->cache_number))
            return neap__thread_caches.entries[i].cache;
    }
    return NULL;
}

/* The top is stored atomically, because others count the blocks while the thread uses them. */
static inline void neap__thread_cache_set_top(struct neap__magazine *m, void **top) {
    __atomic_store_n(&m->top, top, __ATOMIC_RELAXED);
}

/* Takes a block without the lock; NULL if the magazine is empty. */
static inline void *neap__thread_cache_pop(struct neap__thread_cache *cache, uint32_t class_index) {
    struct neap__magazine *m = &cache->of_class[class_index];
    void **top = m->top, *block = *top;
    if (NEAP_LIKELY(block))
        neap__thread_cache_set_top(m, top - 1);
    return block;
}

/* Frees a block without the lock; false if the magazine is full. */
static inline bool neap__thread_cache_push(struct neap__thread_cache *cache, uint32_t class_index,
                                           void *block) {
    struct neap__magazine *m = &cache->of_class[class_index];
    void **top = m->top;
    if (NEAP_UNLIKELY(top == m->full))
        return false;
    top[1] = block;
    neap__thread_cache_set_top(m, top + 1);
    return true;
}

/* Lets the threads of a heap that becomes shared have caches, if the C library tells of their ends. The heap
 * is in the list of shared heaps. */
void neap__thread_cache_start(neap_heap_t *heap);

/* Releases all caches of a heap that ends, which is in the list no longer. */
void neap__thread_cache_end(neap_heap_t *heap);

/* This thread's cache for the heap; makes it if need be. NULL if the inner magazines must serve. The caller
 * holds no lock. */
struct neap__thread_cache *neap__thread_cache_get(neap_heap_t *heap);

/* --- under the heap's lock --- */

/* Takes a block from the magazine, which is first filled up to half from the slabs if it is empty. NULL if no
 * slab has a free block and a new one cannot be made. */
void *neap__thread_cache_take(neap_heap_t *heap, struct neap__thread_cache *cache, uint32_t class_index);

/* Frees a block into the magazine. If it is full, the older half of its blocks first goes back to the slabs.
 */
void neap__thread_cache_put(neap_heap_t *heap, struct neap__thread_cache *cache, uint32_t class_index,
                            void *block);

/* Returns the blocks of this thread's cache to their slabs, if it has one. */
void neap__thread_cache_empty(neap_heap_t *heap);

/* Number of blocks of a class in the caches of all threads. */
uint32_t neap__thread_cache_blocks(const neap_heap_t *heap, uint32_t class_index);

/* Bytes of address space that the caches of the heap take. */
size_t neap__thread_cache_bytes(const neap_heap_t *heap);

/* In a forked child: ends the caches of all other threads, and leaves the blocks in them alone. */
void neap__thread_cache_forked(neap_heap_t *heap);

#endif
