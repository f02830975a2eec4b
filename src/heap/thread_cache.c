/* heap/thread_cache.c: makes, fills, empties and ends the caches. */
#include "heap/thread_cache.h"

#include <pthread.h>
#include <string.h>

#include "heap/fork_watch.h"
#include "heap/magazine.h"
#include "heap/slab.h"
#include "os/memory.h"

enum {
    BLOCKS_MAX = 128,    /* most blocks in a magazine */
    BLOCKS_BYTES = 8192, /* most bytes in the blocks of a magazine */
    BLOCKS_FIRST = 8     /* blocks that a magazine has room for at first */
};

__thread struct neap__thread_caches neap__thread_caches __attribute__((tls_model("initial-exec")));

/* Tells of the end of a thread that has caches. Guarded by the lock of the list of shared heaps. */
static struct {
    pthread_key_t key;
    bool made;
} thread_end;

/* --- the magazines --- */

static uint32_t capacity(uint32_t class_index) {
    uint32_t blocks = BLOCKS_BYTES / neap__size_class_bytes(class_index);
    return blocks > BLOCKS_MAX ? BLOCKS_MAX : blocks;
}

static size_t stacks_bytes(void) {
    size_t words = 0;
    for (uint32_t i = 1; i < NEAP_OWN_CLASSES; i++)
        words += 1 + capacity(i);
    return words * sizeof(void *);
}

static size_t cache_bytes(void) {
    return neap_word_round_up_size(sizeof(struct neap__thread_cache) + stacks_bytes(), neap_os_page_bytes());
}

/* Blocks that the magazine has room for now. */
static uint32_t room_of(const struct neap__thread_cache *cache, uint32_t class_index) {
    return (uint32_t)(cache->of_class[class_index].full + 1 - cache->bottom[class_index]);
}

static uint32_t count_of(const struct neap__thread_cache *cache, uint32_t class_index) {
    void **top = __atomic_load_n(&cache->of_class[class_index].top, __ATOMIC_RELAXED);
    return (uint32_t)(top + 1 - cache->bottom[class_index]);
}

/* Gives empty magazines the room that they have at first. */
static void begin_small(struct neap__thread_cache *cache) {
    cache->room_bytes = NEAP_CACHE_BYTES_MAX;
    for (uint32_t i = 1; i < NEAP_OWN_CLASSES; i++) {
        cache->of_class[i].full = cache->bottom[i] - 1 + BLOCKS_FIRST;
        cache->room_bytes -= BLOCKS_FIRST * neap__size_class_bytes(i);
    }
}

/* Doubles the room of a magazine that is often empty or full, as far as it may grow. */
static void grow(struct neap__thread_cache *cache, uint32_t class_index) {
    uint32_t room = room_of(cache, class_index), left = capacity(class_index) - room;
    uint32_t more = left < room ? left : room, bytes = more * neap__size_class_bytes(class_index);
    if (bytes <= cache->room_bytes) {
        cache->of_class[class_index].full += more;
        cache->room_bytes -= bytes;
    }
}

/* Tells the heap how many blocks lie in the magazine. */
static void tell(neap_heap_t *heap, struct neap__thread_cache *cache, uint32_t class_index) {
    uint32_t count = count_of(cache, class_index);
    heap->cache_blocks[class_index] += count - cache->told[class_index];
    cache->told[class_index] = (uint16_t)count;
    neap__magazine_publish(heap, class_index);
}

/* Returns the oldest `count` blocks to their slabs. */
static void put_oldest(neap_heap_t *heap, struct neap__thread_cache *cache, uint32_t class_index,
                       uint32_t count) {
    void **bottom = cache->bottom[class_index];
    uint32_t left = count_of(cache, class_index) - count;
    if (count > 0) {
        neap__slab_put(heap, class_index, bottom, count);
        memmove(bottom, bottom + count, left * sizeof(*bottom));
        neap__thread_cache_set_top(&cache->of_class[class_index], bottom - 1 + left);
    }
    tell(heap, cache, class_index);
}

static void empty(neap_heap_t *heap, struct neap__thread_cache *cache) {
    for (uint32_t i = 1; i < NEAP_OWN_CLASSES; i++)
        put_oldest(heap, cache, i, count_of(cache, i));
    begin_small(cache);
    cache->epoch = heap->cache_epoch;
}

static void heed_epoch(neap_heap_t *heap, struct neap__thread_cache *cache) {
    if (NEAP_UNLIKELY(cache->epoch != heap->cache_epoch))
        empty(heap, cache);
}

void *neap__thread_cache_take(neap_heap_t *heap, struct neap__thread_cache *cache, uint32_t class_index) {
    void *taken[BLOCKS_MAX];
    heed_epoch(heap, cache);
    void *block = neap__thread_cache_pop(cache, class_index);
    if (block)
        return block;
    grow(cache, class_index);
    uint32_t count = neap__slab_take(heap, class_index, (room_of(cache, class_index) + 1) / 2, taken);
    for (uint32_t i = count; i-- > 1;) /* lowest address on top */
        neap__thread_cache_push(cache, class_index, taken[i]);
    tell(heap, cache, class_index);
    return count > 0 ? taken[0] : NULL;
}

void neap__thread_cache_put(neap_heap_t *heap, struct neap__thread_cache *cache, uint32_t class_index,
                            void *block) {
    heed_epoch(heap, cache);
    if (neap__thread_cache_push(cache, class_index, block))
        return;
    grow(cache, class_index);
    if (neap__thread_cache_push(cache, class_index, block))
        return;
    put_oldest(heap, cache, class_index, (room_of(cache, class_index) + 1) / 2);
    neap__thread_cache_push(cache, class_index, block);
}

void neap__thread_cache_empty(neap_heap_t *heap) {
    struct neap__thread_cache *cache = neap__thread_cache_find(heap);
    if (cache)
        empty(heap, cache);
}

/* --- all caches of a heap --- */

uint32_t neap__thread_cache_blocks(const neap_heap_t *heap, uint32_t class_index) {
    uint32_t blocks = 0;
    for (const struct neap__thread_cache *c = heap->caches; c && class_index < NEAP_OWN_CLASSES; c = c->next)
        blocks += count_of(c, class_index);
    return blocks;
}

size_t neap__thread_cache_bytes(const neap_heap_t *heap) {
    size_t bytes = 0;
    for (const struct neap__thread_cache *cache = heap->caches; cache; cache = cache->next)
        bytes += cache_bytes();
    return bytes;
}

static void release(struct neap__thread_cache *first) {
    while (first) {
        struct neap__thread_cache *next = first->next;
        neap_os_release(first, cache_bytes());
        first = next;
    }
}

/* Takes a cache out of the list of its heap. Lock held. */
static void unlink_from(neap_heap_t *heap, struct neap__thread_cache *cache) {
    struct neap__thread_cache **at = &heap->caches;
    while (*at != cache)
        at = &(*at)->next;
    *at = cache->next;
    cache->next = NULL;
}

void neap__thread_cache_end(neap_heap_t *heap) {
    release(heap->caches);
    heap->caches = NULL;
}

void neap__thread_cache_forked(neap_heap_t *heap) {
    struct neap__thread_cache *own = neap__thread_cache_find(heap);
    if (own)
        unlink_from(heap, own);
    struct neap__thread_cache *others = heap->caches;
    heap->caches = own;
    for (uint32_t i = 1; i < NEAP_OWN_CLASSES; i++) {
        heap->cache_blocks[i] = own ? own->told[i] : 0;
        neap__magazine_publish(heap, i);
    }
    release(others);
}

/* --- the caches of a thread --- */

/* The thread ends: its blocks go back to the heaps that still live. */
static void end_thread(void *unused) {
    (void)unused;
    struct neap__thread_caches *mine = &neap__thread_caches;
    mine->ended = true;
    neap__fork_watch_lock();
    for (int i = 0; i < NEAP_CACHE_HEAPS; i++) {
        neap_heap_t *heap = neap__fork_watched(mine->entries[i].number);
        struct neap__thread_cache *cache = mine->entries[i].cache;
        mine->entries[i].number = 0;
        mine->entries[i].cache = NULL;
        if (!heap)
            continue;
        neap__heap_enter(heap);
        empty(heap, cache);
        unlink_from(heap, cache);
        neap__heap_leave(heap);
        release(cache);
    }
    neap__fork_watch_unlock();
}

void neap__thread_cache_start(neap_heap_t *heap) {
    neap__fork_watch_lock();
    if (!thread_end.made)
        thread_end.made = pthread_key_create(&thread_end.key, end_thread) == 0;
    if (thread_end.made)
        heap->cache_number = heap->watched_number;
    neap__fork_watch_unlock();
}

/* An entry that is free, or that of a heap that has ended; NEAP_CACHE_HEAPS if there is none. */
static int free_entry(struct neap__thread_caches *mine) {
    int found = 0;
    neap__fork_watch_lock();
    while (found < NEAP_CACHE_HEAPS && neap__fork_watched(mine->entries[found].number))
        found++;
    neap__fork_watch_unlock();
    return found;
}

static struct neap__thread_cache *cache_new(neap_heap_t *heap) {
    void *memory;
    if (neap_os_map(cache_bytes(), &memory) != NEAP_OK)
        return NULL;
    struct neap__thread_cache *cache = memory;
    void **stacks = (void **)(cache + 1);
    for (uint32_t i = 1; i < NEAP_OWN_CLASSES; i++) {
        cache->bottom[i] = stacks + 1;
        cache->of_class[i].top = stacks;
        stacks += 1 + capacity(i);
    }
    begin_small(cache);
    neap_os_lock(&heap->lock);
    cache->epoch = heap->cache_epoch;
    cache->next = heap->caches;
    heap->caches = cache;
    neap_os_unlock(&heap->lock);
    return cache;
}

/* Makes a cache; NULL if there is no entry, no memory, or the end of the thread would not be told. */
static struct neap__thread_cache *make(neap_heap_t *heap, struct neap__thread_caches *mine) {
    int entry = free_entry(mine);
    if (entry == NEAP_CACHE_HEAPS || pthread_setspecific(thread_end.key, mine) != 0)
        return NULL;
    struct neap__thread_cache *cache = cache_new(heap);
    mine->entries[entry].number = cache ? heap->cache_number : 0;
    mine->entries[entry].cache = cache;
    return cache;
}

struct neap__thread_cache *neap__thread_cache_get(neap_heap_t *heap) {
    struct neap__thread_caches *mine = &neap__thread_caches;
    struct neap__thread_cache *cache = neap__thread_cache_find(heap);
    if (cache || heap->cache_number == 0 || mine->ended)
        return cache;
    if (mine->pause > 0) {
        mine->pause--;
        return NULL;
    }
    cache = make(heap, mine);
    if (!cache)
        mine->pause = NEAP_CACHE_PAUSE;
    return cache;
}
