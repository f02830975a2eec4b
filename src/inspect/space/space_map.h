/* inspect/space/space_map.h: the address space of a process as a map that can be drawn, saved and compared.
 *
 *   spans   |arena|arena|glibc |      |code|data|   |stack|       by address, of one kind each
 *   pools   |48 B, 300 of 341 in use|...                          within arenas and regions
 *
 * A map is a copy of the facts in an image, without the contents of pages. It outlives the
 * snapshot and can be saved to a file. Any thread may read it, one may write.
 */
#ifndef NEAP_INSPECT_SPACE_SPACE_MAP_H
#define NEAP_INSPECT_SPACE_SPACE_MAP_H

#include "inspect/process/process_image.h"
#include "pylayout/block_source.h"

struct neap_space_span {
    uint64_t start, end;
    enum neap_span_kind kind;
    uint64_t resident_bytes;
    bool has_use;
    uint64_t used_bytes;  /* resident bytes in use; valid if has_use */
    pid_t tid;            /* of a stack, 0: not known */
    uint64_t chunk_bytes; /* `chunks` has a value for each such part of the span; 0: memory is even */
    size_t chunk;         /* index into `chunks` of the first part; the last part may be shorter */
    const char *label;    /* a file's path, a mapping's name, a thread's name; "" for none */
};

/* Neighbouring blocks of one size; see struct neap_block_batch. */
struct neap_space_pool {
    uint64_t address, bytes, first;
    uint32_t block_bytes, blocks, used, group_blocks, group_bytes;
    uint32_t live; /* index of its first word in `live`; NEAP_SPACE_ALL: all blocks are in use;
                      NEAP_SPACE_UNTOLD: its bits are left out */
};
enum { NEAP_SPACE_CHUNK_FULL = 15, NEAP_SPACE_CHUNKS_MOST = 4096 /* of one span */ };
#define NEAP_SPACE_ALL    UINT32_MAX
#define NEAP_SPACE_UNTOLD (UINT32_MAX - 1)

struct neap_space_map {
    pid_t pid;
    char program[256];
    bool core;
    unsigned pointer_bytes;
    uint64_t page_bytes, rss_bytes;
    struct neap_space_span *spans; /* by address */
    size_t span_count;
    uint8_t *chunks; /* 0 (nothing) to NEAP_SPACE_CHUNK_FULL (all in memory), rounded up */
    size_t chunk_count;
    struct neap_space_pool *pools; /* by address; none where there is no Python heap */
    size_t pool_count;
    uint64_t *live;
    size_t live_words;
    uint64_t free_start, free_bytes; /* the largest range without a mapping, below the highest mapping */
    uint64_t stack_bytes;            /* resident in stacks of threads */
    size_t stack_count, thread_count;
    size_t mapping_count;
    uint64_t mapping_limit; /* 0: not known */
    char *texts;            /* the labels point into this; NULL while they point elsewhere */
};

/* Makes the map of an image whose spans have been claimed. If `blocks` is NULL, it has no pools. The bits
 * of blocks take at most `live_bytes_most`; further pools have no bits. Labels are copied.
 * NEAP_ERROR_MEMORY. */
int neap_space_map_make(const struct neap_process_image *image, const struct neap_block_source *blocks,
                        size_t live_bytes_most, struct neap_space_map *map);

void neap_space_map_clear(struct neap_space_map *map);

/* Finds the largest free range between the spans and sets map->free_start and free_bytes. */
void neap_space_map_gap(struct neap_space_map *map);

/* Bytes of [start, end), which lies in the span, that are in memory; an estimate within a chunk. */
uint64_t neap_space_span_resident(const struct neap_space_map *map, const struct neap_space_span *span,
                                  uint64_t start, uint64_t end);

/* How many chunks a span has. */
size_t neap_space_span_chunks(const struct neap_space_span *span);

/* Sums of one kind. */
struct neap_space_sum {
    uint64_t spans, bytes, resident_bytes, used_bytes;
};
void neap_space_map_sums(const struct neap_space_map *map, struct neap_space_sum sums[NEAP_SPAN_KINDS]);

/* Index of the first pool that ends after `address`. */
size_t neap_space_pool_at(const struct neap_space_map *map, uint64_t address);

/* Verifies that the map is sorted and in bounds. False with a static text in *why otherwise. Call it
 * for a map that was read from a file. */
bool neap_space_map_check(const struct neap_space_map *map, const char **why);

#endif
