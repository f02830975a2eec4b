/* inspect/objects/block_index.c: spans, a table from pages to spans, and a hash table of single blocks. */
#include "inspect/objects/block_index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/word.h"

enum {
    PAGE_SHIFT = 12,
    CHUNK_SHIFT = 24, /* 16 MiB of addresses share one table of spans */
    CHUNK_PAGES = 1 << (CHUNK_SHIFT - PAGE_SHIFT),
    STEP = 64,               /* ordinals between two entries of `steps` */
    SPAN_BYTES_MAX = 1 << 26 /* of a span of several blocks */
};

struct chunk {
    uint64_t number; /* address >> CHUNK_SHIFT */
    uint32_t *spans; /* by page: index of the span + 1, 0: none; NULL: an empty slot */
};

struct neap_block_index {
    struct neap_block_span *spans;
    size_t span_count, span_room;
    uint64_t *live;
    size_t live_words;
    uint32_t *steps; /* by ordinal / STEP: the span of that ordinal */
    size_t step_room;
    uint32_t count; /* ordinals */
    struct chunk *chunks;
    size_t chunk_count, chunk_slots; /* slots: a power of two */
    uint32_t *alone;                 /* by hash of address: index of the span + 1, 0: none */
    size_t alone_count, alone_slots;
};

static size_t hash_of(uint64_t number, size_t slots) {
    return (size_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (slots - 1);
}

neap_block_index_t *neap_block_index_new(void) {
    return calloc(1, sizeof(neap_block_index_t));
}

void neap_block_index_destroy(neap_block_index_t *index) {
    if (!index)
        return;
    for (size_t i = 0; i < index->chunk_slots; i++)
        free(index->chunks[i].spans);
    free(index->chunks);
    free(index->alone);
    free(index->steps);
    free(index->live);
    free(index->spans);
    free(index);
}

/* --- pages -------------------------------------------------------------- */

static struct chunk *chunk_slot(struct chunk *chunks, size_t slots, uint64_t number) {
    size_t at = hash_of(number, slots);
    while (chunks[at].spans && chunks[at].number != number)
        at = (at + 1) & (slots - 1);
    return &chunks[at];
}

static bool chunks_grow(neap_block_index_t *index) {
    size_t slots = index->chunk_slots ? 2 * index->chunk_slots : 64;
    struct chunk *chunks = calloc(slots, sizeof(*chunks));
    if (!chunks)
        return false;
    for (size_t i = 0; i < index->chunk_slots; i++)
        if (index->chunks[i].spans)
            *chunk_slot(chunks, slots, index->chunks[i].number) = index->chunks[i];
    free(index->chunks);
    index->chunks = chunks;
    index->chunk_slots = slots;
    return true;
}

/* The table entry for the page at `address`; NULL if there is no memory. */
static uint32_t *page_make(neap_block_index_t *index, uint64_t address) {
    if (2 * index->chunk_count >= index->chunk_slots && !chunks_grow(index))
        return NULL;
    uint64_t number = address >> CHUNK_SHIFT;
    struct chunk *chunk = chunk_slot(index->chunks, index->chunk_slots, number);
    if (!chunk->spans) {
        chunk->spans = calloc(CHUNK_PAGES, sizeof(*chunk->spans));
        if (!chunk->spans)
            return NULL;
        chunk->number = number;
        index->chunk_count++;
    }
    return &chunk->spans[address >> PAGE_SHIFT & (CHUNK_PAGES - 1)];
}

static uint32_t page_find(const neap_block_index_t *index, uint64_t address) {
    if (index->chunk_count == 0)
        return 0;
    const struct chunk *chunk = chunk_slot(index->chunks, index->chunk_slots, address >> CHUNK_SHIFT);
    return chunk->spans ? chunk->spans[address >> PAGE_SHIFT & (CHUNK_PAGES - 1)] : 0;
}

/* Enters `value` for all pages of a span. If a page belongs to another span, removes all entries again and
 * returns an error. A large block is only looked up by its first byte. */
static int pages_enter(neap_block_index_t *index, const struct neap_block_span *span, uint32_t value) {
    uint64_t bytes = span->blocks == 1 ? 1 : span->blocks * span->block_bytes;
    uint64_t first = span->address >> PAGE_SHIFT, last = (span->address + bytes - 1) >> PAGE_SHIFT;
    for (uint64_t page = first; page <= last; page++) {
        uint32_t *place = page_make(index, page << PAGE_SHIFT);
        if (place && *place == 0) {
            *place = value;
            continue;
        }
        while (page-- > first)
            *page_make(index, page << PAGE_SHIFT) = 0;
        return place ? NEAP_ERROR_FORMAT : NEAP_ERROR_MEMORY;
    }
    return NEAP_OK;
}

/* --- spans -------------------------------------------------------------- */

/* Makes room for one more span of that many blocks; new parts of the arrays are zero. */
static bool span_room(neap_block_index_t *index, uint32_t blocks) {
    size_t words = ((size_t)index->count + blocks + 63) / 64, had = index->live_words;
    if (!NEAP_ARRAY_RESERVE(index->spans, index->span_room, index->span_count + 1) ||
        !NEAP_ARRAY_RESERVE(index->live, index->live_words, words))
        return false;
    memset(index->live + had, 0, (index->live_words - had) * sizeof(*index->live));
    return NEAP_ARRAY_RESERVE(index->steps, index->step_room, words);
}

static void live_set(neap_block_index_t *index, uint32_t ordinal, uint32_t blocks, const uint64_t *live) {
    for (uint32_t i = 0; i < blocks; i += 64) {
        uint32_t left = blocks - i, at = (ordinal + i) / 64, shift = (ordinal + i) % 64;
        uint64_t word = (live ? live[i / 64] : ~UINT64_C(0)) & neap_word_span(0, left < 64 ? left - 1 : 63);
        index->live[at] |= word << shift;
        if (shift && word >> (64 - shift))
            index->live[at + 1] |= word >> (64 - shift);
    }
}

/* Appends a span, for which there is room. */
static uint32_t span_append(neap_block_index_t *index, const struct neap_block_span *span,
                            const uint64_t *live) {
    uint32_t number = (uint32_t)index->span_count++, ordinal = index->count;
    index->spans[number] = *span;
    index->spans[number].ordinal = ordinal;
    for (uint64_t step = ((uint64_t)ordinal + STEP - 1) / STEP;
         step * STEP < (uint64_t)ordinal + span->blocks; step++)
        index->steps[step] = number;
    live_set(index, ordinal, span->blocks, live);
    index->count += span->blocks;
    return number;
}

static bool ordinals_left(const neap_block_index_t *index, uint32_t blocks) {
    return blocks < NEAP_BLOCK_NONE - index->count;
}

int neap_block_index_add(neap_block_index_t *index, const struct neap_block_span *span,
                         const uint64_t *live) {
    if (span->blocks == 0 || span->block_bytes == 0 || !ordinals_left(index, span->blocks) ||
        (span->blocks > 1 && span->block_bytes > SPAN_BYTES_MAX / span->blocks) ||
        span->address > UINT64_MAX - SPAN_BYTES_MAX)
        return NEAP_ERROR_FORMAT;
    if (!span_room(index, span->blocks))
        return NEAP_ERROR_MEMORY;
    int error = pages_enter(index, span, (uint32_t)index->span_count + 1);
    if (error == NEAP_OK)
        span_append(index, span, live);
    return error;
}

/* --- blocks by themselves ------------------------------------------------ */

/* The slot of the single block at `address`, or the empty slot where it would be. */
static size_t alone_slot(const neap_block_index_t *index, const uint32_t *alone, size_t slots,
                         uint64_t address) {
    size_t at = hash_of(address >> 3, slots);
    while (alone[at] && index->spans[alone[at] - 1].address != address)
        at = (at + 1) & (slots - 1);
    return at;
}

static bool alone_grow(neap_block_index_t *index) {
    size_t slots = index->alone_slots ? 2 * index->alone_slots : 1024;
    uint32_t *alone = calloc(slots, sizeof(*alone));
    if (!alone)
        return false;
    for (size_t i = 0; i < index->alone_slots; i++)
        if (index->alone[i]) {
            uint64_t address = index->spans[index->alone[i] - 1].address;
            alone[alone_slot(index, alone, slots, address)] = index->alone[i];
        }
    free(index->alone);
    index->alone = alone;
    index->alone_slots = slots;
    return true;
}

static uint32_t alone_find(const neap_block_index_t *index, uint64_t address) {
    if (index->alone_count == 0)
        return NEAP_BLOCK_NONE;
    uint32_t number = index->alone[alone_slot(index, index->alone, index->alone_slots, address)];
    return number ? index->spans[number - 1].ordinal : NEAP_BLOCK_NONE;
}

uint32_t neap_block_index_add_alone(neap_block_index_t *index, uint64_t address, uint64_t bytes,
                                    bool *added) {
    uint32_t ordinal = neap_block_index_find(index, address);
    *added = false;
    if (ordinal != NEAP_BLOCK_NONE)
        return ordinal;
    if (4 * index->alone_count >= 3 * index->alone_slots && !alone_grow(index))
        return NEAP_BLOCK_NONE;
    if (!ordinals_left(index, 1) || !span_room(index, 1))
        return NEAP_BLOCK_NONE;
    const struct neap_block_span span = {
        .address = address, .block_bytes = bytes, .blocks = 1, .arena = NEAP_BLOCK_NONE};
    size_t slot = alone_slot(index, index->alone, index->alone_slots, address);
    uint32_t number = span_append(index, &span, NULL);
    index->alone[slot] = number + 1;
    index->alone_count++;
    *added = true;
    return index->spans[number].ordinal;
}

/* --- looking up ---------------------------------------------------------- */

uint32_t neap_block_index_find(const neap_block_index_t *index, uint64_t address) {
    uint32_t number = page_find(index, address);
    if (number == 0)
        return alone_find(index, address);
    const struct neap_block_span *span = &index->spans[number - 1];
    if (address < span->address)
        return NEAP_BLOCK_NONE;
    uint64_t offset = address - span->address;
    if (span->blocks == 1)
        return offset < span->block_bytes ? span->ordinal : NEAP_BLOCK_NONE;
    uint32_t block = (uint32_t)offset / (uint32_t)span->block_bytes;
    return block < span->blocks ? span->ordinal + block : NEAP_BLOCK_NONE;
}

const struct neap_block_span *neap_block_index_spans(const neap_block_index_t *index, size_t *count) {
    *count = index->span_count;
    return index->spans;
}

const struct neap_block_span *neap_block_index_span(const neap_block_index_t *index, uint32_t ordinal) {
    assert(ordinal < index->count);
    const struct neap_block_span *span = &index->spans[index->steps[ordinal / STEP]];
    while (ordinal - span->ordinal >= span->blocks)
        span++;
    return span;
}

uint32_t neap_block_index_count(const neap_block_index_t *index) {
    return index->count;
}

const uint64_t *neap_block_index_live(const neap_block_index_t *index) {
    return index->live;
}

/* --- invariants ---------------------------------------------------------- */

static bool fail(const char **why, const char *what) {
    *why = what;
    return false;
}

bool neap_block_index_check(const neap_block_index_t *index, const char **why) {
    uint64_t ordinal = 0;
    for (size_t i = 0; i < index->span_count; i++) {
        const struct neap_block_span *span = &index->spans[i];
        if (span->ordinal != ordinal)
            return fail(why, "ordinals have a gap");
        ordinal += span->blocks;
        if (neap_block_index_find(index, span->address) != span->ordinal)
            return fail(why, "a span is not found by its first byte");
        uint32_t last = span->ordinal + span->blocks - 1;
        if (neap_block_index_find(index, neap_block_address(span, last)) != last)
            return fail(why, "a span's last block is not found");
        if (neap_block_index_span(index, span->ordinal) != span || neap_block_index_span(index, last) != span)
            return fail(why, "an ordinal leads to another span");
    }
    if (ordinal != index->count)
        return fail(why, "the count is not the sum of the spans");
    for (uint64_t i = index->count; i < 64 * (uint64_t)index->live_words; i++)
        if (neap_block_is_live(index->live, (uint32_t)i))
            return fail(why, "a block beyond the last is live");
    return true;
}
