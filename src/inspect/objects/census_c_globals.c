/* inspect/objects/census_c_globals.c: finds the blocks of C code. They are neither objects nor buffers, but a
 * variable in the data of a program or library points to them: tables of a parser, or free lists. */
#include <stdlib.h>
#include <string.h>

#include "inspect/objects/census_state.h"

enum { CHUNK_WORDS = 512, SCAN_BYTES_MOST = 1 << 28 }; /* more bytes of variables than any program has */

struct search {
    struct neap_census *census;
    uint64_t *seen;        /* one bit per block */
    uint64_t lowest, size; /* of the addresses of all blocks */
};

static void word_follow(struct search *search, uint64_t word) {
    struct neap_census *census = search->census;
    uint32_t ordinal = neap_block_index_find(census->index, word);
    if (ordinal == NEAP_BLOCK_NONE || neap_block_is_live(search->seen, ordinal) ||
        !neap_block_is_live(neap_block_index_live(census->index), ordinal) ||
        neap_block_is_live(census->objects, ordinal) || neap_block_is_live(census->buffers, ordinal))
        return;
    const struct neap_block_span *span = neap_block_index_span(census->index, ordinal);
    if (span->arena == NEAP_BLOCK_NONE || neap_block_address(span, ordinal) != word)
        return;
    search->seen[ordinal / 64] |= UINT64_C(1) << (ordinal % 64);
    census->facts.code_blocks++;
    census->facts.code_bytes += span->block_bytes;
}

static void chunk_follow(struct search *search, uint64_t address) {
    const struct neap_memory *memory = &search->census->view->memory;
    uint64_t scratch[CHUNK_WORDS];
    /* In a core file words may be unaligned. */
    const unsigned char *words = neap_memory_at(memory, address, scratch, sizeof(scratch));
    for (size_t i = 0; words && i < CHUNK_WORDS; i++) {
        uint64_t word;
        memcpy(&word, words + i * sizeof(word), sizeof(word));
        if (word - search->lowest < search->size)
            word_follow(search, word);
    }
}

static void range_find(struct search *search) {
    size_t count;
    const struct neap_block_span *spans = neap_block_index_spans(search->census->index, &count);
    uint64_t lowest = UINT64_MAX, end = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t span_end = spans[i].address + spans[i].blocks * spans[i].block_bytes;
        if (spans[i].arena == NEAP_BLOCK_NONE)
            continue;
        lowest = spans[i].address < lowest ? spans[i].address : lowest;
        end = span_end > end ? span_end : end;
    }
    search->lowest = lowest;
    search->size = end > lowest ? end - lowest : 0;
}

bool neap__census_static(struct neap_census *census) {
    const struct neap_process_image *image = census->view->image;
    struct search search = {.census = census, .seen = calloc(census->word_count + 1, sizeof(uint64_t))};
    uint64_t scanned = 0;
    if (!search.seen)
        return false;
    range_find(&search);
    for (size_t i = 0; i < image->span_count && scanned < SCAN_BYTES_MOST; i++) {
        const struct neap_image_span *span = &image->spans[i];
        const uint64_t chunk = CHUNK_WORDS * sizeof(uint64_t);
        if (span->kind != NEAP_SPAN_DATA || image->mappings[span->mapping].rss_bytes == 0)
            continue;
        for (uint64_t at = span->start; span->end - at >= chunk && scanned < SCAN_BYTES_MOST; at += chunk) {
            scanned += chunk;
            if (neap_process_image_resident(image, at, at + chunk) > 0)
                chunk_follow(&search, at);
        }
    }
    free(search.seen);
    return true;
}
