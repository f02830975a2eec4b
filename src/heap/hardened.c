/* heap/hardened.c */
#include "heap/hardened.h"

#include <assert.h>
#include <string.h>

#include "heap/slab.h"
#include "os/memory.h"
#include "os/random.h"

enum {
    SMALL_BYTES_MAX = 512, /* blocks up to this size wait in the large part of the quarantine */
    SMALL_SLOTS = 64,
    SLOTS = SMALL_SLOTS + 16, /* so at most 32 KiB and 512 KiB wait */
    RANDOM_BYTES = 1024,      /* drawn from the system at once */
    FENCES_MAX = 8192,        /* two mappings each: a quarter of what a process may have by default */
    WIPE_BYTES_MAX = 1 << 17  /* longer runs are given back, which costs less than to write zeros */
};

/* A freed block that waits; NULL: the slot is empty. */
struct slot {
    void *block;
    uint32_t class_index;
};

struct neap__hardened {
    struct slot slots[SLOTS];
    uint32_t waiting[NEAP_LAYOUT_CLASSES_MAX]; /* blocks of each class in the slots */
    uint32_t fences;
    uint32_t random_left;
    unsigned char random[RANDOM_BYTES];
};

static size_t hardened_bytes(void) {
    return neap_word_round_up_size(sizeof(struct neap__hardened), neap_os_page_bytes());
}

int neap__hardened_start(neap_heap_t *heap) {
    void *memory;
    int error = neap_os_map(hardened_bytes(), &memory);
    if (error == NEAP_OK)
        heap->hardened = memory;
    return error;
}

void neap__hardened_end(neap_heap_t *heap) {
    if (!heap->hardened)
        return;
    neap_os_release(heap->hardened, hardened_bytes());
    heap->hardened = NULL;
}

/* --- chance --- */

static uint32_t random_byte(struct neap__hardened *h) {
    if (h->random_left == 0) {
        neap_os_random_fill(h->random, RANDOM_BYTES);
        h->random_left = RANDOM_BYTES;
    }
    return h->random[--h->random_left];
}

uint32_t neap__hardened_random(neap_heap_t *heap, uint32_t below) {
    assert(below >= 1 && below <= 256);
    /* Of 65,536 equally probable values, a number gets at most one more than another. */
    uint32_t wide = random_byte(heap->hardened) << 8 | random_byte(heap->hardened);
    return wide * below >> 16;
}

void neap__hardened_reseed(neap_heap_t *heap) {
    if (!heap->hardened)
        return;
    memset(heap->hardened->random, 0, RANDOM_BYTES);
    heap->hardened->random_left = 0;
}

void neap__hardened_rotate(neap_heap_t *heap, void **blocks, uint32_t count) {
    void *before[256];
    if (count < 2 || count > 256)
        return;
    uint32_t first = neap__hardened_random(heap, count);
    memcpy(before, blocks, first * sizeof(*blocks));
    memmove(blocks, blocks + first, (count - first) * sizeof(*blocks));
    memcpy(blocks + count - first, before, first * sizeof(*blocks));
}

/* --- blocks of slabs --- */

/* A block of a slab, found. */
struct found {
    const struct neap__size_class *class;
    uint64_t *word; /* of the second bitmap, */
    uint64_t bit;   /* and in it */
    bool starts;    /* a block starts where asked */
};

__attribute__((always_inline)) static inline struct found find(const neap_heap_t *heap,
                                                               struct neap__place place, const void *block) {
    neap__unit_t *unit = neap__place_unit(heap, place);
    uint32_t index;
    bool starts = neap__slab_locate(heap, place, block, &index);
    return (struct found){&heap->classes[unit->class_index],
                          starts ? &neap__hardened_bits(heap, unit)[index / 64] : NULL,
                          UINT64_C(1) << (index % 64), starts};
}

/* A block has whole multiples of 16 bytes. */
static size_t first_changed(const unsigned char *block, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 16) {
        uint64_t words[2];
        memcpy(words, block + i, sizeof(words));
        if (NEAP_LIKELY((words[0] | words[1]) == 0))
            continue;
        while (block[i] == 0)
            i++;
        return i;
    }
    return bytes;
}

void neap__hardened_hand_out(neap_heap_t *heap, struct neap__place place, void *block) {
    struct found f = find(heap, place, block);
    assert(f.starts && (*f.word & f.bit) == 0);
    size_t changed = first_changed(block, f.class->block_bytes);
    if (NEAP_UNLIKELY(changed < f.class->block_bytes))
        neap__heap_die("write after free of block %p (size class %u): byte %zu changed", block,
                       f.class->block_bytes, changed);
    *f.word |= f.bit;
}

bool neap__hardened_live(const neap_heap_t *heap, struct neap__place place, const void *block) {
    struct found f = find(heap, place, block);
    return f.starts && *f.word & f.bit;
}

/* A random slot of those in which blocks of `bytes` wait. */
static struct slot *random_slot(neap_heap_t *heap, size_t bytes) {
    struct slot *slots = heap->hardened->slots;
    return bytes <= SMALL_BYTES_MAX
               ? &slots[random_byte(heap->hardened) % SMALL_SLOTS]
               : &slots[SMALL_SLOTS + random_byte(heap->hardened) % (SLOTS - SMALL_SLOTS)];
}

void *neap__hardened_take_back(neap_heap_t *heap, struct neap__place place, void *block,
                               uint32_t *class_index) {
    struct found f = find(heap, place, block);
    if (NEAP_UNLIKELY(!f.starts || (*f.word & f.bit) == 0))
        neap__slab_die_of(heap, place, block);
    *f.word &= ~f.bit;
    memset(block, 0, f.class->block_bytes);
    struct slot *slot = random_slot(heap, f.class->block_bytes), before = *slot;
    *slot = (struct slot){block, neap__place_unit(heap, place)->class_index};
    heap->hardened->waiting[slot->class_index]++;
    if (!before.block)
        return NULL;
    heap->hardened->waiting[before.class_index]--;
    *class_index = before.class_index;
    return before.block;
}

void neap__hardened_empty(neap_heap_t *heap) {
    for (uint32_t i = 0; heap->hardened && i < SLOTS; i++) {
        struct slot *slot = &heap->hardened->slots[i];
        if (slot->block)
            neap__slab_put(heap, slot->class_index, &slot->block, 1);
        *slot = (struct slot){0};
    }
    if (heap->hardened)
        memset(heap->hardened->waiting, 0, sizeof(heap->hardened->waiting));
}

uint32_t neap__hardened_waiting(const neap_heap_t *heap, uint32_t class_index) {
    return heap->hardened ? heap->hardened->waiting[class_index] : 0;
}

/* --- runs --- */

static size_t page_of(const neap_heap_t *heap) {
    return (size_t)1 << heap->page_shift;
}

size_t neap__hardened_fence_bytes(const neap_heap_t *heap) {
    return heap->hardened && heap->hardened->fences < FENCES_MAX ? page_of(heap) : 0;
}

bool neap__hardened_fence(neap_heap_t *heap, void *run, size_t bytes) {
    if (neap_os_forbid((unsigned char *)run + bytes - page_of(heap), page_of(heap)) != NEAP_OK)
        return false;
    heap->hardened->fences++;
    return true;
}

bool neap__hardened_unfence(neap_heap_t *heap, void *run, size_t bytes) {
    if (neap_os_commit((unsigned char *)run + bytes - page_of(heap), page_of(heap)) != NEAP_OK)
        return false;
    heap->hardened->fences--;
    return true;
}

void neap__hardened_wipe(void *run, size_t bytes) {
    if (bytes <= WIPE_BYTES_MAX)
        memset(run, 0, bytes);
    else
        neap_os_purge(&(struct neap_os_range){run, bytes}, 1);
}
