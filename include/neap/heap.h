/* neap/heap.h: a heap whose resident memory follows its live blocks.
 *
 * A heap is an object. It serves blocks of any size, gives back to the system
 * each page that no live block touches, and is destroyed at once with all its
 * blocks. Nothing of its bookkeeping lies in the pages it hands out.
 *
 *     neap_heap_t *heap = neap_heap_new(NULL);
 *     char *text = neap_heap_alloc(heap, 100);
 *     text = neap_heap_realloc(heap, text, 200);
 *     neap_heap_free(heap, text);
 *     neap_heap_destroy(heap);
 *
 * Threads: a heap belongs to one owner at a time. With NEAP_HEAP_SHARED any
 * thread may call any function at any time. Without it, only the owner may,
 * except where a function says otherwise.
 */
#ifndef NEAP_HEAP_H
#define NEAP_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct neap_heap neap_heap_t;

enum neap_heap_flag {
    NEAP_HEAP_SHARED = 1u << 0, /* any thread may call; every call takes a lock */
    NEAP_HEAP_CHECKED = 1u << 1 /* find misuse: red zones, fill patterns, quarantine */
};

/* How a heap is to be. Zero in a member means the default named beside it. */
struct neap_heap_options {
    unsigned flags;         /* enum neap_heap_flag, or-ed */
    uint64_t reserve_bytes; /* address space taken at the start; 4 x memory, less under RLIMIT_AS */
    uint64_t limit_bytes;   /* resident bytes beyond which allocation fails; the control group's limit */
    uint32_t page_bytes;    /* step of giving back: a power of two, a multiple of the system's page */
    uint32_t decay_ms;      /* how long a free page is kept for the next demand; 100 */
};

/* What a heap holds. All in bytes unless the name says otherwise.
 * resident = live + cached + free + dirty; live counts whole blocks,
 * after rounding to the size class. */
struct neap_heap_stats {
    uint64_t live_bytes;      /* blocks in use */
    uint64_t cached_bytes;    /* free blocks in the magazines of the fast path */
    uint64_t free_bytes;      /* free, on pages that also hold a live or cached block */
    uint64_t dirty_bytes;     /* whole free pages still in memory */
    uint64_t clean_bytes;     /* whole free pages given back, or never touched, below the top */
    uint64_t resident_bytes;  /* pages that the heap believes to be in memory */
    uint64_t peak_bytes;      /* the most resident_bytes has been */
    uint64_t reserved_bytes;  /* address space held */
    uint64_t metadata_bytes;  /* touched bookkeeping, not part of resident_bytes; estimate */
    uint64_t live_blocks;     /* count */
    uint64_t purged_bytes;    /* given back since the heap was made, all told */
    uint64_t refaulted_bytes; /* of these, taken again later */
    uint64_t purges;          /* count of purging passes that gave anything back */
    uint64_t purge_ns;        /* time spent in them */
    uint32_t slabs;           /* count */
    uint32_t runs;            /* count */
    uint32_t regions;         /* count */
    uint32_t pins;            /* slabs filled to less than 1/8: what a few live blocks hold */
};

/* Makes a heap. `options` may be NULL for all defaults and is not kept.
 * Returns NULL if the system refuses address space or an option is out of
 * range. The caller owns the heap and ends it with neap_heap_destroy. */
neap_heap_t *neap_heap_new(const struct neap_heap_options *options);

/* Ends a heap and every block in it. NULL is allowed. No other call on the
 * heap may be under way. */
void neap_heap_destroy(neap_heap_t *heap);

/* A block of at least `bytes`, aligned to 16, contents undefined. Zero bytes
 * is a valid size and gives a unique block. NULL if memory or a limit is
 * reached; the heap is then as before. The caller owns the block. */
void *neap_heap_alloc(neap_heap_t *heap, size_t bytes);

/* A block of count * bytes, all zero; NULL also if the product overflows. */
void *neap_heap_calloc(neap_heap_t *heap, size_t count, size_t bytes);

/* Makes `block` at least `bytes` long, moving it where it must; contents are
 * kept up to the shorter length. NULL for `block` allocates. Zero bytes keeps
 * a unique block. On failure NULL, and `block` is as before. */
void *neap_heap_realloc(neap_heap_t *heap, void *block, size_t bytes);

/* Ends a block of this heap. NULL is allowed. A pointer that is not the
 * start of a live block ends the process with one line where it is seen
 * (always with NEAP_HEAP_CHECKED). */
void neap_heap_free(neap_heap_t *heap, void *block);

/* Whether `pointer` lies in this heap's address space. Never touches it. */
bool neap_heap_owns(const neap_heap_t *heap, const void *pointer);

/* Usable length in bytes of a live block of this heap; at least what was asked. */
size_t neap_heap_usable_bytes(neap_heap_t *heap, const void *block);

/* Gives back now every page without a live block, whatever its age; empties
 * the magazines first. Returns the bytes given back. */
uint64_t neap_heap_trim(neap_heap_t *heap);

/* One step of purging: gives back the pages that were free for longer than the
 * decay. Returns the milliseconds until a further step is worth while, 0 if
 * nothing waits. Any thread may call it, if the heap is NEAP_HEAP_SHARED. */
uint32_t neap_heap_purge(neap_heap_t *heap);

/* Fills `stats`. Costs a walk over all slabs (about 50 ns each). */
void neap_heap_stats(neap_heap_t *heap, struct neap_heap_stats *stats);

/* Verifies every invariant of the data model. False at the first that does
 * not hold, with a static text in *why. Costs a walk over all slabs. */
bool neap_heap_check(neap_heap_t *heap, const char **why);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
