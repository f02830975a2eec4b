/* neap/heap.h: a heap whose resident memory follows its live blocks.
 *
 * A heap is an object. It serves blocks of any size and gives back to the system
 * every page that no live block touches. To destroy it frees all its blocks at
 * once. Its bookkeeping does not lie in the pages that it hands out.
 *
 *     neap_heap_t *heap = neap_heap_new(NULL);
 *     char *text = neap_heap_alloc(heap, 100);
 *     text = neap_heap_realloc(heap, text, 200);
 *     neap_heap_free(heap, text);
 *     neap_heap_destroy(heap);
 *
 * Threads: with NEAP_HEAP_SHARED any thread may call any function at any time. Each
 * thread then keeps a few free small blocks of its own (at most 128 KiB for each of up
 * to four heaps), which go back when it ends. Without it, a heap belongs to one owner at a time, and only the
 * owner may call, except where a function says otherwise.
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
    NEAP_HEAP_SHARED = 1u << 0,  /* any thread may call */
    NEAP_HEAP_CHECKED = 1u << 1, /* find misuse, by red zones, fill patterns and a quarantine */
    NEAP_HEAP_HARDENED = 1u << 2 /* for production: make misuse hard to exploit. Freed memory is zeroed and
                                    waits for a random time; a double or wrong free ends the process; a
                                    page without access follows large blocks. NEAP_HEAP_CHECKED includes
                                    all that this notices, and takes precedence */
};

/* Options for neap_heap_new. Zero in a member means its default, which the comment gives. */
struct neap_heap_options {
    unsigned flags;         /* enum neap_heap_flag, or-ed */
    uint64_t reserve_bytes; /* address space reserved at the start, and then in growing steps; 1 GiB,
                               less under RLIMIT_AS and in 32-bit programs */
    uint64_t limit_bytes;   /* resident bytes beyond which allocation fails; the control group's limit */
    uint32_t page_bytes;    /* the heap gives back pages of this size: a power of two up to 64 KiB, at
                               least the system's page; the system's page */
    uint32_t decay_ms;      /* how long a free page is kept for the next demand; 100 */
};

/* What a heap holds. Units are bytes unless the name or the comment says otherwise.
 * resident = live + cached + free + dirty. Live bytes count a block with the size
 * of its class. */
struct neap_heap_stats {
    uint64_t live_bytes;      /* blocks in use */
    uint64_t cached_bytes;    /* free blocks in the magazines of the fast path */
    uint64_t free_bytes;      /* free, on pages that also hold a live or cached block */
    uint64_t dirty_bytes;     /* whole free pages still in memory */
    uint64_t clean_bytes;     /* whole free pages given back, or never touched, below the top */
    uint64_t resident_bytes;  /* pages that the heap believes to be in memory */
    uint64_t meshed_bytes;    /* the part of resident_bytes that takes no memory, because pages share it */
    uint64_t peak_bytes;      /* the largest value of resident_bytes so far */
    uint64_t reserved_bytes;  /* address space held */
    uint64_t metadata_bytes;  /* touched bookkeeping, estimated; not part of resident_bytes */
    uint64_t live_blocks;     /* count */
    uint64_t purged_bytes;    /* given back since the heap was made */
    uint64_t refaulted_bytes; /* the part of purged_bytes that was taken again later */
    uint64_t purges;          /* count of purging passes that gave pages back */
    uint64_t purge_ns;        /* time spent in purging passes */
    uint32_t slabs;           /* count */
    uint32_t runs;            /* count */
    uint32_t regions;         /* count */
    uint32_t pins;            /* count of slabs filled to less than 1/8 */
};

/* Makes a heap. `options` is not kept; NULL means all defaults.
 * Returns NULL if the system refuses address space or an option is out of
 * range. The caller owns the heap and ends it with neap_heap_destroy. */
neap_heap_t *neap_heap_new(const struct neap_heap_options *options);

/* Ends a heap and every block in it. NULL is allowed. No other call on the
 * heap may be under way. */
void neap_heap_destroy(neap_heap_t *heap);

/* Returns a block of at least `bytes`, aligned to 16, contents undefined. Zero
 * bytes is a valid size and gives a unique block. Returns NULL if there is no
 * memory or a limit is reached; the heap is then as before. The caller owns the
 * block. */
void *neap_heap_alloc(neap_heap_t *heap, size_t bytes);

/* Returns a block of count * bytes, all zero; NULL also if the product overflows. */
void *neap_heap_calloc(neap_heap_t *heap, size_t count, size_t bytes);

/* Makes `block` at least `bytes` long and moves it if it must. Contents are kept
 * up to the shorter length. If `block` is NULL, it allocates. Zero bytes gives a
 * unique block. Returns NULL on failure; `block` is then as before. */
void *neap_heap_realloc(neap_heap_t *heap, void *block, size_t bytes);

/* Frees a block of this heap. NULL is allowed. If the heap notices that a pointer
 * is not the start of a live block, it ends the process with one line. It always
 * notices with NEAP_HEAP_HARDENED or NEAP_HEAP_CHECKED. */
void neap_heap_free(neap_heap_t *heap, void *block);

/* Whether `pointer` lies in this heap's address space. Does not read the memory there. */
bool neap_heap_owns(const neap_heap_t *heap, const void *pointer);

/* Usable length in bytes of a live block of this heap; at least the length asked for. */
size_t neap_heap_usable_bytes(neap_heap_t *heap, const void *block);

/* Empties the magazines and gives back every page without a live block, whatever
 * its age. Other threads of a shared heap empty theirs when they next come to the
 * slabs. Returns the bytes given back. */
uint64_t neap_heap_trim(neap_heap_t *heap);

/* One step of purging: gives back the pages that were free for longer than the
 * decay. Returns the milliseconds until a further step is worth while; 0 if no
 * page waits. Any thread may call it if the heap is NEAP_HEAP_SHARED. */
uint32_t neap_heap_purge(neap_heap_t *heap);

/* Fills `stats`. Walks over all slabs (about 50 ns each). While other threads use a
 * shared heap, live and cached blocks may be off by those that pass meanwhile. */
void neap_heap_stats(neap_heap_t *heap, struct neap_heap_stats *stats);

/* Verifies every invariant of the data model. Returns false, with a static text
 * in *why, at the first that does not hold. Walks over all slabs. */
bool neap_heap_check(neap_heap_t *heap, const char **why);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
