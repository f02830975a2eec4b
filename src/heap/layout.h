/* heap/layout.h: the data model of a heap, as a published format.
 *
 * Everything here is plain fixed-width data that another process may read and
 * interpret (module `inspect`), for every build of Neap, 32-bit ones included.
 *
 *   anchor --> heap --> class[]       size classes, with the magazine's fill
 *                  \--> region[]      address space, dealt out in units of 16 pages
 *                  \--> mapped run[]  blocks of a mebibyte and more, a mapping each
 *
 *   region:  base .---------.---------.---------.---------.- - - - - -.
 *                 | unit 0  | unit 1  | unit 2    unit 3  |  (beyond   |
 *                 | a slab  | free    | a run, 2 units    |   the top) |
 *                 '---------'---------'-------------------'- - - - - -'
 *   units:   one struct neap_layout_unit each, out of line, zero = free and clean
 *   slab:    groups of whole pages, each cut into `group_blocks` blocks of one
 *            class; a block straddles pages only inside its group
 *
 * Invariants: used == count of bits set in the unit's bitmap; a page not in
 * `resident` holds no used block; no unit at or above the top was ever used.
 * A block in a magazine counts as used; class.cached says how many there are.
 */
#ifndef NEAP_HEAP_LAYOUT_H
#define NEAP_HEAP_LAYOUT_H

#include <stdint.h>

#define NEAP_LAYOUT_MAGIC   "neap-heap-anchor" /* 16 bytes, no terminator */
#define NEAP_LAYOUT_VERSION 2u

enum {
    NEAP_LAYOUT_UNIT_PAGES = 16,   /* pages in a unit */
    NEAP_LAYOUT_CLASSES_MAX = 96,  /* size classes; class 0 is none */
    NEAP_LAYOUT_REGIONS_MAX = 256, /* regions of one heap */
    NEAP_LAYOUT_MAPPED_MAX =
        4096,                  /* mapped runs of one heap: a sixteenth of the mappings a process may have */
    NEAP_LAYOUT_EVENTS = 64,   /* purges remembered */
    NEAP_LAYOUT_WORDS_MIN = 32 /* 64-bit words in a unit's bitmap, at least */
};

enum neap_layout_kind { /* of a unit */
                        NEAP_UNIT_FREE = 0,
                        NEAP_UNIT_SLAB = 1,
                        NEAP_UNIT_RUN = 2,      /* first unit of a run */
                        NEAP_UNIT_RUN_TAIL = 3, /* a further one; run_units counts back to the first */
};

enum neap_layout_unit_flag {
    NEAP_UNIT_QUEUED = 1u << 0, /* the purger has it to look at */
    NEAP_UNIT_TAKEN = 1u << 1,  /* blocks were taken from it since the purger's last look */
    NEAP_UNIT_AVOID = 1u << 2,  /* no new blocks are to come from it */
    NEAP_UNIT_RANKED = 1u << 4, /* it is in its class's ranking: has free blocks to give */
};

struct neap_layout_unit {
    uint8_t kind;                              /* enum neap_layout_kind */
    uint8_t class_index;                       /* slab: its size class */
    uint8_t level;                             /* slab: eighths of fill, rounded down, for the ranking */
    uint8_t flags;                             /* enum neap_layout_unit_flag, or-ed */
    uint16_t used;                             /* slab: blocks handed out, those in a magazine included */
    uint16_t resident;                         /* bit a page: may be in memory */
    uint16_t idle;                             /* bit a page: in memory and free at the purger's last look */
    uint16_t purged;                           /* bit a page: was given back; taking it again is a refault */
    uint32_t idle_ms;                          /* heap time of that look */
    uint32_t purged_ms;                        /* heap time of the unit's last purge */
    uint32_t run_units;                        /* run: units in all; run tail: units back to the first */
    uint32_t run_pages;                        /* run: pages that the block covers */
    uint32_t rank_child, rank_next, rank_prev; /* ids in the class's ranking; 0 none */
    uint32_t reserved[4];
    uint64_t bitmap[NEAP_LAYOUT_WORDS_MIN]; /* slab: bit a block, set = used; region.unit_stride
                                               tells the true length where pages are large */
};

/* A unit's id: region number << 24 | index + 1; 0 is no unit. */
enum { NEAP_LAYOUT_ID_SHIFT = 24 };

struct neap_layout_region {
    uint64_t base;        /* address of unit 0 */
    uint64_t units;       /* address of the unit structs */
    uint64_t class_map;   /* address of one byte a unit: slab's class, else 0 */
    uint32_t unit_count;  /* units in the reserved range */
    uint32_t top;         /* units ever used: [0, top) */
    uint32_t committed;   /* units that are readable and writable: [0, committed) */
    uint32_t unit_stride; /* bytes from one unit struct to the next */
};

/* A mapped run. Those of a heap are sorted by address.
 *
 *   address |<--- run_bytes ---->|                        |
 *           |<--- touched_bytes, may be in memory -->|    |
 *           |<--- mapped_bytes -------------------------->|   */
struct neap_layout_mapped_run {
    uint64_t address;
    uint64_t mapped_bytes;
    uint64_t touched_bytes;
    uint64_t run_bytes; /* of the live block; 0: free, kept for the next demand */
    uint32_t spare_ms;  /* heap time since when what is touched behind run_bytes is spare */
    uint32_t reserved;
};

struct neap_layout_class {
    uint32_t block_bytes;  /* size of a block */
    uint32_t group_shift;  /* log2 of a group's bytes: 2^n pages */
    uint32_t group_blocks; /* blocks in a group */
    uint32_t slab_blocks;  /* blocks in a slab */
    uint32_t cached;       /* free blocks in magazines when the owner last took a slow path */
    uint32_t slabs;        /* slabs of the class */
    uint32_t root;         /* id of the unit to take blocks from next; 0 none */
    uint32_t reserved;
};

enum neap_layout_purge_cause {
    NEAP_PURGE_DECAY = 0,      /* free for longer than the decay */
    NEAP_PURGE_IDLE = 1,       /* the process does nothing */
    NEAP_PURGE_TRIM = 2,       /* asked for */
    NEAP_PURGE_FORK = 3,       /* before a fork */
    NEAP_PURGE_LIMIT = 4,      /* memory or a limit was reached */
    NEAP_PURGE_HIGH_WATER = 5, /* the heap was about to be larger than ever */
};

struct neap_layout_event {
    uint64_t at_ms;   /* heap time, since the heap was made */
    uint64_t bytes;   /* given back */
    uint32_t ranges;  /* stretches of pages */
    uint32_t cause;   /* enum neap_layout_purge_cause */
    uint64_t took_ns; /* time in the system call */
};

struct neap_layout_heap {
    uint32_t page_bytes, unit_bytes;
    uint32_t class_count;  /* classes[1 .. class_count - 1] are in use */
    uint32_t region_count; /* regions[0 .. region_count - 1]; unit_count 0 = given back */
    uint32_t flags;        /* enum neap_heap_flag */
    uint32_t decay_ms;     /* in force now: grows while given-back pages bounce */
    uint64_t started_ns;   /* monotonic clock when the heap was made */
    uint64_t resident_pages, peak_pages;
    uint64_t run_bytes, runs; /* live */
    uint64_t purged_pages, refaulted_pages, purges, purge_ns;
    uint64_t event_count; /* events all told; the last are events[(event_count - 1) % EVENTS] and back */
    struct neap_layout_event events[NEAP_LAYOUT_EVENTS];
    struct neap_layout_class classes[NEAP_LAYOUT_CLASSES_MAX];
    struct neap_layout_region regions[NEAP_LAYOUT_REGIONS_MAX];
    uint64_t mapped;       /* address of the mapped runs; 0: there never was one */
    uint32_t mapped_count; /* how many there are, free ones included */
    uint32_t mapped_max;   /* how many there may be */
    uint64_t mapped_reserved;
};

enum neap_layout_state {
    NEAP_STATE_ABSENT = 0,  /* the library is loaded, no Python has been seen */
    NEAP_STATE_SERVING = 1, /* the heap serves CPython */
    NEAP_STATE_REFUSED = 2, /* Python is there and Neap does not serve it: reason tells */
};

enum neap_layout_helper {                          /* the purging thread, which answers requests */
                          NEAP_HELPER_NOT_YET = 0, /* none: there has not been enough to purge */
                          NEAP_HELPER_RUNS = 1,    /* awake or asleep */
                          NEAP_HELPER_NEVER = 2, /* none, by NEAP_HELPER=0 or because none could be started */
};

/* Lies in the preloaded library's data, aligned to 16: found by its magic in the
 * library's writable mapping. */
struct neap_layout_anchor {
    char magic[16];
    uint32_t version;
    uint32_t anchor_bytes, heap_bytes, region_bytes, unit_bytes, class_bytes, event_bytes;
    uint32_t pointer_bytes;
    uint32_t state; /* enum neap_layout_state */
    uint32_t pid;   /* of the process that wrote this; a forked child rewrites it */
    char reason[128];
    char library[256];           /* path of the library: the first page of its file is the wakeup page */
    uint64_t heap;               /* address of struct neap_layout_heap, 0 if none */
    uint32_t trim_asked;         /* written from outside: a number other than trim_done */
    uint32_t trim_done;          /* the last number answered */
    uint64_t trim_bytes;         /* given back by it, libc's share included */
    uint64_t libc_trimmed_bytes; /* given back by libc on Neap's asking, estimated, all told */
    uint32_t helper;             /* enum neap_layout_helper */
    uint32_t mapped_run_bytes;   /* size of a struct neap_layout_mapped_run */
    uint64_t reserved[3];
};

#endif
