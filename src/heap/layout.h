/* heap/layout.h: the data model of a heap, as a published format.
 *
 * All data has fixed widths. Another process can read it (module `inspect`), whatever
 * build of Neap the heap is of, 32-bit builds included.
 *
 *   anchor --> heap --> class[]       size classes
 *                  \--> region[]      address space, dealt out in units of 16 pages
 *                  \--> mapped run[]  large blocks, each in a mapping of its own
 *
 *   region:  base .---------.---------.---------.---------.- - - - - -.
 *                 | unit 0  | unit 1  | unit 2    unit 3  |  (beyond   |
 *                 | a slab  | free    | a run, 2 units    |   the top) |
 *                 '---------'---------'-------------------'- - - - - -'
 *   units:   one struct neap_layout_unit each, in an array of its own; zero = free and clean
 *   slab:    groups of whole pages, each cut into `group_blocks` blocks of one
 *            class; a block straddles pages only inside its group
 *
 * Invariants: `used` is the number of bits set in the unit's bitmap. A page not in
 * `resident` holds no used block. `meshed` is a part of `resident`, and `mesh_copied` of `meshed`. All units
 * from the top on are free and clean.
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
        4096,                  /* mapped runs of one heap: 1/16 of the kernel's default vm.max_map_count */
    NEAP_LAYOUT_EVENTS = 64,   /* the last purges, which the heap keeps */
    NEAP_LAYOUT_WORDS_MIN = 32 /* the least number of 64-bit words in a unit's bitmap */
};

enum neap_layout_kind { /* of a unit */
                        NEAP_UNIT_FREE = 0,
                        NEAP_UNIT_SLAB = 1,
                        NEAP_UNIT_RUN = 2,      /* first unit of a run */
                        NEAP_UNIT_RUN_TAIL = 3, /* a further unit of a run */
};

enum neap_layout_unit_flag {
    NEAP_UNIT_QUEUED = 1u << 0,  /* the purger will look at it */
    NEAP_UNIT_TAKEN = 1u << 1,   /* blocks were taken from it since the purger's last look */
    NEAP_UNIT_AVOID = 1u << 2,   /* no new blocks may come from it */
    NEAP_UNIT_FENCED = 1u << 3,  /* first unit of a run: the run's last page is without access */
    NEAP_UNIT_SETTLED = 1u << 5, /* slab: no block was taken or returned since the mesher's last look */
    NEAP_UNIT_RANKED = 1u << 4,  /* it is in the ranking of its class, because it has free blocks */
};

struct neap_layout_unit {
    uint8_t kind;        /* enum neap_layout_kind */
    uint8_t class_index; /* slab: its size class */
    uint8_t level;       /* slab: eighths of fill, rounded down, for the ranking */
    uint8_t flags;       /* enum neap_layout_unit_flag, or-ed */
    uint16_t used;       /* slab: blocks handed out or in a magazine */
    uint16_t resident;   /* one bit per page: it may be in memory */
    uint16_t idle;       /* one bit per page: it was free and in memory at idle_ms */
    uint16_t purged;     /* one bit per page: the purger gave it back; not taken again */
    uint32_t idle_ms;    /* heap time when the purger noted `idle` */
    uint32_t purged_ms;  /* heap time of the unit's last purge by decay; else a time
                            too long ago for a bounce */
    uint32_t run_units;  /* run: its number of units; run tail: units back to the first */
    uint32_t run_pages;  /* run: pages that the block covers */
    uint32_t rank_child, rank_next, rank_prev; /* unit ids in the ranking of the class; 0 = none */
    uint16_t meshed;      /* one bit per page: it is mapped from a file that others share (heap/mesh.h) */
    uint16_t mesh_copied; /* one bit per meshed page: it had a copy of its own at the last look */
    uint32_t reserved[3];
    uint64_t bitmap[NEAP_LAYOUT_WORDS_MIN]; /* slab: one bit per block, set = used; longer where pages are
                                               large, as region.unit_stride tells */
};

/* A unit's id: region number << 24 | index + 1; 0 is no unit. */
enum { NEAP_LAYOUT_ID_SHIFT = 24 };

struct neap_layout_region {
    uint64_t base;        /* address of unit 0 */
    uint64_t units;       /* address of the unit structs */
    uint64_t class_map;   /* address of one byte per unit: the slab's class, or 0 */
    uint32_t unit_count;  /* units in the reserved range; 0 = no region */
    uint32_t top;         /* units from here on are free and clean; their structs are zero */
    uint32_t committed;   /* units that are readable and writable: [0, committed) */
    uint32_t unit_stride; /* bytes from one unit struct to the next */
};

/* A mapped run. The mapped runs of a heap are sorted by address.
 *
 *   address |<--- run_bytes ---->|                        |
 *           |<--- touched_bytes, may be in memory -->|    |
 *           |<--- mapped_bytes -------------------------->|   */
struct neap_layout_mapped_run {
    uint64_t address;
    uint64_t mapped_bytes;
    uint64_t touched_bytes;
    uint64_t run_bytes; /* bytes of the live block; 0 = free, kept for the next demand */
    uint32_t spare_ms;  /* heap time when run_bytes last changed: pages behind it are spare since then */
    uint32_t fenced;    /* 1: the last page of run_bytes is without access */
};

struct neap_layout_class {
    uint32_t block_bytes;  /* size of a block */
    uint32_t group_shift;  /* log2 of a group's bytes: 2^n pages */
    uint32_t group_blocks; /* blocks in a group */
    uint32_t slab_blocks;  /* blocks in a slab */
    uint32_t cached; /* free blocks in magazines when the owner, or each thread, last took a slow path */
    uint32_t slabs;  /* slabs of the class */
    uint32_t root;   /* id of the slab to take blocks from next; 0 = none */
    uint32_t reserved;
};

enum neap_layout_purge_cause {
    NEAP_PURGE_DECAY = 0,      /* free for longer than the decay */
    NEAP_PURGE_IDLE = 1,       /* the program did not use the heap for a while */
    NEAP_PURGE_TRIM = 2,       /* the program or another process asked for a trim */
    NEAP_PURGE_FORK = 3,       /* before a fork */
    NEAP_PURGE_LIMIT = 4,      /* a request failed for lack of memory or at a limit */
    NEAP_PURGE_HIGH_WATER = 5, /* the heap was about to pass its high-water mark */
};

struct neap_layout_event {
    uint64_t at_ms;   /* heap time: milliseconds since the heap was made */
    uint64_t bytes;   /* bytes given back */
    uint32_t ranges;  /* number of ranges of pages */
    uint32_t cause;   /* enum neap_layout_purge_cause */
    uint64_t took_ns; /* time in the system call */
};

enum neap_layout_mesh {
    NEAP_MESH_OFF = 0,     /* it is not wanted, or the heap is hardened or checked */
    NEAP_MESH_ON = 1,      /* the helper thread meshes what is worth it */
    NEAP_MESH_REFUSED = 2, /* mesh_refusal says why */
    NEAP_MESH_PINS = 3,    /* the kernel may write into pages by itself (os/own_pins.h); may pass */
};

struct neap_layout_heap {
    uint32_t page_bytes, unit_bytes;
    uint32_t class_count;  /* classes[1 .. class_count - 1] are in use */
    uint32_t region_count; /* regions[0 .. region_count - 1]; a region with unit_count 0 was given back */
    uint32_t flags;        /* enum neap_heap_flag, or-ed */
    uint32_t decay_ms;     /* present decay; it grows while pages bounce */
    uint64_t started_ns;   /* monotonic clock when the heap was made */
    uint64_t resident_pages, peak_pages;
    uint64_t run_bytes, runs; /* of live runs, mapped runs included */
    uint64_t purged_pages, refaulted_pages, purges, purge_ns;
    uint64_t event_count; /* events so far; the last one is events[(event_count - 1) % EVENTS] */
    struct neap_layout_event events[NEAP_LAYOUT_EVENTS];
    struct neap_layout_class classes[NEAP_LAYOUT_CLASSES_MAX];
    struct neap_layout_region regions[NEAP_LAYOUT_REGIONS_MAX];
    uint64_t mapped;       /* address of the table of mapped runs; 0 = not made yet */
    uint32_t mapped_count; /* number of mapped runs, free ones included */
    uint32_t mapped_max;   /* upper bound of mapped_count */
    uint64_t mapped_reserved;
    uint64_t meshed_pages;      /* meshed pages of units; part of resident_pages */
    uint64_t mesh_copied_pages; /* the part of them with a copy of its own at the last look */
    uint64_t mesh_file_pages;   /* pages in memory that the others share */
    uint64_t mesh_stops;        /* times that the threads of the process were stopped to mesh, */
    uint64_t mesh_stop_ns;      /* how long in all, */
    uint64_t mesh_stop_most_ns; /* and the longest */
    uint32_t mesh_refusal;      /* enum neap_os_world_refusal: why the threads cannot be stopped */
    uint32_t mesh_state;        /* enum neap_layout_mesh */
};

enum neap_layout_state {
    NEAP_STATE_ABSENT = 0,  /* the library is loaded and has seen no Python */
    NEAP_STATE_SERVING = 1, /* the heap serves CPython */
    NEAP_STATE_REFUSED = 2, /* there is a Python that Neap does not serve; `reason` says why */
};

enum neap_layout_helper {                          /* the purging thread, which answers requests */
                          NEAP_HELPER_NOT_YET = 0, /* not started: there was not enough to purge */
                          NEAP_HELPER_RUNS = 1,    /* started; it may sleep */
                          NEAP_HELPER_NEVER = 2,   /* NEAP_HELPER=0, the thread could not be started, or a
                                                      filter may forbid it */
};

/* The anchor lies in the writable data of the preloaded library, aligned to 16. A reader finds it by
 * its magic. */
struct neap_layout_anchor {
    char magic[16];
    uint32_t version;
    uint32_t anchor_bytes, heap_bytes, region_bytes, unit_bytes, class_bytes, event_bytes;
    uint32_t pointer_bytes;
    uint32_t state; /* enum neap_layout_state */
    uint32_t pid;   /* of the process; a forked child rewrites it */
    char reason[128];
    char library[256];           /* path of the library: the first page of its file is the wakeup page */
    uint64_t heap;               /* address of struct neap_layout_heap; 0 = no heap */
    uint32_t trim_asked;         /* another process asks for a trim by a number other than trim_done */
    uint32_t trim_done;          /* the number of the last trim that was done */
    uint64_t trim_bytes;         /* bytes that this trim gave back, those of libc included */
    uint64_t libc_trimmed_bytes; /* estimate of all bytes that libc gave back because Neap asked it */
    uint32_t helper;             /* enum neap_layout_helper */
    uint32_t mapped_run_bytes;   /* size of a struct neap_layout_mapped_run */
    uint64_t reserved[3];
};

/* The members of an anchor that say how its own structs are laid out, for an initialiser. */
#define NEAP_LAYOUT_ANCHOR_SIZES                                                                             \
    .version = NEAP_LAYOUT_VERSION, .anchor_bytes = sizeof(struct neap_layout_anchor),                       \
    .heap_bytes = sizeof(struct neap_layout_heap), .region_bytes = sizeof(struct neap_layout_region),        \
    .unit_bytes = sizeof(struct neap_layout_unit), .class_bytes = sizeof(struct neap_layout_class),          \
    .event_bytes = sizeof(struct neap_layout_event),                                                         \
    .mapped_run_bytes = sizeof(struct neap_layout_mapped_run), .pointer_bytes = sizeof(void *)

#endif
