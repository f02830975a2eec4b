/* Fuzz target: Ogg streams. The first byte says how the rest is cut into pieces; in pieces and at once, the
 * same pages must be found. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "cast/format/ogg_pages.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { OFFSET = 1000 };

/* The stream, and the places that were found in it. */
struct found {
    const uint8_t *data;
    size_t bytes, count;
    uint64_t last, sum;
};

/* A place is a whole head within the stream, after the one before, and no packet continues into it. */
static void place_note(void *context, uint64_t offset) {
    struct found *found = context;
    expect(offset >= OFFSET && offset - OFFSET + 27 <= found->bytes &&
           (found->count == 0 || offset > found->last));
    expect(memcmp(found->data + (offset - OFFSET), "OggS", 5) == 0);
    expect((found->data[offset - OFFSET + 5] & 3) == 0);
    found->count++;
    found->last = offset;
    found->sum = found->sum * 31 + offset;
}

static void pages_verify(const struct cast_ogg_pages *pages) {
    expect(pages->header_bytes <= pages->header_room && pages->header_bytes <= CAST_OGG_HEADERS_BYTES_MOST);
    expect(pages->head_bytes <= sizeof(pages->head) && pages->page_left <= 255 * 255);
    expect(!pages->too_much || (pages->header_bytes == 0 && !pages->in_headers));
    expect(!pages->in_headers || !pages->headers_complete);
    expect(!pages->in_headers || pages->header_bytes + pages->page_left <= pages->header_room);
    expect(pages->header_bytes == 0 || memcmp(pages->headers, "OggS", 5) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes < 1)
        return 0;
    uint32_t state = data[0];
    data++;
    bytes--;
    struct cast_ogg_pages whole, pieces;
    struct found at_once = {.data = data, .bytes = bytes}, in_pieces = at_once;
    cast_ogg_pages_open(&whole, OFFSET);
    cast_ogg_pages_open(&pieces, OFFSET);
    expect(cast_ogg_pages_feed(&whole, data, bytes, place_note, &at_once) == NEAP_OK);
    pages_verify(&whole);
    for (size_t fed = 0; fed < bytes;) {
        size_t piece = piece_next(&state, bytes - fed);
        uint8_t *exact = malloc(piece);
        expect(exact != NULL);
        memcpy(exact, data + fed, piece);
        expect(cast_ogg_pages_feed(&pieces, exact, piece, place_note, &in_pieces) == NEAP_OK);
        free(exact);
        pages_verify(&pieces);
        fed += piece;
        expect(pieces.offset == OFFSET + fed && pieces.lost_bytes <= fed);
    }
    expect(at_once.count == in_pieces.count && at_once.sum == in_pieces.sum);
    expect(whole.offset == pieces.offset && whole.page_left == pieces.page_left);
    expect(whole.head_bytes == pieces.head_bytes && whole.lost_bytes == pieces.lost_bytes);
    expect(whole.headers_complete == pieces.headers_complete && whole.too_much == pieces.too_much);
    expect(whole.header_bytes == pieces.header_bytes && whole.in_headers == pieces.in_headers);
    expect(whole.header_bytes == 0 || memcmp(whole.headers, pieces.headers, whole.header_bytes) == 0);
    cast_ogg_pages_close(&whole);
    cast_ogg_pages_close(&pieces);
    return 0;
}
